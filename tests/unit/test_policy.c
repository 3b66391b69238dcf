/* C2SP tlog-policy: what it may say, and when it is met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/checkpoint.h"
#include "policy.h"
#include "test_keys.h"

#define LOG "example.com/kluis/log"
#define TIME_S 1800000000

static struct arena arena;
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 16 * 1024 * 1024);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* A vkey of the name; its seed is 32 times the number. */
static const char *vkey(const char *name, uint8_t seed, uint8_t type)
{
	struct secret_key key = test_seed_key(name, seed);
	struct public_key public;
	struct bytes text = {0};

	bytes_init(&text, 1024);
	assert_int_equal(public_key_init(&public, slice_text(name), type, key.public.key), ERR_OK);
	assert_int_equal(public_key_print(&public, &text), ERR_OK);
	const char *copy = arena_text(&arena, bytes_slice(&text));
	bytes_fini(&text);
	secret_key_fini(&key);
	return copy;
}

static const char *log_vkey(void)
{
	return vkey(LOG, 2, KEY_TYPE_ED25519);
}

/* "w0" to "w9": keys of seeds 20 to 29 under w<n>.example. */
static const char *witness_vkey(unsigned number)
{
	char name[32];

	snprintf(name, sizeof name, "w%u.example", number);
	return vkey(name, (uint8_t)(20 + number), KEY_TYPE_COSIGNATURE);
}

/* The log, witnesses w0 to w<count-1>, and more lines. */
static struct slice text_of(unsigned count, const char *lines)
{
	struct bytes text = {0};

	bytes_init(&text, POLICY_BYTES_MAX + 1000);
	assert_int_equal(bytes_printf(&text, "log %s\n", log_vkey()), ERR_OK);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(bytes_printf(&text, "witness w%u %s\n", i, witness_vkey(i)), ERR_OK);
	assert_int_equal(bytes_append(&text, slice_text(lines)), ERR_OK);
	uint8_t *copy = arena_copy(&arena, bytes_slice(&text));
	struct slice slice = SLICE(copy, text.length);
	bytes_fini(&text);
	return slice;
}

static struct policy *policy_of(unsigned count, const char *lines)
{
	struct policy *policy = NULL;

