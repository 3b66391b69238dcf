/* kluis-agent register, change, consent, request, incident: what is wrong before anybody is asked. (What goes well:
 * tests/scenario/64-tills.sh.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "command/options.h"

#define ID "000102030405060708090a0b0c0d0e0f"

static const struct {
	agent_command_fn *command;
	struct command_arguments arguments;
	bool has_purpose, has_to;
	const char *fault;
} rows[] = {
	{agent_command_register, {{NULL}, 0}, false, false, "say --purpose"},
	{agent_command_register, {{NULL}, 0}, true, false, "the daemon is not running"},
	{agent_command_change, {{ID}, 1}, false, false, "say --purpose"},
	{agent_command_change, {{ID}, 1}, true, false, "the daemon is not running"},
	{agent_command_change, {{"ann"}, 1}, true, false, "MEMBER is the 32"},
	{agent_command_change, {{ID "0"}, 1}, true, false, "MEMBER is the 32"},
	{agent_command_change, {{"../../../../../../../../sessions"}, 1}, true, false, "MEMBER is the 32"},
	{agent_command_consent, {{"", "given"}, 2}, true, true, "MEMBER is the 32"},
	{agent_command_consent, {{ID, "given"}, 2}, false, true, "say --purpose"},
	{agent_command_consent, {{ID, "given"}, 2}, true, false, "say --to"},
	{agent_command_consent, {{ID, "given"}, 2}, true, true, "the daemon is not running"},
	{agent_command_request, {{"access", ID}, 2}, false, false, "the daemon is not running"},
	{agent_command_incident, {{"loss"}, 1}, false, false, "the daemon is not running"},
};

static void test_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct agent_options options = {.data = "/nonexistent",
						.employee = "anna",
						.purpose = rows[i].has_purpose ? "service" : NULL,
						.to = rows[i].has_to ? "direct-marketing" : NULL};
		struct fault fault = {""};
		assert_int_not_equal(rows[i].command(&options, &rows[i].arguments, &fault), ERR_OK);
		assert_non_null(strstr(fault.text, rows[i].fault));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
