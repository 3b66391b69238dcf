/* kluis-broker customer erase and erasures, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "headquarters.h"

#define ERASE(input, ...) RUN(&here, BROKER, input, "customer", "erase", __VA_ARGS__)

/* The first row of the list, as JSON; of the caller. */
static json_t *first_row(void)
{
	assert_int_equal(RUN(&here, BROKER, NULL, "customer", "erasures", "--json"), 0);
	json_t *rows = json_loads(here.last.out, 0, NULL), *row;

	assert_int_equal(json_array_size(rows), 1);
	row = json_incref(json_array_get(rows, 0));
	json_decref(rows);
	return row;
}

static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(ERASE(NULL, "--yes"), 2);
	assert_int_equal(ERASE(NULL, "--ground", "g", "--yes"), 2);
	assert_int_equal(ERASE(NULL, "--ground", "ab", "--yes"), 2);
	assert_int_equal(ERASE(NULL, "--ground", "a", "--yes"), 2);
	assert_int_equal(ERASE(NULL, "00112233", "--ground", "a", "--yes"), 2);
	assert_int_equal(ERASE("4711\n", "00112233445566778899aabbccddeeff", "--field", "card", "--ground", "a"), 2);
	assert_int_equal(ERASE("4711\n", "--field", "card", "--ground", "a", "--yes"), 2);
	assert_non_null(strstr(here.last.err, "--purpose"));
	assert_int_equal(ERASE("4711\n", "--field", "name", "--purpose", "service", "--ground", "a", "--yes"), 4);
	assert_int_equal(ERASE("", "--field", "card", "--purpose", "service", "--ground", "a", "--yes"), 2);
	assert_int_equal(ERASE("4711\n", "--field", "card", "--purpose", "service", "--ground", "a"), 2);
	assert_non_null(strstr(here.last.err, "--yes"));
	assert_int_equal(ERASE("4799\n", "--field", "card", "--purpose", "service", "--ground", "a", "--yes"), 3);
	assert_int_equal(ERASE(NULL, "00112233445566778899aabbccddeeff", "--ground", "a", "--yes"), 3);
	assert_int_equal(RUN(&here, BROKER, NULL, "customer", "erasures", "--json"), 0);
	assert_string_equal(here.last.out, "[]\n");
}

static void test_erased_certified_rotated(void **state)
{
	char customer[33];
	json_t *row;

	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_int_equal(ERASE("4711\n", "--field", "card", "--purpose", "service", "--ground", "b", "--yes"), 0);
	assert_int_equal(sscanf(here.last.out, "customer %32s is erased\n", customer), 1);
	assert_int_equal(ERASE(NULL, customer, "--ground", "c", "--yes"), 0);
	assert_non_null(strstr(here.last.out, "was erased before"));
	row = first_row();
	assert_string_equal(json_string_value(json_object_get(row, "customer")), customer);
	assert_string_equal(json_string_value(json_object_get(row, "ground")), "b");
	assert_int_equal(json_integer_value(json_object_get(row, "store")), 12);
	assert_string_equal(json_string_value(json_object_get(row, "purpose")), "service");
	assert_true(json_is_string(json_object_get(row, "until")));
	assert_false(json_is_true(json_object_get(row, "is_complete")));
	json_decref(row);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_non_null(strstr(here.last.err, "who was erased is gone from the copy for 'service'"));
	row = first_row();
	assert_true(json_is_null(json_object_get(row, "store")));
	assert_false(json_is_true(json_object_get(row, "is_rotated")));
	json_decref(row);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-master"), 0);
	row = first_row();
	assert_true(json_is_true(json_object_get(row, "is_complete")));
	json_decref(row);
	assert_int_equal(RUN(&here, BROKER, NULL, "customer", "erasures"), 0);
	assert_non_null(strstr(here.last.out, "complete\n"));
}

static void test_without_a_broker(void **state)
{
	(void)state;
	headquarters_stop(&here);
	assert_int_equal(RUN(&here, BROKER, NULL, "customer", "erasures"), 1);
	assert_int_equal(ERASE(NULL, "00112233445566778899aabbccddeeff", "--ground", "a", "--yes"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up_shop, headquarters_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_usage),
		TEST(test_erased_certified_rotated),
		TEST(test_without_a_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
