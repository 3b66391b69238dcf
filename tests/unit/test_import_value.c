#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "command/import_value.h"

/* Day numbers by `date -d 1998-12-30 +%s` / 86400. */
static void test_import_day(void **state)
{
	static const char *const bad[] = {
		"",	      "1998-02-29", "1998-13-01",	   "1998-1-1",	  "98-01-01",
		"1998/01/01", "19980101",   "1998-01-01 12:00:00", "1998-01-01 ", "1998-01-01x",
		"0000-01-01", "1998-00-10", "1998-01-32"};
	int32_t day = 99;

	(void)state;
	assert_int_equal(import_day(slice_text("1970-01-01"), &day), ERR_OK);
	assert_int_equal(day, 0);
	assert_int_equal(import_day(slice_text("1998-12-30"), &day), ERR_OK);
	assert_int_equal(day, 10590);
	assert_int_equal(import_day(slice_text("1969-12-31 00:00:00.0"), &day), ERR_OK);
	assert_int_equal(day, -1);
	assert_int_equal(import_day(slice_text("2000-02-29 00:00:00"), &day), ERR_OK);
	assert_int_equal(day, 11016);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(import_day(slice_text(bad[i]), &day), ERR_VALUE);
	assert_int_equal(day, 11016);
}

static void test_import_store(void **state)
{
	static const char *const bad[] = {"", "-1", "100000", "1.0", " 1", "1a", "99999999999999999999999"};
	uint32_t store = 99;

	(void)state;
	assert_int_equal(import_store(slice_text("0"), &store), ERR_OK);
	assert_int_equal(store, 0);
	assert_int_equal(import_store(slice_text("99999"), &store), ERR_OK);
	assert_int_equal(store, 99999);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(import_store(slice_text(bad[i]), &store), ERR_VALUE);
	assert_int_equal(store, 99999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import_day),
		cmocka_unit_test(test_import_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
