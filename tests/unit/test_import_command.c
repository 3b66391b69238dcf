/* What is refused before a broker is asked for. Imports themselves: test_import.c and the scenarios. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "command/commands.h"

static void test_command_import_refuses(void **state)
{
	static const struct {
		const char *kind, *mapping;
		enum err code;
		const char *fault;
	} cases[] = {
		{"people", "x.map", ERR_USAGE, "'people' is none of customers, receipts, stores"},
		{"Customers", "x.map", ERR_USAGE, "'Customers' is none of"},
		{"customers", NULL, ERR_USAGE, "--mapping FILE"},
		{"customers", "x.map", ERR_NOT_FOUND, "/nonexistent"}, /* no broker's folder there */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings settings = {.data = "/nonexistent", .mapping = cases[i].mapping};
		struct command_arguments arguments = {.items = {cases[i].kind, "x.csv"}, .count = 2};
		struct fault fault = {.text = ""};

		assert_int_equal(command_import(&settings, &arguments, &fault), cases[i].code);
		assert_non_null(strstr(fault.text, cases[i].fault));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_import_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
