#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/decimal.h"

static void test_decimal_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t units;
	} good[] = {
		{"0", 0},
		{"12", 120000},
		{"-12", -120000},
		{"1.5000", 15000},
		{"1.8447", 18447},
		{"-0.0001", -1},
		{"007.5", 75000},
		{"922337203685477.5807", INT64_MAX},
		{"-922337203685477.5808", INT64_MIN},
	};
	static const char *const bad[] = {"",
					  "-",
					  ".5",
					  "5.",
					  "1.23456",
					  "1.00000",
					  "+1",
					  " 1",
					  "1 ",
					  "1,5",
					  "1e3",
					  "0x10",
					  "1.-5",
					  "--1",
					  "1.2.3",
					  "NaN",
					  "1'000",
					  "922337203685477.5808",
					  "-922337203685477.5809",
					  "99999999999999999999999",
					  "1844674407370955.1616"};
	int64_t units = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(decimal_parse(slice_text(good[i].text), &units), ERR_OK);
		assert_true(units == good[i].units);
	}
	units = 99;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decimal_parse(slice_text(bad[i]), &units), ERR_VALUE);
	assert_int_equal(decimal_parse(SLICE("1\0", 2), &units), ERR_VALUE);
	assert_int_equal(units, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimal_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
