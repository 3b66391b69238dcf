/* kluis-broker customer show, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "headquarters.h"

#define SHOW(input, ...) RUN(&here, BROKER, input, "customer", "show", __VA_ARGS__)

static void test_usage(void **state)
{
	(void)state;
	assert_int_equal(SHOW("4711\n", "--field", "card"), 2);
	assert_non_null(strstr(here.last.err, "--purpose"));
	assert_int_equal(SHOW("4711\n", "--purpose", "service"), 2);
	assert_non_null(strstr(here.last.err, "--field"));
	assert_int_equal(SHOW("4711\n", "--field", "name", "--purpose", "service"), 4);
	assert_int_equal(SHOW("", "--field", "card", "--purpose", "service"), 2);
	assert_int_equal(SHOW("4711\n", "--field", "card", "--purpose", "curiosity"), 4);
	assert_int_equal(SHOW("4799\n", "--field", "card", "--purpose", "service"), 3);
	assert_string_equal(here.last.out, "");
}

static const json_t *row_of(const json_t *rows, const char *field)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "field")), field) == 0)
			return row;
	}
	return NULL;
}

static void test_shown_and_logged(void **state)
{
	char customer[33];
	unsigned entry;

	(void)state;
	assert_int_equal(SHOW("47 11\n", "--field", "card", "--purpose", "service", "--json"), 0);
	json_t *rows = json_loads(here.last.out, 0, NULL);
	const json_t *row = row_of(rows, "card");
	assert_non_null(row);
	assert_string_equal(json_string_value(json_object_get(row, "value")), "4711");
	assert_true(json_is_false(json_object_get(row, "is_lost")));
	assert_true(json_is_null(json_object_get(row, "store")));
	json_decref(rows);
	assert_int_equal(sscanf(here.last.err, "customer %32s; log entry %u", customer, &entry), 2);
	assert_int_equal(strlen(customer), 32);
	assert_int_equal(SHOW("4711\n", "--field", "card", "--purpose", "service"), 0);
	assert_non_null(strstr(here.last.out, "4711"));
	unsigned next;
	assert_int_equal(sscanf(here.last.err, "customer %32s; log entry %u", customer, &next), 2);
	assert_true(next > entry);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up_shop, headquarters_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_usage),
		TEST(test_shown_and_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
