/* Trust notes: FORMAT.md R141. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "kluis/trust.h"

#include "fail.h"
#include "test_keys.h"

#define ORIGIN "example.com/kluis"
#define PEM "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"
#define PEM_LINES "-----BEGIN CERTIFICATE-----\n    AAEC\n    -----END CERTIFICATE-----\n"

static struct arena arena;
static struct secret_key controller, logs[3];
static struct fault fault;

static int start(void **state)
{
	(void)state;
	arena_init(&arena, 16 * 1024 * 1024);
	controller = test_seed_key(ORIGIN "/controller", 1);
	for (uint8_t i = 0; i < 3; i++)
		logs[i] = test_seed_key(ORIGIN "/log", (uint8_t)(2 + i));
	fault.text[0] = '\0';
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	secret_key_fini(&controller);
	for (size_t i = 0; i < 3; i++)
		secret_key_fini(&logs[i]);
	return 0;
}

static const char *vkey(const struct secret_key *key)
{
	struct bytes text CLEANUP(bytes_fini);

	bytes_init(&text, 1024);
	assert_int_equal(public_key_print(&key->public, &text), ERR_OK);
	return arena_text(&arena, bytes_slice(&text));
}

/* A version as it is written, from which nothing is taken over that trust.c printed. */
static const char *version_text(unsigned version, const char *before, const char *log_lines)
{
	return arena_printf(&arena, "[trust]\norigin = " ORIGIN "\nversion = %u\n%s%s%slog = %s\ncertificate = %s",
			    version, before == NULL ? "" : "before = ", before == NULL ? "" : before,
			    before == NULL ? "" : "\n", log_lines, PEM_LINES);
}

static struct slice sign(const char *text, const struct secret_key *const *keys, size_t count)
{
	struct bytes note CLEANUP(bytes_fini);

	bytes_init(&note, PAPER_MAX);
	assert_int_equal(note_sign(slice_text(text), keys, count, &note), ERR_OK);
	return SLICE(arena_copy(&arena, bytes_slice(&note)), note.length);
}

static const char *hash_of(const char *text)
{
	uint8_t hash[HASH_SIZE];
	char hex[2 * HASH_SIZE + 1];

	sha256(slice_text(text), hash);
	hex_print(SLICE_ARRAY(hash), hex);
	return arena_text(&arena, slice_text(hex));
}

static struct trust open_version(const char *text, const struct secret_key *const *keys, size_t count)
{
	struct trust trust = {0};

	assert_int_equal(trust_open(sign(text, keys, count), &controller.public, "trust", &arena, &trust, &fault),
			 ERR_OK);
	return trust;
}

static const char *two_logs(const struct secret_key *a, const struct secret_key *b)
{
	return arena_printf(&arena, "%s\n    %s", vkey(a), vkey(b));
}

static void test_trust_open_reads_all(void **state)
{
	const struct secret_key *keys[] = {&controller, &logs[0]};
	const char *text = version_text(1, NULL, two_logs(&logs[0], &logs[1]));
	struct trust trust = open_version(text, keys, 2);

	(void)state;
	assert_string_equal(trust.origin, ORIGIN);
	assert_int_equal(trust.version, 1);
	assert_int_equal(trust.log_count, 2);
	assert_true(public_key_equal(&trust.logs[1], &logs[1].public));
	assert_string_equal(trust.certificates_pem, PEM);
	assert_true(trust_has_log(&trust, &logs[0].public) && trust_has_log(&trust, &logs[1].public));
	assert_false(trust_has_log(&trust, &logs[2].public));
	assert_true(trust_is_signed_by(&trust, &logs[0].public));
	assert_false(trust_is_signed_by(&trust, &logs[1].public));
}

static void test_trust_print_is_what_parse_reads(void **state)
{
	const char *first = version_text(1, NULL, vkey(&logs[0]));
	const char *text = version_text(2, hash_of(first), two_logs(&logs[0], &logs[1]));
	struct bytes printed CLEANUP(bytes_fini);
	struct trust trust;

	(void)state;
	bytes_init(&printed, PAPER_MAX);
	assert_int_equal(trust_parse(slice_text(text), "trust", &arena, &trust, &fault), ERR_OK);
	assert_int_equal(trust_print(&trust, &printed, &fault), ERR_OK);
	assert_true(slice_equal(bytes_slice(&printed), slice_text(text)));
	trust.log_count = 0;
	bytes_clear(&printed);
	assert_int_not_equal(trust_print(&trust, &printed, NULL), ERR_OK);
	assert_int_equal(printed.length, 0);
}

