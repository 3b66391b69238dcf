/* Keys and their texts: RFC 8032, C2SP signed-note, golang.org/x/mod/sumdb/note and golden vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "kluis/file.h"
#include "kluis/keys.h"

#include "fail.h"
#include "scratch.h"
#include "test_keys.h"
#include "vector.h"

#define GO_VKEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_PRIVATE "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"

static char folder[SCRATCH_MAX];
static char path[SCRATCH_MAX + 16];

static int make_folder(void **state)
{
	(void)state;
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/key", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void put_file(struct slice text)
{
	assert_int_equal(file_write(path, text, 0600, NULL), ERR_OK);
}

static void check_ed25519(char *const *columns)
{
	struct bytes seed = vector_hex(columns[0]), public = vector_hex(columns[1]);
	struct bytes message = vector_hex(columns[2]), signature = vector_hex(columns[3]);
	uint8_t made[SIGNATURE_SIZE];
	struct secret_key key;

	assert_int_equal(secret_key_from_seed(slice_text("k"), seed.data, &key), ERR_OK);
	assert_memory_equal(key.public.key, public.data, KEY_SIZE);
	assert_int_equal(key_sign(&key, "", bytes_slice(&message), made), ERR_OK);
	assert_memory_equal(made, signature.data, SIGNATURE_SIZE);
	assert_int_equal(key_verify(public.data, "", bytes_slice(&message), bytes_slice(&signature)), ERR_OK);
	for (size_t i = 0; i < SIGNATURE_SIZE; i++) {
		signature.data[i] ^= 0x10;
		assert_int_equal(key_verify(public.data, "", bytes_slice(&message), bytes_slice(&signature)),
				 ERR_SIGNATURE);
		signature.data[i] ^= 0x10;
	}
	secret_key_fini(&key);
	bytes_fini(&seed);
	bytes_fini(&public);
	bytes_fini(&message);
	bytes_fini(&signature);
}

static void test_key_sign_rfc_8032(void **state)
{
	(void)state;
	assert_int_equal(vector_each("ed25519.txt", 4, check_ed25519), 4);
}

/* A domain changes nothing but the bytes that are signed: on both sides of the size that needs a buffer. */
static void test_key_sign_is_over_domain_and_message(void **state)
{
	static const size_t lengths[] = {0, 1, 200, 2034, 2035, 2036, 2048, 2049, 5000, 50000};
	const char *domain = "kluis/test/v1\n";
	struct secret_key key = test_seed_key("k", 9);
	uint8_t plain[SIGNATURE_SIZE], with_domain[SIGNATURE_SIZE];
	uint8_t *whole = calloc(1, 50100);

	(void)state;
	assert_non_null(whole);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t length = lengths[i], first = strlen(domain);
		struct slice message = SLICE(whole + first, length);

		memset(whole, 'm', 50100);
		memcpy(whole, domain, first);
		assert_int_equal(key_sign(&key, "", SLICE(whole, first + length), plain), ERR_OK);
		assert_int_equal(key_sign(&key, domain, message, with_domain), ERR_OK);
		assert_memory_equal(plain, with_domain, SIGNATURE_SIZE);
		assert_int_equal(key_verify(key.public.key, domain, message, SLICE_ARRAY(plain)), ERR_OK);
		assert_int_equal(key_verify(key.public.key, "", message, SLICE_ARRAY(plain)), ERR_SIGNATURE);
		assert_int_equal(key_verify(key.public.key, "kluis/test/v2\n", message, SLICE_ARRAY(plain)),
				 ERR_SIGNATURE);
	}
	assert_int_equal(key_verify(key.public.key, "", SLICE_EMPTY, SLICE(plain, 63)), ERR_SIGNATURE);
	assert_int_equal(key_verify(key.public.key, "", SLICE_EMPTY, SLICE_EMPTY), ERR_SIGNATURE);
	free(whole);
	secret_key_fini(&key);
}

