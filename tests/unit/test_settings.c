/* Options of kluis-broker and kluis-agent: each lands in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command/settings.h"
#include "kluis/limits.h"

static struct settings settings;
static struct fault fault;

static enum err take(int key, const char *value)
{
	fault.text[0] = '\0';
	return settings_take(&settings, key, value, &fault);
}

static void test_defaults(void **state)
{
	(void)state;
	unsetenv("KLUIS_DATA");
	settings_init(&settings);
	assert_string_equal(settings.data, "/var/lib/kluis-broker");
	assert_int_equal(settings.days, 14);
	assert_false(settings.has_store || settings.is_all || settings.is_json);
	setenv("KLUIS_DATA", "/srv/kluis", 1);
	settings_init(&settings);
	assert_string_equal(settings.data, "/srv/kluis");
}

static void test_texts_land_in_their_places(void **state)
{
	const struct {
		int key;
		const char **place;
	} rows[] = {
		{SET_DATA, &settings.data},	  {SET_CHARTER, &settings.charter},   {SET_LISTEN, &settings.listen},
		{SET_ADDRESS, &settings.address}, {SET_TEMPLATE, &settings.template}, {SET_VALUES, &settings.values},
		{SET_OUT, &settings.out},	  {SET_MAPPING, &settings.mapping},   {SET_REJECTS, &settings.rejects},
		{SET_REASON, &settings.reason},	  {SET_FROM, &settings.from},	      {SET_UNTIL, &settings.until},
		{SET_KEY, &settings.key},
	};

	(void)state;
	settings_init(&settings);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(take(rows[i].key, "here"), ERR_OK);
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			assert_int_equal(*rows[j].place != NULL && (*rows[j].place)[0] == 'h', j <= i);
	}
}

static void test_numbers_and_flags(void **state)
{
	(void)state;
	settings_init(&settings);
	assert_int_equal(take(SET_STORE, "0"), ERR_OK);
	assert_true(settings.has_store && settings.store == 0);
	assert_int_equal(take(SET_STORE, "99999"), ERR_OK);
	assert_int_equal(take(SET_STORE, "100000"), ERR_USAGE);
	assert_int_equal(take(SET_STORE, "all"), ERR_USAGE);
	assert_int_equal(take(SET_DAYS, "90"), ERR_OK);
	assert_int_equal(settings.days, INVITATION_DAYS_MAX);
	assert_int_equal(take(SET_DAYS, "0"), ERR_USAGE);
	assert_int_equal(take(SET_DAYS, "91"), ERR_USAGE);
	assert_int_equal(take(SET_ALL, NULL), ERR_OK);
	assert_int_equal(take(SET_JSON, NULL), ERR_OK);
	assert_true(settings.is_all && settings.is_json);
	assert_int_equal(take(0xFFF, "x"), ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_texts_land_in_their_places),
		cmocka_unit_test(test_numbers_and_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
