/* Dates against the C library's calendar, texts against RFC 3339. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "kluis/clock.h"

/* Every day of years 1 to 9999: counted by the calendar's rule, one day after another. */
static void test_date_split_and_join_on_every_day(void **state)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int32_t day = -719162; /* 0001-01-01, proleptic Gregorian */

	(void)state;
	for (int year = 1; year <= 9999; year++) {
		bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (int month = 1; month <= 12; month++) {
			int length = lengths[month - 1] + (month == 2 && is_leap);

			for (int of_month = 1; of_month <= length; of_month++, day++) {
				int y, m, d;

				date_split(day, &y, &m, &d);
				if (y != year || m != month || d != of_month || date_join(y, m, d) != day)
					fail_msg("%04d-%02d-%02d", year, month, of_month);
			}
		}
	}
	assert_int_equal(day, 2932897); /* 10000-01-01 */
}

static void test_date_as_the_c_library_has_it(void **state)
{
	(void)state;
	for (int32_t day = -200000; day < 200000; day += 37) {
		time_t seconds = (time_t)day * 86400;
		struct tm tm;
		char text[11], expected[16];

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(expected, sizeof(expected), "%Y-%m-%d", &tm);
		date_print(day, text);
		assert_string_equal(text, expected);
		assert_int_equal(date_weekday(day), (tm.tm_wday + 6) % 7);
	}
	assert_int_equal(date_weekday(0), 3); /* a Thursday */
}

static void test_date_from_text_refuses(void **state)
{
	static const char *const bad[] = {
		"",	      "2026",	    "2026-11",	  "2026-11-2",	"2026-11-022", "2026-11-22 ", " 2026-11-22",
		"2026-00-10", "2026-13-10", "2026-01-00", "2026-01-32", "2026-02-29",  "2025-02-29",  "2100-02-29",
		"2026-04-31", "0000-01-01", "2026/11/22", "-026-11-22", "2026-1a-22",  "20261122",    "2026-11-+2",
	};
	int32_t day = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (date_from_text(bad[i], &day) != ERR_INPUT)
			fail_msg("'%s'", bad[i]);
	}
	assert_int_equal(day, 77);
	assert_int_equal(date_from_text("2024-02-29", &day), ERR_OK);
	assert_int_equal(date_from_text("2000-02-29", &day), ERR_OK);
	assert_int_equal(day, 11016);
	assert_int_equal(date_from_text("1970-01-01", &day), ERR_OK);
	assert_int_equal(day, 0);
	assert_int_equal(date_from_text("0001-01-01", &day), ERR_OK);
	assert_int_equal(day, -719162);
}

static void test_time_print(void **state)
{
	char text[25];

	(void)state;
	time_print(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	time_print(1795364012123, text); /* date -ud @1795364012 */
	assert_string_equal(text, "2026-11-22T16:13:32.123Z");
	time_print(253402300799999, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	/* no number from outside makes another form */
	time_print(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void test_time_from_text(void **state)
{
	static const char *const bad[] = {
		"2026-11-22T",
		"2026-11-22T16:13:32",
		"2026-11-22T16Z",
		"2026-11-22T24:00Z",
		"2026-11-22T23:60Z",
		"2026-11-22T23:59:60Z",
		"2026-11-22T16:13:32.1Z",
		"2026-11-22 16:13Z",
		"2026-11-22T16:13ZZ",
		"2026-11-22T16:13:32+01:00",
		"2026-02-30T00:00Z",
		"1969-12-31",
		"",
	};
	uint64_t time_ms = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (time_from_text(bad[i], &time_ms) != ERR_INPUT)
			fail_msg("'%s'", bad[i]);
	}
	assert_int_equal(time_ms, 5);
	assert_int_equal(time_from_text("2026-11-22T16:13:32Z", &time_ms), ERR_OK);
	assert_int_equal(time_ms, 1795364012000);
	assert_int_equal(time_from_text("2026-11-22T16:13Z", &time_ms), ERR_OK);
	assert_int_equal(time_ms, 1795363980000);
	assert_int_equal(time_from_text("1970-01-02", &time_ms), ERR_OK);
	assert_int_equal(time_ms, 86400000);
}

static void test_clocks_run(void **state)
{
	uint64_t steady = clock_steady_ns(), cpu = clock_cpu_ns(), steady_ms = clock_steady_ms();
	uint64_t boot_ms = clock_boot_ms();

	(void)state;
	assert_true(clock_now_ms() > 1600000000000);
	clock_sleep_ms(5);
	assert_true(clock_steady_ns() >= steady + 5000000);
	assert_true(clock_steady_ms() >= steady_ms + 4);
	assert_true(clock_boot_ms() >= boot_ms + 4);
	assert_true(clock_cpu_ns() >= cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_date_split_and_join_on_every_day),
		cmocka_unit_test(test_date_as_the_c_library_has_it),
		cmocka_unit_test(test_date_from_text_refuses),
		cmocka_unit_test(test_time_print),
		cmocka_unit_test(test_time_from_text),
		cmocka_unit_test(test_clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