static void check_vkey(char *const *columns)
{
	uint8_t byte, type = (uint8_t)(columns[2][0] - '0');
	struct public_key made, parsed;
	struct secret_key key;
	struct bytes vkey;

	assert_int_equal(hex_parse(slice_text(columns[1]), &byte, 1), ERR_OK);
	key = test_seed_key(columns[0], byte);
	assert_int_equal(public_key_init(&made, slice_text(columns[0]), type, key.public.key), ERR_OK);
	bytes_init(&vkey, strlen(columns[3]));
	assert_int_equal(public_key_print(&made, &vkey), ERR_OK);
	assert_true(slice_equal(bytes_slice(&vkey), slice_text(columns[3])));
	assert_int_equal(public_key_parse(bytes_slice(&vkey), &parsed, NULL), ERR_OK);
	assert_true(public_key_equal(&made, &parsed));
	assert_int_equal(public_key_equal(&made, &key.public), type == KEY_TYPE_ED25519);
	bytes_fini(&vkey);
	secret_key_fini(&key);
}

static void test_public_key_golden(void **state)
{
	(void)state;
	assert_int_equal(vector_each("keys.txt", 4, check_vkey), 4);
}

static void test_public_key_of_the_signed_note_specification(void **state)
{
	struct public_key key;

	(void)state;
	assert_int_equal(public_key_parse(slice_text("example.com/"
						     "foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
					  &key, NULL),
			 ERR_OK);
	assert_string_equal(key.name, "example.com/foo");
	assert_int_equal(key.id, 0x530d903a);
	assert_int_equal(key.type, KEY_TYPE_ED25519);
}

/* Every part of a good vkey, and every one with one byte changed, is none: as Go's own test does. */
static void test_public_key_parse_refuses_every_mangling(void **state)
{
	struct public_key key;
	struct slice vkey = slice_text(GO_VKEY);
	char text[] = GO_VKEY;

	(void)state;
	assert_int_equal(public_key_parse(vkey, &key, NULL), ERR_OK);
	for (size_t from = 0; from <= vkey.length; from++) {
		for (size_t end = from; end <= vkey.length; end++) {
			struct fault fault = {0};

			if (from == 0 && end == vkey.length)
				continue;
			assert_int_equal(public_key_parse(slice_part(vkey, from, end - from), &key, &fault), ERR_INPUT);
			assert_true(fault.text[0] != '\0');
		}
	}
	for (size_t i = 0; i < vkey.length; i++) {
		for (int value = 0; value < 256; value++) {
			text[i] = (char)value;
			if (text[i] != GO_VKEY[i])
				assert_int_equal(public_key_parse(SLICE(text, vkey.length), &key, NULL), ERR_INPUT);
		}
		text[i] = GO_VKEY[i];
	}
}

static void test_public_key_parse_refuses(void **state)
{
	static const char *const bad[] = {
		/* Go's: wrong length and unknown algorithm, each with the id that would fit */
		"PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
		"PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
		" PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct public_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(public_key_parse(slice_text(bad[i]), &key, NULL), ERR_INPUT);
}

static void test_key_name_is_valid(void **state)
{
	char name[PRINCIPAL_MAX + 1];

	(void)state;
	memset(name, 'n', sizeof(name));
	assert_true(key_name_is_valid(SLICE(name, PRINCIPAL_MAX)));
	assert_false(key_name_is_valid(SLICE(name, PRINCIPAL_MAX + 1)));
	assert_true(key_name_is_valid(slice_text("h\xC3\xA9")));
	assert_false(key_name_is_valid(SLICE_EMPTY));
	assert_false(key_name_is_valid(slice_text("a b")));
	assert_false(key_name_is_valid(slice_text("a+b")));
	assert_false(key_name_is_valid(slice_text("a\tb")));
	assert_false(key_name_is_valid(slice_text("a\n")));
	assert_false(key_name_is_valid(slice_text("a\xC2\xA0")));
	assert_false(key_name_is_valid(slice_text("\xE1\x9A\x80")));
	assert_false(key_name_is_valid(slice_text("a\xE2\x80\x8A")));
	assert_true(key_name_is_valid(slice_text("a\xE2\x80\x8B"))); /* U+200B is no white space */
	assert_false(key_name_is_valid(slice_text("a\xE2\x80\xA8")));
	assert_false(key_name_is_valid(slice_text("a\xE2\x80\xAF")));
	assert_false(key_name_is_valid(slice_text("a\xE2\x81\x9F")));
	assert_false(key_name_is_valid(slice_text("a\xE3\x80\x80")));
	assert_false(key_name_is_valid(slice_text("\xFF")));
}

static void test_public_key_init_of_a_bad_name(void **state)
{
	const uint8_t bytes[KEY_SIZE] = {1};
	struct public_key key;
	struct secret_key secret;

	(void)state;
	assert_int_equal(public_key_init(&key, slice_text("a b"), KEY_TYPE_ED25519, bytes), ERR_INPUT);
	assert_int_equal(secret_key_from_seed(slice_text("a b"), bytes, &secret), ERR_INPUT);
}

static void test_secret_key_write_golden(void **state)
{
	struct secret_key key = test_seed_key("example.com/kluis/store/12", 3), read;
	struct bytes expected = vector_read("private-key.txt"), written;
	struct stat status;

	(void)state;
	bytes_init(&written, 1000);
	assert_int_equal(secret_key_write(&key, path, NULL), ERR_OK);
	assert_int_equal(file_read(path, &written, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&written), bytes_slice(&expected)));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(secret_key_write(&key, path, NULL), ERR_EXISTS);
	assert_int_equal(secret_key_read(path, &read, NULL), ERR_OK);
	assert_true(public_key_equal(&key.public, &read.public));
	assert_memory_equal(key.secret, read.secret, 64);
	secret_key_fini(&key);
	secret_key_fini(&read);
	bytes_fini(&expected);
	bytes_fini(&written);
}

static void test_secret_key_read_of_go(void **state)
{
	struct secret_key key;
	struct bytes vkey;

	(void)state;
	put_file(slice_text(GO_PRIVATE));
	assert_int_equal(secret_key_read(path, &key, NULL), ERR_OK);
	bytes_init(&vkey, 1000);
	assert_int_equal(public_key_print(&key.public, &vkey), ERR_OK);
	assert_true(slice_equal(bytes_slice(&vkey), slice_text(GO_VKEY)));
	bytes_fini(&vkey);
	secret_key_fini(&key);
}

static void test_secret_key_read_refuses(void **state)
{
	struct secret_key key = {0};
	struct slice good = slice_text(GO_PRIVATE);
	char text[] = GO_PRIVATE;

	(void)state;
	for (size_t i = 0; i < good.length; i++) {
		struct fault fault = {0};

		put_file(slice_part(good, 0, i)); /* cut short */
		assert_int_equal(secret_key_read(path, &key, NULL), ERR_INPUT);
		text[i]++;
		put_file(SLICE(text, good.length)); /* one byte changed */
		text[i]--;
		assert_int_equal(secret_key_read(path, &key, &fault), ERR_INPUT);
		assert_null(strstr(fault.text, "AYEKFALVFGyNhPJEMzD1QIDr")); /* no secret in a fault */
		assert_non_null(strstr(fault.text, path));
	}
	put_file(slice_text(GO_PRIVATE "\n"));
	assert_int_equal(secret_key_read(path, &key, NULL), ERR_INPUT);
	put_file(slice_text(GO_VKEY "\n"));
	assert_int_equal(secret_key_read(path, &key, NULL), ERR_INPUT);
	put_file(slice_text(GO_PRIVATE));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(secret_key_read(path, &key, NULL), ERR_MODE);
	remove(path);
	assert_int_equal(secret_key_read(path, &key, NULL), ERR_NOT_FOUND);
	assert_null(key.secret);
}

static void test_secret_key_read_of_a_long_file(void **state)
{
	struct secret_key key;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	put_file(SLICE_ARRAY(text));
	assert_int_equal(secret_key_read(path, &key, NULL), ERR_INPUT);
}

static void test_secret_bytes(void **state)
{
	struct bytes text;
	uint8_t *key = NULL, *again = NULL;

	(void)state;
	assert_int_equal(secret_bytes_create(path, NULL), ERR_OK);
	assert_int_equal(secret_bytes_create(path, NULL), ERR_EXISTS);
	assert_int_equal(secret_bytes_read(path, &key, NULL), ERR_OK);
	assert_int_equal(secret_bytes_read(path, &again, NULL), ERR_OK);
	assert_memory_equal(key, again, KEY_SIZE);
	bytes_init(&text, 100);
	assert_int_equal(base64_append(SLICE(key, KEY_SIZE), &text), ERR_OK);
	put_file(bytes_slice(&text)); /* without its newline */
	assert_int_equal(secret_bytes_read(path, &again, NULL), ERR_INPUT);
	put_file(slice_text("AAAA\n"));
	assert_int_equal(secret_bytes_read(path, &again, NULL), ERR_INPUT);
	put_file(slice_text("not base64 at all, but long enough to be a key\n"));
	assert_int_equal(secret_bytes_read(path, &again, NULL), ERR_INPUT);
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(secret_bytes_read(path, &again, NULL), ERR_MODE);
	bytes_fini(&text);
	secret_bytes_free(&key);
	assert_null(key);
	secret_bytes_free(&key);
	secret_bytes_free(&again);
}

static void test_secret_key_new_is_random(void **state)
{
	struct secret_key a, b;

	(void)state;
	assert_int_equal(secret_key_new(slice_text("k"), &a), ERR_OK);
	assert_int_equal(secret_key_new(slice_text("k"), &b), ERR_OK);
	assert_false(public_key_equal(&a.public, &b.public));
	secret_key_fini(&a);
	secret_key_fini(&b);
	secret_key_fini(&b);
}

static enum err use_keys(void *context)
{
	static const uint8_t message[5000];
	struct secret_key key CLEANUP(secret_key_fini) = {0};
	struct secret_key read CLEANUP(secret_key_fini) = {0};
	struct bytes vkey CLEANUP(bytes_fini);
	uint8_t signature[SIGNATURE_SIZE];
	struct public_key parsed;

	(void)context;
	remove(path);
	bytes_init(&vkey, 1000);
	TRY(secret_key_new(slice_text("k"), &key));
	TRY(secret_key_write(&key, path, NULL));
	TRY(secret_key_read(path, &read, NULL));
	TRY(public_key_print(&read.public, &vkey));
	TRY(public_key_parse(bytes_slice(&vkey), &parsed, NULL));
	TRY(key_sign(&key, "domain\n", SLICE_ARRAY(message), signature));
	return key_verify(parsed.key, "domain\n", SLICE_ARRAY(message), SLICE_ARRAY(signature));
}

static enum err use_bytes(void *context)
{
	uint8_t *key CLEANUP(secret_bytes_free) = NULL;

	(void)context;
	remove(path);
	TRY(secret_bytes_create(path, NULL));
	return secret_bytes_read(path, &key, NULL);
}

static void test_keys_with_failing_calls(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY | FAIL_DISK, use_keys, NULL);
	fail_sweep(FAIL_MEMORY | FAIL_DISK, use_bytes, NULL);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_sign_rfc_8032),
		cmocka_unit_test(test_key_sign_is_over_domain_and_message),
		cmocka_unit_test(test_public_key_golden),
		cmocka_unit_test(test_public_key_of_the_signed_note_specification),
		cmocka_unit_test(test_public_key_parse_refuses_every_mangling),
		cmocka_unit_test(test_public_key_parse_refuses),
		cmocka_unit_test(test_key_name_is_valid),
		cmocka_unit_test(test_public_key_init_of_a_bad_name),
		FILE_TEST(test_secret_key_write_golden),
		FILE_TEST(test_secret_key_read_of_go),
		FILE_TEST(test_secret_key_read_refuses),
		FILE_TEST(test_secret_key_read_of_a_long_file),
		FILE_TEST(test_secret_bytes),
		cmocka_unit_test(test_secret_key_new_is_random),
		FILE_TEST(test_keys_with_failing_calls),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
