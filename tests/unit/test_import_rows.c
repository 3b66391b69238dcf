/* Groups of rows held against a comparison of all pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/import_rows.h"
#include "fail.h"
#include "random.h"

#define ROWS 400

static enum err add(struct import_rows *rows, uint32_t store, int32_t day, const char *key, uint64_t line,
		    bool is_keyless)
{
	struct import_row row = {.line = line, .store = store, .day = day, .is_keyless = is_keyless};

	TRY(import_rows_text(rows, slice_text(key), &row.key, NULL));
	return import_rows_add(rows, &row, NULL);
}

static bool are_same(const struct import_rows *rows, const struct import_row *a, const struct import_row *b)
{
	return a == b || (!a->is_keyless && !b->is_keyless && a->store == b->store && a->day == b->day &&
			  slice_equal(import_rows_slice(rows, a->key), import_rows_slice(rows, b->key)));
}

static void test_import_rows_group(void **state)
{
	static const char *const keys[] = {"1", "10", "2", "", "abc"};
	struct random random = {.state = 5};
	struct import_rows rows CLEANUP(import_rows_fini);
	uint64_t last_first = 0;
	size_t total = 0;

	(void)state;
	import_rows_init(&rows);
	for (uint64_t i = 1; i <= ROWS; i++)
		assert_int_equal(add(&rows, (uint32_t)random_below(&random, 3), (int32_t)random_below(&random, 4) - 2,
				     keys[random_below(&random, 5)], i, random_below(&random, 10) == 0),
				 ERR_OK);
	assert_int_equal(import_rows_group(&rows), ERR_OK);
	for (size_t g = 0; g < rows.group_count; g++) {
		const struct import_group *group = import_rows_group_at(&rows, g);
		const struct import_row *first = import_rows_in(&rows, group, 0);
		size_t same = 0;

		/* by the place of the first row, and within by place */
		assert_true(first->line > last_first);
		last_first = first->line;
		for (size_t i = 0; i < ROWS; i++)
			same += are_same(&rows, first, import_rows_at(&rows, i));
		assert_int_equal(group->count, same);
		for (uint32_t i = 1; i < group->count; i++) {
			assert_true(are_same(&rows, first, import_rows_in(&rows, group, i)));
			assert_true(import_rows_in(&rows, group, i)->line > import_rows_in(&rows, group, i - 1)->line);
		}
		total += group->count;
	}
	assert_int_equal(total, ROWS);
}

static void test_import_rows_doubles(void **state)
{
	struct import_rows rows CLEANUP(import_rows_fini);
	struct import_row bad = {.line = 1, .reason = "bad"};

	(void)state;
	import_rows_init(&rows);
	/* the first good one of three stays; the bad one keeps its reason */
	assert_int_equal(import_rows_text(&rows, slice_text("k"), &bad.key, NULL), ERR_OK);
	assert_int_equal(import_rows_add(&rows, &bad, NULL), ERR_OK);
	assert_int_equal(add(&rows, 0, 0, "k", 2, false), ERR_OK);
	assert_int_equal(add(&rows, 0, 0, "k", 3, false), ERR_OK);
	assert_int_equal(add(&rows, 0, 0, "l", 4, false), ERR_OK);
	assert_int_equal(import_rows_group(&rows), ERR_OK);
	import_rows_reject_doubles(&rows, "double");
	assert_string_equal(import_rows_at(&rows, 0)->reason, "bad");
	assert_null(import_rows_at(&rows, 1)->reason);
	assert_string_equal(import_rows_at(&rows, 2)->reason, "double");
	assert_null(import_rows_at(&rows, 3)->reason);
}

static void test_import_rows_none(void **state)
{
	struct import_rows rows CLEANUP(import_rows_fini);

	(void)state;
	import_rows_init(&rows);
	assert_int_equal(import_rows_group(&rows), ERR_OK);
	assert_int_equal(rows.group_count, 0);
}

static enum err build(void *context)
{
	struct import_rows rows CLEANUP(import_rows_fini);

	(void)context;
	import_rows_init(&rows);
	for (uint64_t i = 0; i < 100; i++)
		TRY(add(&rows, 1, 1, i % 2 ? "a" : "b", i, false));
	return import_rows_group(&rows);
}

static void test_import_rows_memory_fails(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, build, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import_rows_group),
		cmocka_unit_test(test_import_rows_doubles),
		cmocka_unit_test(test_import_rows_none),
		cmocka_unit_test(test_import_rows_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
