/* kluis-broker holdings and findings, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "headquarters.h"

/* The output's first row, as JSON; of the caller. */
static json_t *first_row(void)
{
	json_t *rows = json_loads(here.last.out, 0, NULL), *row;

	assert_true(json_array_size(rows) >= 1);
	row = json_incref(json_array_get(rows, 0));
	json_decref(rows);
	return row;
}

static void test_holdings(void **state)
{
	json_t *row;

	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings"), 0);
	assert_string_equal(here.last.out, "store  purpose  since  readable until  to be purged\n");
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings", "--due"), 0);
	assert_null(strstr(here.last.out, "service"));
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings", "--json"), 0);
	row = first_row();
	assert_int_equal(json_integer_value(json_object_get(row, "store")), 12);
	assert_string_equal(json_string_value(json_object_get(row, "purpose")), "service");
	assert_true(json_is_string(json_object_get(row, "since")));
	assert_true(json_is_null(json_object_get(row, "due")));
	json_decref(row);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "terminate", "12"), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings", "--due"), 0);
	assert_non_null(strstr(here.last.out, "   12  service  "));
	assert_non_null(strstr(here.last.out, "agreement is terminated\n"));
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings", "--due", "--json"), 0);
	row = first_row();
	assert_string_equal(json_string_value(json_object_get(row, "due")), "terminated");
	json_decref(row);
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings", "12"), 2);
}

/* The same store from a copy of its folder: both go on from where it was. */
static void test_findings(void **state)
{
	char command[3 * HEADQUARTERS_PATH_MAX];
	json_t *row;

	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "findings"), 0);
	assert_string_equal(here.last.out, "time (UTC)  store  record  what\n");
	snprintf(command, sizeof command, "cp -a '%s' '%s'", headquarters_path(&here, "store-12"),
		 headquarters_path(&here, "store-13"));
	assert_int_equal(system(command), 0);
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "card", TILL), 0);
	RUN(&here, AGENT(13), "4711\n", "lookup", "card", TILL);
	RUN(&here, AGENT(13), "4711\n", "lookup", "card", TILL);
	assert_int_equal(RUN(&here, BROKER, NULL, "findings"), 0);
	assert_non_null(strstr(here.last.out, "     12       -  the store's key was used from two places"));
	assert_int_equal(RUN(&here, BROKER, NULL, "findings", "--json"), 0);
	row = first_row();
	assert_string_equal(json_string_value(json_array_get(json_object_get(row, "kinds"), 0)), "two_places");
	json_decref(row);
	assert_int_equal(RUN(&here, BROKER, NULL, "findings", "--due"), 2);
}

static void test_without_a_broker(void **state)
{
	(void)state;
	headquarters_stop(&here);
	assert_int_equal(RUN(&here, BROKER, NULL, "holdings"), 1);
	assert_int_equal(RUN(&here, BROKER, NULL, "findings"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_holdings, headquarters_set_up_shop, headquarters_tear_down),
		cmocka_unit_test_setup_teardown(test_findings, headquarters_set_up_shop, headquarters_tear_down),
		cmocka_unit_test_setup_teardown(test_without_a_broker, headquarters_set_up_shop,
						headquarters_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