static void test_trust_parse_refuses(void **state)
{
	struct secret_key strange = test_seed_key("other.example/log", 9);
	const char *log = vkey(&logs[0]), *zeros = "0000000000000000000000000000000000000000000000000000000000000000";
	const struct {
		const char *text, *fault;
	} rows[] = {
		{version_text(0, NULL, log), "version"},
		{version_text(2, NULL, log), "first"},
		{version_text(2, zeros, log), "first"},
		{version_text(1, hash_of("x"), log), "first"},
		{version_text(2, "abc", log), "hash"},
		{version_text(1, NULL, two_logs(&logs[0], &logs[0])), "twice"},
		{version_text(1, NULL, vkey(&strange)), "log"},
		{version_text(1, NULL, vkey(&controller)), "log"},
		{version_text(1, NULL, "no-key"), "log"},
		{"[trust]\norigin = " ORIGIN "\nversion = 1\n", "log"},
		{arena_printf(&arena, "%scolour = red\n", version_text(1, NULL, log)), "colour"},
		{arena_printf(&arena, "[trust]\norigin = " ORIGIN "\nversion = 1\nlog = %s\ncertificate = x\n", log),
		 "PEM"},
		{arena_printf(&arena, "[trust]\norigin = /x\nversion = 1\nlog = %s\ncertificate = " PEM_LINES, log),
		 "origin"},
	};
	struct trust trust;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fault.text[0] = '\0';
		enum err err = trust_parse(slice_text(rows[i].text), "trust", &arena, &trust, &fault);
		assert_true(err == ERR_INPUT || err == ERR_PAPER);
		assert_non_null(strstr(fault.text, rows[i].fault));
	}
	secret_key_fini(&strange);
}

static void test_trust_open_wants_the_controller(void **state)
{
	const struct secret_key *only_log[] = {&logs[0]}, *right[] = {&controller};
	struct secret_key strange = test_seed_key("other.example/controller", 1);
	const char *text = version_text(1, NULL, vkey(&logs[0]));
	struct slice note = sign(text, right, 1);
	struct trust trust;

	(void)state;
	assert_int_equal(trust_open(sign(text, only_log, 1), &controller.public, "t", &arena, &trust, NULL),
			 ERR_SIGNATURE);
	assert_int_equal(trust_open(note, &strange.public, "t", &arena, &trust, NULL), ERR_PAPER);
	for (size_t i = 0; i < note.length; i++) {
		uint8_t *changed = arena_copy(&arena, note);
		changed[i] ^= 1;
		assert_int_not_equal(
			trust_open(SLICE(changed, note.length), &controller.public, "t", &arena, &trust, NULL), ERR_OK);
	}
	secret_key_fini(&strange);
}

/* Who may vouch for whom: rows of signers. */
static void test_trust_may_follow(void **state)
{
	const char *first = version_text(1, NULL, vkey(&logs[0]));
	const char *both = version_text(2, hash_of(first), two_logs(&logs[0], &logs[1]));
	const char *only_new = version_text(2, hash_of(first), vkey(&logs[1]));
	const struct {
		const char *text;
		unsigned signers; /* bits: logs */
		bool is_first;
		enum err code;
	} rows[] = {
		{first, 1, true, ERR_OK},
		{first, 0, true, ERR_SIGNATURE},
		{first, 1, false, ERR_PAPER},
		{both, 1 | 2, false, ERR_OK},
		{both, 1, false, ERR_SIGNATURE}, /* the new one is not there */
		{both, 2, false, ERR_SIGNATURE}, /* no old one vouches */
		{both, 1 | 2, true, ERR_PAPER},
		{only_new, 1 | 2, false, ERR_OK},
		{only_new, 2, false, ERR_SIGNATURE},
		{version_text(3, hash_of(first), vkey(&logs[0])), 1, false, ERR_PAPER},
		{version_text(2, hash_of("another"), vkey(&logs[0])), 1, false, ERR_PAPER},
	};
	const struct secret_key *keys[] = {&controller, &logs[0]};
	struct trust before = open_version(first, keys, 2);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct secret_key *signers[4] = {&controller};
		size_t count = 1;

		for (size_t j = 0; j < 3; j++)
			if ((rows[i].signers >> j & 1) != 0)
				signers[count++] = &logs[j];
		struct trust next = open_version(rows[i].text, signers, count);
		assert_int_equal(trust_may_follow(rows[i].is_first ? NULL : &before, &next, &fault), rows[i].code);
	}
}

static enum err parse_and_print(void *context)
{
	struct arena own CLEANUP(arena_fini) = {0};
	struct bytes printed CLEANUP(bytes_fini);
	struct trust trust;

	arena_init(&own, 4 * PAPER_MAX);
	bytes_init(&printed, PAPER_MAX);
	TRY(trust_open(*(struct slice *)context, &controller.public, "t", &own, &trust, NULL));
	return trust_print(&trust, &printed, NULL);
}

static void test_trust_without_memory(void **state)
{
	const struct secret_key *keys[] = {&controller};
	struct slice note = sign(version_text(1, NULL, vkey(&logs[0])), keys, 1);

	(void)state;
	fail_sweep(FAIL_MEMORY, parse_and_print, &note);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_trust_open_reads_all), TEST(test_trust_print_is_what_parse_reads),
		TEST(test_trust_parse_refuses),	 TEST(test_trust_open_wants_the_controller),
		TEST(test_trust_may_follow),	 TEST(test_trust_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
