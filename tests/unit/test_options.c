/* Options of kluis-agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* not the broker's folder of the same name */
#include "../../agent/command/options.h"

static void test_options_land_in_their_places(void **state)
{
	struct agent_options options = {0};
	struct fault fault = {""};

	(void)state;
	assert_int_equal(agent_options_take(&options, SET_DATA, "d", &fault), ERR_OK);
	assert_int_equal(agent_options_take(&options, SET_PURPOSE, "p", &fault), ERR_OK);
	assert_int_equal(agent_options_take(&options, SET_EMPLOYEE, "e", &fault), ERR_OK);
	assert_false(options.is_json || options.is_yes || options.role != NULL);
	assert_int_equal(agent_options_take(&options, SET_ROLE, "r", &fault), ERR_OK);
	assert_int_equal(agent_options_take(&options, SET_JSON, NULL, &fault), ERR_OK);
	assert_false(options.is_yes);
	assert_int_equal(agent_options_take(&options, SET_YES, NULL, &fault), ERR_OK);
	assert_true(options.is_json && options.is_yes);
	assert_string_equal(options.data, "d");
	assert_string_equal(options.purpose, "p");
	assert_string_equal(options.employee, "e");
	assert_string_equal(options.role, "r");
	assert_int_equal(agent_options_take(&options, 0xFFF, "x", &fault), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_options_land_in_their_places)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
