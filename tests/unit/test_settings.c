/* Options of kluis-broker: each key goes to a place of its own, numbers have bounds, the folder has a default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/settings.h"
#include "kluis/limits.h"

static struct settings settings;
static struct fault fault;

static int fresh(void **state)
{
	(void)state;
	unsetenv("KLUIS_DATA");
	settings_init(&settings);
	fault.text[0] = '\0';
	return 0;
}

static void test_folder_from_environment_or_default(void **state)
{
	(void)state;
	assert_string_equal(settings.data, "/var/lib/kluis-broker");
	assert_int_equal(setenv("KLUIS_DATA", "/srv/formula", 1), 0);
	settings_init(&settings);
	assert_string_equal(settings.data, "/srv/formula");
	assert_int_equal(settings_take(&settings, SET_DATA, "/elsewhere", &fault), ERR_OK);
	assert_string_equal(settings.data, "/elsewhere");
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(settings.days, 14);
	assert_false(settings.has_store || settings.is_all || settings.is_json);
	assert_null(settings.charter);
	assert_null(settings.out);
}

/* Each text lands where its name says, and nowhere else. */
static void test_texts(void **state)
{
	static const struct {
		int key;
		size_t offset;
	} rows[] = {
		{SET_DATA, offsetof(struct settings, data)},	     {SET_CHARTER, offsetof(struct settings, charter)},
		{SET_LISTEN, offsetof(struct settings, listen)},     {SET_ADDRESS, offsetof(struct settings, address)},
		{SET_TEMPLATE, offsetof(struct settings, template)}, {SET_VALUES, offsetof(struct settings, values)},
		{SET_OUT, offsetof(struct settings, out)},	     {SET_MAPPING, offsetof(struct settings, mapping)},
		{SET_REJECTS, offsetof(struct settings, rejects)},   {SET_REASON, offsetof(struct settings, reason)},
		{SET_FROM, offsetof(struct settings, from)},	     {SET_UNTIL, offsetof(struct settings, until)},
		{SET_KEY, offsetof(struct settings, key)},
	};
	static const char text[] = "text";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings before, after, expected;
		settings_init(&before);
		after = expected = before;
		*(const char **)(void *)((char *)&expected + rows[i].offset) = text;
		assert_int_equal(settings_take(&after, rows[i].key, text, &fault), ERR_OK);
		assert_memory_equal(&after, &expected, sizeof(after));
	}
}

static void test_store_number(void **state)
{
	(void)state;
	assert_int_equal(settings_take(&settings, SET_STORE, "0", &fault), ERR_OK);
	assert_true(settings.has_store); /* 0 is a store's number too */
	assert_int_equal(settings.store, 0);
	assert_int_equal(settings_take(&settings, SET_STORE, "12", &fault), ERR_OK);
	assert_int_equal(settings.store, 12);
	static const char *const wrong[] = {"", "-1", "12x", "0x10", " 12", "+3", "99999999999999999999", "1.5"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(settings_take(&settings, SET_STORE, wrong[i], &fault), ERR_USAGE);
		assert_non_null(strstr(fault.text, "--store: '"));
		assert_int_equal(settings.store, 12);
	}
}

static void test_days_have_bounds(void **state)
{
	(void)state;
	assert_int_equal(settings_take(&settings, SET_DAYS, "1", &fault), ERR_OK);
	assert_int_equal(settings.days, 1);
	assert_int_equal(settings_take(&settings, SET_DAYS, "0", &fault), ERR_USAGE);
	assert_non_null(strstr(fault.text, "--days: '0' is not a whole number from 1 to "));
	assert_int_equal(settings_take(&settings, SET_DAYS, "100000", &fault), ERR_USAGE);
	assert_int_equal(settings.days, 1);
}

static void test_flags_and_unknown_keys(void **state)
{
	(void)state;
	assert_int_equal(settings_take(&settings, SET_ALL, NULL, &fault), ERR_OK);
	assert_true(settings.is_all && !settings.is_json);
	assert_int_equal(settings_take(&settings, SET_JSON, NULL, &fault), ERR_OK);
	assert_true(settings.is_json);
	assert_int_equal(settings_take(&settings, 'q', "x", &fault), ERR_USAGE);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folder_from_environment_or_default),
		TEST(test_defaults),
		TEST(test_texts),
		TEST(test_store_number),
		TEST(test_days_have_bounds),
		TEST(test_flags_and_unknown_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
