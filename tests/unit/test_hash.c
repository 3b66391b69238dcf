/* Hashes and sealing against published vectors and Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"

#include "fail.h"
#include "kluis/keys.h"
#include "vector.h"

static void assert_hash(const uint8_t hash[static HASH_SIZE], const char *expected)
{
	char text[2 * HASH_SIZE + 1];

	hex_print(SLICE(hash, HASH_SIZE), text);
	assert_string_equal(text, expected);
}

/* FIPS 180-4 examples */
static void test_sha256(void **state)
{
	static const char million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
	struct sha256_stream stream;
	uint8_t hash[HASH_SIZE], as[1000];

	(void)state;
	sha256(slice_text("abc"), hash);
	assert_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256(SLICE_EMPTY, hash);
	assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	memset(as, 'a', sizeof(as));
	sha256_begin(&stream);
	for (int i = 0; i < 1000; i++)
		sha256_update(&stream, SLICE_ARRAY(as));
	sha256_update(&stream, SLICE_EMPTY);
	sha256_end(&stream, hash);
	assert_hash(hash, million);
}

/* RFC 7693's algorithm by Python: hashlib.blake2b(..., digest_size=32) */
static void test_blake2b(void **state)
{
	uint8_t hash[HASH_SIZE];

	(void)state;
	blake2b(SLICE_EMPTY, "", slice_text("abc"), hash);
	assert_hash(hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	blake2b(slice_text("k"), "domain\n", slice_text("abc"), hash);
	assert_hash(hash, "d2539b8fd39c055690efb31067851165175e2a00fd6f7453e31ae8f53017930f");
}

/* FORMAT.md R40 by Python */
static void test_commitment(void **state)
{
	uint8_t salt[SALT_SIZE], hash[HASH_SIZE], other[HASH_SIZE];

	(void)state;
	for (uint8_t i = 0; i < SALT_SIZE; i++)
		salt[i] = i;
	commitment_make(salt, SLICE_EMPTY, hash);
	assert_hash(hash, "79a69b9690cae69583c24a134d4c2c9e96a8e169b31954ded98bdc658bc16100");
	commitment_make(salt, slice_text("content"), hash);
	assert_hash(hash, "91c5b94bab9947835b771e48e169c572f56991ac27f6f9ea554425a86c8dcfba");

	assert_int_equal(commitment_check(SLICE_ARRAY(hash), SLICE_ARRAY(salt), slice_text("content")), ERR_OK);
	assert_int_equal(commitment_check(SLICE_ARRAY(hash), SLICE_ARRAY(salt), slice_text("Content")), ERR_COMMITMENT);
	assert_int_equal(commitment_check(SLICE_ARRAY(hash), SLICE_ARRAY(hash), slice_text("content")), ERR_COMMITMENT);
	assert_int_equal(commitment_check(SLICE(hash, 31), SLICE_ARRAY(salt), slice_text("content")), ERR_COMMITMENT);
	assert_int_equal(commitment_check(SLICE_ARRAY(hash), SLICE(salt, 31), slice_text("content")), ERR_COMMITMENT);
	assert_int_equal(commitment_check(SLICE_EMPTY, SLICE_EMPTY, slice_text("content")), ERR_COMMITMENT);
	for (size_t bit = 0; bit < HASH_SIZE * 8; bit++) {
		memcpy(other, hash, sizeof(other));
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(commitment_check(SLICE_ARRAY(other), SLICE_ARRAY(salt), slice_text("content")),
				 ERR_COMMITMENT);
	}
}

/* FORMAT.md R130 by Python: hashlib.blake2b(domain + bytes([field]) + value, key=key, digest_size=32)[:16] */
static void test_handle(void **state)
{
	uint8_t key[KEY_SIZE], handle[HANDLE_SIZE];
	char text[2 * HANDLE_SIZE + 1], longest[VALUE_MAX];

	(void)state;
	for (uint8_t i = 0; i < KEY_SIZE; i++)
		key[i] = i;
	handle_make(key, 3, slice_text("+31612345678"), handle);
	hex_print(SLICE_ARRAY(handle), text);
	assert_string_equal(text, "26710d33b4db4f9cd28252fd69382ca5");
	handle_make(key, 64, SLICE_EMPTY, handle);
	hex_print(SLICE_ARRAY(handle), text);
	assert_string_equal(text, "8f51bdbc130a4288ed33899c4820f479");
	memset(longest, 'x', sizeof(longest));
	handle_make(key, 1, SLICE(longest, sizeof(longest)), handle);
	hex_print(SLICE_ARRAY(handle), text);
	assert_string_equal(text, "b61f53b80a0832958cd9bc45b1abd0cb");
}

static void as_kept(const char *text, char ret_hash[static PIN_HASH_SIZE])
{
	memset(ret_hash, 0, PIN_HASH_SIZE);
	snprintf(ret_hash, PIN_HASH_SIZE, "%s", text);
}

static void test_pin(void **state)
{
	char hash[PIN_HASH_SIZE], other[PIN_HASH_SIZE];

	(void)state;
	assert_int_equal(pin_hash(slice_text("4711"), hash), ERR_OK);
	assert_int_equal(pin_hash(slice_text("4711"), other), ERR_OK);
	assert_string_not_equal(hash, other);
	assert_null(strstr(hash, "4711"));
	assert_int_equal(pin_verify(hash, slice_text("4711")), ERR_OK);
	assert_int_equal(pin_verify(hash, slice_text("4712")), ERR_FORBIDDEN);
	assert_int_equal(pin_verify(hash, slice_text("471")), ERR_FORBIDDEN);
	assert_int_equal(pin_verify(hash, SLICE_EMPTY), ERR_FORBIDDEN);
}

/* The reference implementation's own test: phc-winner-argon2, src/test.c, Argon2id with t 2, m 2^16, p 1. */
static void test_pin_of_the_published_vector(void **state)
{
	char hash[PIN_HASH_SIZE];

	(void)state;
	as_kept("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", hash);
	assert_int_equal(pin_verify(hash, slice_text("password")), ERR_OK);
	assert_int_equal(pin_verify(hash, slice_text("passwore")), ERR_FORBIDDEN);
}

static void test_pin_that_is_not_kept_or_damaged(void **state)
{
	static const char *const damaged[] = {
		"x", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"};
	char hash[PIN_HASH_SIZE];

	(void)state;
	as_kept("", hash);
	assert_int_equal(pin_verify(hash, SLICE_EMPTY), ERR_FORBIDDEN);
	assert_int_equal(pin_verify(hash, slice_text("0000")), ERR_FORBIDDEN);
	for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
		as_kept(damaged[i], hash);
		assert_int_equal(pin_verify(hash, slice_text("password")), ERR_CORRUPT);
	}
}

static void test_secret_equal(void **state)
{
	(void)state;
	assert_true(secret_equal(slice_text("token"), slice_text("token")));
	assert_true(secret_equal(SLICE_EMPTY, slice_text("")));
	assert_false(secret_equal(slice_text("token"), slice_text("tokeN")));
	assert_false(secret_equal(slice_text("token"), slice_text("toke")));
}

static void open_vector(char *const *columns)
{
	struct bytes key = vector_hex(columns[0]), associated = vector_hex(columns[1]);
	struct bytes sealed = vector_hex(columns[2]), expected = vector_hex(columns[3]), plain;

	bytes_init(&plain, 1000);
	assert_int_equal(key.length, KEY_SIZE);
	assert_int_equal(unseal(key.data, bytes_slice(&associated), bytes_slice(&sealed), &plain), ERR_OK);
	assert_true(slice_equal(bytes_slice(&plain), bytes_slice(&expected)));
	bytes_fini(&key);
	bytes_fini(&associated);
	bytes_fini(&sealed);
	bytes_fini(&expected);
	bytes_fini(&plain);
}

static void test_unseal_of_the_published_vector(void **state)
{
	(void)state;
	assert_int_equal(vector_each("xchacha20poly1305.txt", 4, open_vector), 1);
}

static void test_unseal_of_what_was_altered(void **state)
{
	const uint8_t key[KEY_SIZE] = {7}, other_key[KEY_SIZE] = {8};
	struct bytes sealed, plain;

	(void)state;
	bytes_init(&sealed, 100);
	bytes_init(&plain, 100);
	assert_int_equal(bytes_append(&plain, slice_text("before")), ERR_OK);
	assert_int_equal(seal(key, slice_text("id"), slice_text("text"), &sealed), ERR_OK);
	assert_int_equal(sealed.length, 4 + SEAL_OVERHEAD);
	for (size_t i = 0; i < sealed.length; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(unseal(key, slice_text("id"), bytes_slice(&sealed), &plain), ERR_CRYPTO);
		sealed.data[i] ^= 1;
		assert_int_equal(unseal(key, slice_text("id"), SLICE(sealed.data, i), &plain), ERR_CRYPTO);
	}
	assert_int_equal(unseal(key, slice_text("ie"), bytes_slice(&sealed), &plain), ERR_CRYPTO);
	assert_int_equal(unseal(other_key, slice_text("id"), bytes_slice(&sealed), &plain), ERR_CRYPTO);
	assert_true(slice_equal(bytes_slice(&plain), slice_text("before")));
	assert_int_equal(unseal(key, slice_text("id"), bytes_slice(&sealed), &plain), ERR_OK);
	assert_true(slice_equal(bytes_slice(&plain), slice_text("beforetext")));
	bytes_fini(&sealed);
	bytes_fini(&plain);
}

static void test_seal_is_never_the_same_twice(void **state)
{
	const uint8_t key[KEY_SIZE] = {7};
	struct bytes sealed, small;

	(void)state;
	bytes_init(&sealed, 200);
	assert_int_equal(seal(key, SLICE_EMPTY, SLICE_EMPTY, &sealed), ERR_OK);
	assert_int_equal(seal(key, SLICE_EMPTY, SLICE_EMPTY, &sealed), ERR_OK);
	assert_false(slice_equal(slice_part(bytes_slice(&sealed), 0, SEAL_OVERHEAD),
				 slice_part(bytes_slice(&sealed), SEAL_OVERHEAD, SEAL_OVERHEAD)));
	bytes_fini(&sealed);
	bytes_init(&small, SEAL_OVERHEAD);
	assert_int_equal(seal(key, SLICE_EMPTY, slice_text("x"), &small), ERR_TOO_LARGE);
	assert_int_equal(small.length, 0);
	bytes_fini(&small);
}

static void test_wipe_and_random(void **state)
{
	uint8_t place[64] = {0}, zero[64] = {0};

	(void)state;
	random_bytes(place, sizeof(place));
	assert_memory_not_equal(place, zero, sizeof(place));
	wipe(place, sizeof(place));
	assert_memory_equal(place, zero, sizeof(place));
}

static enum err seal_and_open(void *context)
{
	const uint8_t key[KEY_SIZE] = {7};
	struct bytes sealed CLEANUP(bytes_fini);
	struct bytes plain CLEANUP(bytes_fini);

	(void)context;
	bytes_init(&sealed, 200);
	bytes_init_secret(&plain, 200);
	TRY(seal(key, SLICE_EMPTY, slice_text("text"), &sealed));
	return unseal(key, SLICE_EMPTY, bytes_slice(&sealed), &plain);
}

static void test_seal_without_memory(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, seal_and_open, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_blake2b),
		cmocka_unit_test(test_commitment),
		cmocka_unit_test(test_handle),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_pin_of_the_published_vector),
		cmocka_unit_test(test_pin_that_is_not_kept_or_damaged),
		cmocka_unit_test(test_secret_equal),
		cmocka_unit_test(test_unseal_of_the_published_vector),
		cmocka_unit_test(test_unseal_of_what_was_altered),
		cmocka_unit_test(test_seal_is_never_the_same_twice),
		cmocka_unit_test(test_wipe_and_random),
		cmocka_unit_test(test_seal_without_memory),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
