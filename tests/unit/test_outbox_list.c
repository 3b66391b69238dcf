/* The outbox's list: its bytes, written by hand from the header's comment, and lists that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "outbox_list.h"

static void put_numbers(uint8_t *place, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_u64(place + 8 * i, numbers[i]);
}

static void test_runs_read_and_print_back(void **state)
{
	static const uint64_t numbers[] = {12, 1, 3, 5, 5, 9, 11};
	struct outbox_list list CLEANUP(outbox_list_fini) = {0}, copy CLEANUP(outbox_list_fini) = {0};
	struct bytes printed CLEANUP(bytes_fini) = {0};
	uint8_t bytes[sizeof numbers];

	(void)state;
	put_numbers(bytes, numbers, 7);
	bytes_init(&printed, 1024);
	assert_int_equal(outbox_list_parse(SLICE_ARRAY(bytes), &list), ERR_OK);
	assert_int_equal(list.count, 7);
	assert_int_equal(list.next, 12);
	assert_int_equal(list.places[3].number, 5);
	assert_int_equal(outbox_list_copy(&list, &copy), ERR_OK);
	assert_int_equal(outbox_list_print(&copy, &printed), ERR_OK);
	assert_true(slice_equal(bytes_slice(&printed), SLICE_ARRAY(bytes)));
}

static void test_places_are_found_and_removed(void **state)
{
	static const uint64_t numbers[] = {12, 1, 3, 9, 11};
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	uint8_t bytes[sizeof numbers];

	(void)state;
	put_numbers(bytes, numbers, 5);
	assert_int_equal(outbox_list_parse(SLICE_ARRAY(bytes), &list), ERR_OK);
	assert_null(outbox_list_find(&list, 4));
	assert_null(outbox_list_find(&list, 12));
	outbox_list_find(&list, 9)->state = OUTBOX_REFUSED;
	assert_int_equal(outbox_list_count(&list, true), 1);
	assert_int_equal(outbox_list_count(&list, false), 5);
	outbox_list_remove(&list, 2);
	outbox_list_remove(&list, 2);
	assert_null(outbox_list_find(&list, 2));
	assert_int_equal(list.count, 5);
	assert_int_equal(outbox_list_find(&list, 9)->state, OUTBOX_REFUSED);
}

static void test_lists_that_cannot_be_are_damaged(void **state)
{
	static const struct {
		uint64_t numbers[5];
		size_t count;
	} table[] = {
		{{5, 3, 2}, 3},		      /* backwards */
		{{5, 1, 3, 3, 4}, 5},	      /* overlapping */
		{{5, 4, 4, 1, 1}, 5},	      /* out of order */
		{{5, 1, 5}, 3},		      /* the next one's number */
		{{UINT64_MAX, 1, 200000}, 3}, /* more than there can be */
		{{UINT64_MAX, 0, UINT64_MAX}, 3},
		{{5, 1}, 2}, /* half a run */
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct outbox_list list CLEANUP(outbox_list_fini) = {0};
		uint8_t bytes[40];

		put_numbers(bytes, table[i].numbers, table[i].count);
		assert_int_equal(outbox_list_parse(SLICE(bytes, 8 * table[i].count), &list), ERR_CORRUPT);
	}
	struct outbox_list list CLEANUP(outbox_list_fini) = {0};
	assert_int_equal(outbox_list_parse(SLICE("1234567", 7), &list), ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_read_and_print_back),
		cmocka_unit_test(test_places_are_found_and_removed),
		cmocka_unit_test(test_lists_that_cannot_be_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
