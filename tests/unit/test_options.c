/* Options of kluis-agent: each key sets one thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "command/options.h"

static void test_texts(void **state)
{
	static const struct {
		int key;
		size_t offset;
	} rows[] = {
		{SET_DATA, offsetof(struct agent_options, data)},
		{SET_PURPOSE, offsetof(struct agent_options, purpose)},
		{SET_EMPLOYEE, offsetof(struct agent_options, employee)},
		{SET_ROLE, offsetof(struct agent_options, role)},
		{SET_PIN_FILE, offsetof(struct agent_options, pin_file)},
		{SET_TO, offsetof(struct agent_options, to)},
		{SET_SINCE, offsetof(struct agent_options, since)},
	};
	static const char text[] = "text";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct agent_options options = {0}, expected = {0};
		*(const char **)(void *)((char *)&expected + rows[i].offset) = text;
		assert_int_equal(agent_options_take(&options, rows[i].key, text, NULL), ERR_OK);
		assert_memory_equal(&options, &expected, sizeof(options));
	}
}

static void test_flags(void **state)
{
	static const struct {
		int key;
		size_t offset;
	} rows[] = {
		{SET_JSON, offsetof(struct agent_options, is_json)},
		{SET_YES, offsetof(struct agent_options, is_yes)},
		{SET_ANEW, offsetof(struct agent_options, is_anew)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct agent_options options = {0}, expected = {0};
		*(bool *)(void *)((char *)&expected + rows[i].offset) = true;
		assert_int_equal(agent_options_take(&options, rows[i].key, NULL, NULL), ERR_OK);
		assert_memory_equal(&options, &expected, sizeof(options));
	}
}

static void test_unknown_key_changes_nothing(void **state)
{
	struct agent_options options = {.data = "folder"}, before = options;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(agent_options_take(&options, 'q', "x", &fault), ERR_USAGE);
	assert_string_equal(fault.text, "unknown option");
	assert_memory_equal(&options, &before, sizeof(options));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_unknown_key_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