	fault.text[0] = '\0';
	if (policy_parse(text_of(count, lines), &arena, &policy, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
	return policy;
}

/* A checkpoint by the log, cosigned by the witnesses of the bits. */
static const struct note *note_by(unsigned witnesses)
{
	struct bytes bytes = {0};
	struct secret_key log = test_seed_key(LOG, 2);
	struct hash root = {.bytes = {1}};
	struct note *note = arena_alloc(&arena, sizeof *note);

	bytes_init(&bytes, PAPER_MAX);
	assert_int_equal(checkpoint_sign(8, &root, &log, &bytes), ERR_OK);
	size_t text = (size_t)((const uint8_t *)memmem(bytes.data, bytes.length, "\n\n", 2) + 1 - bytes.data);
	uint8_t *copy = arena_copy(&arena, SLICE(bytes.data, text));
	for (unsigned i = 0; i < 10; i++) {
		char name[32];
		snprintf(name, sizeof name, "w%u.example", i);
		struct secret_key key = test_seed_key(name, (uint8_t)(20 + i));
		if ((witnesses >> i & 1) != 0)
			assert_int_equal(note_append_cosignature(&bytes, SLICE(copy, text), &key, TIME_S + i), ERR_OK);
		secret_key_fini(&key);
	}
	copy = arena_copy(&arena, bytes_slice(&bytes));
	assert_int_equal(note_parse(SLICE(copy, bytes.length), &arena, note, NULL), ERR_OK);
	bytes_fini(&bytes);
	secret_key_fini(&log);
	return note;
}

static bool is_met(const struct policy *policy, unsigned witnesses)
{
	struct policy_outcome outcome;

	policy_judge(policy, note_by(witnesses), &outcome);
	return outcome.is_met;
}

static void test_any_all_and_counts(void **state)
{
	(void)state;
	struct policy *policy = policy_of(3, "group g any w0 w1 w2\nquorum g\n");
	assert_false(is_met(policy, 0));
	for (unsigned bits = 1; bits < 8; bits++)
		assert_true(is_met(policy, bits));
	policy = policy_of(3, "group g all w0 w1 w2\nquorum g\n");
	for (unsigned bits = 0; bits < 8; bits++)
		assert_int_equal(is_met(policy, bits), bits == 7);
	policy = policy_of(3, "group g 2 w0 w1 w2\nquorum g\n");
	for (unsigned bits = 0; bits < 8; bits++)
		assert_int_equal(is_met(policy, bits), __builtin_popcount(bits) >= 2);
	policy = policy_of(2, "quorum w1\n");
	for (unsigned bits = 0; bits < 4; bits++)
		assert_int_equal(is_met(policy, bits), bits >> 1);
	policy = policy_of(0, "quorum none\n");
	assert_true(is_met(policy, 0));
	assert_true(is_met(policy, 3)); /* cosignatures that nobody asked for */
}

/* A group of groups: two of (any of w0 w1), w2, (all of w3 w4). */
static void test_groups_of_groups(void **state)
{
	struct policy *policy =
		policy_of(5, "group a any w0 w1\ngroup b all w3 w4\ngroup both 2 a w2 b\nquorum both\n");

	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		unsigned votes = ((bits & 3) != 0) + (bits >> 2 & 1) + ((bits >> 3) == 3);
		assert_int_equal(is_met(policy, bits), votes >= 2);
	}
}

static void test_who_signed_is_told(void **state)
{
	struct policy *policy = policy_of(3, "group g 2 w0 w1 w2\nquorum g\n");
	struct policy_outcome outcome;

	(void)state;
	policy_judge(policy, note_by(5), &outcome);
	assert_true(outcome.is_met && outcome.is_log && outcome.wrong == NULL);
	assert_true(outcome.is_signed[0] && !outcome.is_signed[1] && outcome.is_signed[2] && outcome.is_signed[3]);
	assert_int_equal(outcome.time_s[2], TIME_S + 2);
}

/* R12: a known witness's line that does not verify makes the note invalid, also where the others would do. */
static void test_a_line_that_does_not_verify(void **state)
{
	struct policy *policy = policy_of(2, "group g any w0 w1\nquorum g\n");
	struct note note = *note_by(3);
	struct policy_outcome outcome;
	uint8_t *broken = arena_copy(&arena, note.signatures[2].signature);

	(void)state;
	broken[20] ^= 1;
	note.signatures[2].signature.data = broken;
	policy_judge(policy, &note, &outcome);
	assert_false(outcome.is_met);
	assert_ptr_equal(outcome.wrong, &policy->nodes[1]);
}

static void test_the_log_must_be_the_policys(void **state)
{
	struct policy *policy;
	char *text = arena_text(&arena, slice_text("quorum none\n"));
	struct policy_outcome outcome;

	(void)state;
	assert_int_equal(policy_parse(slice_text(text), &arena, &policy, &fault), ERR_OK);
	policy_judge(policy, note_by(0), &outcome);
	assert_false(outcome.is_log || outcome.is_met);
	/* of that name, with another key */
	struct bytes other = {0};
	bytes_init(&other, 1024);
	assert_int_equal(bytes_printf(&other, "log %s\nlog %s https://x\nquorum none", vkey(LOG, 3, KEY_TYPE_ED25519),
				      vkey("other.example", 2, KEY_TYPE_ED25519)),
			 ERR_OK);
	assert_int_equal(policy_parse(bytes_slice(&other), &arena, &policy, &fault), ERR_OK);
	policy_judge(policy, note_by(0), &outcome);
	assert_false(outcome.is_log || outcome.is_met);
	bytes_fini(&other);
}

static void test_comments_blanks_and_urls(void **state)
{
	struct policy *policy = NULL;
	struct bytes text = {0};

	(void)state;
	bytes_init(&text, 4096);
	assert_int_equal(bytes_printf(&text,
				      "# whom we believe\n\n  \t log\t%s   https://log.example/ # ours\r\n"
				      "witness a#b %s https://w.example/\n#quorum a#b\nquorum a#b#",
				      log_vkey(), witness_vkey(0)),
			 ERR_OK);
	fault.text[0] = '\0';
	assert_int_equal(policy_parse(bytes_slice(&text), &arena, &policy, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, "'a#b#' is not defined")); /* a name is any bytes */
	text.length--;
	assert_int_equal(policy_parse(bytes_slice(&text), &arena, &policy, &fault), ERR_OK);
	assert_true(is_met(policy, 1));
	assert_false(is_met(policy, 2));
	bytes_fini(&text);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *lines, *said;
	} rows[] = {
		{"", "no quorum"},
		{"quorum none\nquorum none\n", "line 5: a second quorum"},
		{"quorum w3\n", "'w3' is not defined"},
		{"quorum\n", "quorum NAME"},
		{"quorum w0 w1\n", "quorum NAME"},
		{"group g any w3\nquorum g\n", "line 4: 'w3' is not defined"},
		{"group g any g\nquorum g\n", "'g' is not defined"},
		{"group g any w0\ngroup h any w0\nquorum h\n", "line 5: 'w0' is in a group already"},
		{"group g any w0 w0\nquorum g\n", "'w0' is in a group already"},
		{"group g any\nquorum g\n", "group NAME"},
		{"group g 0 w0\nquorum g\n", "from 1 to 1"},
		{"group g 2 w0\nquorum g\n", "from 1 to 1"},
		{"group g 01 w0\nquorum g\n", "from 1 to 1"},
		{"group g -1 w0\nquorum g\n", "from 1 to 1"},
		{"group g 1x w0\nquorum g\n", "from 1 to 1"},
		{"group g 99999999999999999999 w0\nquorum g\n", "from 1 to 1"},
		{"group g most w0\nquorum g\n", "from 1 to 1"},
		{"group w0 any w1\nquorum w0\n", "'w0' is defined twice"},
		{"group none any w1\nquorum none\n", "named none"},
		{"witness w9\nquorum none\n", "witness NAME VKEY"},
		{"witness w9 not-a-key\nquorum none\n", "line 4"},
		{"log\nquorum none\n", "log VKEY"},
		{"logs x\nquorum none\n", "'logs' is neither"},
		{"\x01\xff\nquorum none\n", "'?\?' is neither"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct policy *policy = NULL;
		fault.text[0] = '\0';
		assert_int_equal(policy_parse(text_of(2, rows[i].lines), &arena, &policy, &fault), ERR_INPUT);
		assert_null(policy);
		if (strstr(fault.text, rows[i].said) == NULL)
			fail_msg("%s: %s", rows[i].lines, fault.text);
	}
}

static void expect_refused(const char *said, const char *format, const char *a, const char *b)
{
	struct policy *policy = NULL;
	char text[1024];

	snprintf(text, sizeof text, "%s %s\n%s %s\nquorum none\n", format, a, format, b);
	fault.text[0] = '\0';
	assert_int_equal(policy_parse(slice_text(text), &arena, &policy, &fault), ERR_INPUT);
	if (strstr(fault.text, said) == NULL)
		fail_msg("%s", fault.text);
}

/* One who signs once must not be counted twice, and a log's signature is no cosignature. */
static void test_keys_of_another_kind_or_twice(void **state)
{
	char a[300], b[300];

	(void)state;
	expect_refused("same log twice", "log", log_vkey(), log_vkey());
	expect_refused("0x01", "log", log_vkey(), witness_vkey(0));
	snprintf(a, sizeof a, "a %s", witness_vkey(0));
	snprintf(b, sizeof b, "b %s", witness_vkey(0));
	expect_refused("same key twice", "witness", a, b);
	snprintf(b, sizeof b, "b %s", log_vkey());
	expect_refused("0x04", "witness", a, b);
}

/* C2SP asks for at least 32 of each; past the bounds it is refused, not cut. */
static void test_bounds(void **state)
{
	struct bytes text = {0};
	struct policy *policy;

	(void)state;
	bytes_init(&text, POLICY_BYTES_MAX);
	for (unsigned i = 0; i < 32; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.example", i);
		assert_int_equal(bytes_printf(&text, "log %s\n", vkey(name, (uint8_t)(i + 1), KEY_TYPE_ED25519)),
				 ERR_OK);
		assert_int_equal(bytes_printf(&text, "witness w%u %s\ngroup g%u 1 w%u\n", i,
					      vkey(name, (uint8_t)(i + 1), KEY_TYPE_COSIGNATURE), i, i),
				 ERR_OK);
	}
	size_t good = text.length;
	assert_int_equal(bytes_append(&text, slice_text("quorum g31\n")), ERR_OK);
	assert_int_equal(policy_parse(bytes_slice(&text), &arena, &policy, &fault), ERR_OK);
	text.length = good;
	for (unsigned i = 32; i < 32 + POLICY_NODES_MAX; i++)
		assert_int_equal(bytes_printf(&text, "group g%u any %s%u\n", i, i == 32 ? "g" : "g", i - 1), ERR_OK);
	assert_int_equal(bytes_append(&text, slice_text("quorum g40\n")), ERR_OK);
	fault.text[0] = '\0';
	assert_int_equal(policy_parse(bytes_slice(&text), &arena, &policy, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, "more than 128 witnesses and groups"));
	bytes_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_any_all_and_counts),
		TEST(test_groups_of_groups),
		TEST(test_who_signed_is_told),
		TEST(test_a_line_that_does_not_verify),
		TEST(test_the_log_must_be_the_policys),
		TEST(test_comments_blanks_and_urls),
		TEST(test_what_is_refused),
		TEST(test_keys_of_another_kind_or_twice),
		TEST(test_bounds),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
