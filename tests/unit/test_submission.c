/* What travels to and from an outside witness (C2SP tlog-witness, add-checkpoint). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/submission.h"
#include "test_keys.h"
#include "vector.h"

#define WITNESS "witness.example/a"

static struct secret_key log_key, witness_key;
static struct public_key witness;
static struct bytes note;
static struct slice text;
static struct arena arena;

static int set_up(void **state)
{
	struct note *parsed;
	struct hash root = {.bytes = {1, 2, 3}};

	(void)state;
	log_key = test_seed_key("example.com/kluis/log", 2);
	witness_key = test_seed_key(WITNESS, 9);
	assert_int_equal(public_key_init(&witness, slice_text(WITNESS), KEY_TYPE_COSIGNATURE, witness_key.public.key),
			 ERR_OK);
	arena_init(&arena, 1024 * 1024);
	bytes_init(&note, PAPER_MAX);
	assert_int_equal(checkpoint_sign(8, &root, &log_key, &note), ERR_OK);
	parsed = arena_alloc(&arena, sizeof *parsed);
	assert_int_equal(note_parse(bytes_slice(&note), &arena, parsed, NULL), ERR_OK);
	text = parsed->text;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	secret_key_fini(&log_key);
	secret_key_fini(&witness_key);
	bytes_fini(&note);
	arena_fini(&arena);
	return 0;
}

/* The lines by which a witness answers. */
static void answer(const struct secret_key *key, uint64_t time_s, struct bytes *ret_lines)
{
	struct bytes whole CLEANUP(bytes_fini) = {0};

	bytes_init(&whole, PAPER_MAX);
	assert_int_equal(bytes_append_u8(&whole, '\n'), ERR_OK);
	assert_int_equal(note_append_cosignature(&whole, text, key, time_s), ERR_OK);
	assert_int_equal(bytes_append(ret_lines, slice_part(bytes_slice(&whole), 1, whole.length)), ERR_OK);
}

static enum err parse(struct slice body, uint8_t ret_cosignature[static COSIGNATURE_SIZE])
{
	return submission_parse_cosignature(body, bytes_slice(&note), &witness, ret_cosignature);
}

static void test_print_is_the_specs_form(void **state)
{
	struct merkle_proof *proof = calloc(1, sizeof *proof);
	struct bytes body CLEANUP(bytes_fini) = {0};
	char expected[2048];

	(void)state;
	bytes_init(&body, PAPER_MAX);
	proof->count = 2;
	memset(proof->hashes[0].bytes, 0, HASH_SIZE);
	memset(proof->hashes[1].bytes, 0xff, HASH_SIZE);
	assert_int_equal(submission_print(5, proof, bytes_slice(&note), &body), ERR_OK);
	int length = snprintf(expected, sizeof expected,
			      "old 5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
			      "//////////////////////////////////////////8=\n\n%.*s",
			      (int)note.length, (const char *)note.data);
	assert_true(slice_equal(bytes_slice(&body), SLICE(expected, (size_t)length)));
	proof->count = 0;
	bytes_clear(&body);
	assert_int_equal(submission_print(0, proof, bytes_slice(&note), &body), ERR_OK);
	assert_memory_equal(body.data, "old 0\n\nexample.com/kluis/log\n8\n", 31);
	free(proof);
}

static void test_parse_size_is_strict(void **state)
{
	static const char *const wrong[] = {"",
					    "\n",
					    "7",
					    "7\r\n",
					    " 7\n",
					    "07\n",
					    "-7\n",
					    "7\n\n",
					    "7 \n",
					    "0x7\n",
					    "7\n8\n",
					    "9223372036854775808\n",
					    "99999999999999999999\n"};
	uint64_t size = 1;

	(void)state;
	assert_int_equal(submission_parse_size(slice_text("0\n"), &size), ERR_OK);
	assert_int_equal(size, 0);
	assert_int_equal(submission_parse_size(slice_text("9223372036854775807\n"), &size), ERR_OK);
	assert_true(size == INT64_MAX);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(submission_parse_size(slice_text(wrong[i]), &size), ERR_INPUT);
}

static void test_a_cosignature_is_taken(void **state)
{
	struct bytes lines CLEANUP(bytes_fini) = {0};
	struct secret_key other = test_seed_key("witness.example/b", 10);
	uint8_t cosignature[COSIGNATURE_SIZE];
	uint64_t time_s = 0;

	(void)state;
	bytes_init(&lines, PAPER_MAX);
	answer(&other, 5, &lines); /* of somebody whom nobody asked about */
	answer(&witness_key, 1800000000, &lines);
	assert_int_equal(parse(bytes_slice(&lines), cosignature), ERR_OK);
	assert_int_equal(note_check_cosignature(text, witness.key, SLICE_ARRAY(cosignature), &time_s), ERR_OK);
	assert_int_equal(time_s, 1800000000);
	secret_key_fini(&other);
}

static void test_no_answer_that_lies_is_taken(void **state)
{
	struct bytes lines CLEANUP(bytes_fini) = {0};
	struct secret_key other = test_seed_key(WITNESS, 10); /* its name, another key */
	uint8_t cosignature[COSIGNATURE_SIZE];
	struct slice kept = text;

	(void)state;
	bytes_init(&lines, PAPER_MAX);
	assert_int_equal(parse(slice_text(""), cosignature), ERR_INPUT);
	assert_int_equal(parse(slice_text("ok\n"), cosignature), ERR_INPUT);
	answer(&other, 5, &lines);
	assert_int_equal(parse(bytes_slice(&lines), cosignature), ERR_SIGNATURE);
	bytes_clear(&lines);
	answer(&witness_key, 0, &lines); /* says no time */
	assert_int_equal(parse(bytes_slice(&lines), cosignature), ERR_SIGNATURE);
	bytes_clear(&lines);
	text = slice_text("example.com/kluis/log\n9\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
	answer(&witness_key, 5, &lines); /* of another checkpoint */
	text = kept;
	assert_int_equal(parse(bytes_slice(&lines), cosignature), ERR_SIGNATURE);
	/* an answer that puts something under the text, so that another text was signed */
	bytes_clear(&lines);
	assert_int_equal(bytes_append(&lines, slice_text("more\n\n")), ERR_OK);
	answer(&witness_key, 5, &lines);
	assert_int_equal(parse(bytes_slice(&lines), cosignature), ERR_INPUT);
	/* a good line beside one that does not verify */
	bytes_clear(&lines);
	answer(&witness_key, 5, &lines);
	size_t first = lines.length;
	answer(&witness_key, 6, &lines);
	lines.data[first + 30] ^= 1;
	assert_int_not_equal(parse(bytes_slice(&lines), cosignature), ERR_OK);
	secret_key_fini(&other);
}

static void test_an_answer_has_its_bound(void **state)
{
	struct bytes lines CLEANUP(bytes_fini) = {0};
	uint8_t cosignature[COSIGNATURE_SIZE];

	(void)state;
	bytes_init(&lines, 2 * SUBMISSION_ANSWER_MAX);
	answer(&witness_key, 5, &lines);
	while (lines.length <= SUBMISSION_ANSWER_MAX)
		assert_int_equal(bytes_append(&lines, slice_text("x\n")), ERR_OK);
	assert_int_equal(parse(bytes_slice(&lines), cosignature), ERR_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_is_the_specs_form), cmocka_unit_test(test_parse_size_is_strict),
		cmocka_unit_test(test_a_cosignature_is_taken),	cmocka_unit_test(test_no_answer_that_lies_is_taken),
		cmocka_unit_test(test_an_answer_has_its_bound),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
