/* Where an import stands: FORMAT.md R117. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"

static struct franchise *formula;
static uint8_t file[HASH_SIZE] = {1}, other[HASH_SIZE] = {2};

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

/* rows -1: asks only */
static enum err progress(const uint8_t import[static HASH_SIZE], int64_t rows, bool is_done, uint64_t then,
			 bool then_done)
{
	uint64_t count = (uint64_t)rows;
	struct action action = action_progress(formula, SLICE(import, HASH_SIZE), rows < 0 ? NULL : &count, is_done);
	struct answer answer = franchise_one(formula, &formula->office, action);

	if (answer.code == ERR_OK) {
		assert_true(answer.result->has_rows && answer.result->has_is_done);
		assert_int_equal(answer.result->rows, then);
		assert_int_equal(answer.result->is_done, then_done);
	}
	return answer.code;
}

static void test_progress_goes_on(void **state)
{
	(void)state;
	assert_int_equal(progress(file, -1, false, 0, false), ERR_OK);
	assert_int_equal(progress(file, 100, false, 100, false), ERR_OK);
	assert_int_equal(progress(file, 100, false, 100, false), ERR_OK);
	assert_int_equal(progress(file, 250, false, 250, false), ERR_OK);
	assert_int_equal(progress(file, 249, false, 0, false), ERR_STATE);
	assert_int_equal(progress(other, -1, false, 0, false), ERR_OK);
	franchise_restart(formula);
	assert_int_equal(progress(file, -1, false, 250, false), ERR_OK);
	assert_int_equal(progress(file, 251, true, 251, true), ERR_OK);
	assert_int_equal(progress(file, -1, false, 251, true), ERR_OK);
	assert_int_equal(progress(other, 5, false, 5, false), ERR_OK);
}

/* Rows and progress of one envelope commit together, and the second sees the first (R48). */
static void test_progress_within_an_envelope(void **state)
{
	uint64_t first = 10, second = 20, back = 5;
	struct action actions[] = {action_progress(formula, SLICE_ARRAY(file), &first, false),
				   action_progress(formula, SLICE_ARRAY(file), &second, true),
				   action_progress(formula, SLICE_ARRAY(file), &back, false)};

	(void)state;
	struct answer answer = franchise_send(formula, &formula->office, actions, 3);
	assert_int_equal(answer.entry.decoded->results[0]->rows, 10);
	assert_int_equal(answer.entry.decoded->results[1]->rows, 20);
	assert_int_equal(answer.entry.decoded->results[2]->code, ERR_STATE);
	assert_int_equal(progress(file, -1, false, 20, true), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_progress_goes_on),
		TEST(test_progress_within_an_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
