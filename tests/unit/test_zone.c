#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kluis/zone.h"

/* Both hemispheres, no summer time, half hours, a change at a negative and at a far time of day, names in brackets. */
static const char *const rules[] = {
	"UTC0",
	"CET-1CEST,M3.5.0,M10.5.0/3",
	"PST8PDT,M3.2.0,M11.1.0",
	"EST5EDT4,M3.2.0/02:00:00,M11.1.0/02:00",
	"CST6",
	"AEST-10AEDT,M10.1.0,M4.1.0/3",
	"NZST-12NZDT,M9.5.0,M4.1.0/3",
	"<-04>4<-03>,M9.1.6/24,M4.1.6/24",
	"IST-5:30",
	"<+0545>-5:45",
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
	"NST3:30NDT,M3.2.0,M11.1.0",
	"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
	"IST-2IDT,M3.4.4/26,M10.5.0",
	"EET-2EEST,M3.4.4/50,M10.4.4/50",
	"GMT0IST,M3.5.0/1,M10.5.0",
	"<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
};
#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

static int64_t local_seconds(const struct zone *zone, uint64_t time_s)
{
	struct local_time local;

	zone_local(zone, time_s, &local);
	return (int64_t)local.day * 86400 + local.minute * 60;
}

static void check_against_libc(const struct zone *zone, const char *rule, time_t time)
{
	struct tm tm;
	struct local_time local;

	assert_non_null(localtime_r(&time, &tm));
	zone_local(zone, (uint64_t)time, &local);
	int64_t day = (time + tm.tm_gmtoff) / 86400 - ((time + tm.tm_gmtoff) % 86400 < 0);
	if (local.minute != tm.tm_hour * 60 + tm.tm_min || local.weekday != (tm.tm_wday + 6) % 7 || local.day != day)
		fail_msg("%s at %lld: minute %d, weekday %d, libc has %d, %d", rule, (long long)time, local.minute,
			 local.weekday, tm.tm_hour * 60 + tm.tm_min, (tm.tm_wday + 6) % 7);
}

/* The time in (low, high] at which libc's offset changes. */
static time_t find_change(time_t low, time_t high)
{
	struct tm at_low, at;

	localtime_r(&low, &at_low);
	while (high - low > 1) {
		time_t middle = low + (high - low) / 2;
		localtime_r(&middle, &at);
		if (at.tm_gmtoff == at_low.tm_gmtoff)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* Every 12 hours from 1970 to 2037, and each second around each change. */
static void test_zone_local_agrees_with_libc(void **state)
{
	(void)state;
	for (size_t i = 0; i < RULE_COUNT; i++) {
		struct zone zone;
		struct tm before, after;
		int changes = 0;

		assert_int_equal(zone_parse(rules[i], &zone, NULL), ERR_OK);
		setenv("TZ", rules[i], 1);
		tzset();
		for (time_t time = 43200 * 2; time < 2145916800; time += 43200) {
			time_t next = time + 43200;
			check_against_libc(&zone, rules[i], time);
			localtime_r(&time, &before);
			localtime_r(&next, &after);
			if (before.tm_gmtoff == after.tm_gmtoff)
				continue;
			time_t change = find_change(time, next);
			changes++;
			for (time_t near = change - 61; near <= change + 61; near += near < change - 2 ? 58 : 1)
				check_against_libc(&zone, rules[i], near);
		}
		assert_int_equal(changes > 0, zone.has_summer);
	}
	unsetenv("TZ");
	tzset();
}

/* EU directive 2000/84/EC: at 01:00 UTC on the last Sundays of March and October. 2026-03-29, 2026-10-25. */
static void test_zone_local_amsterdam_2026(void **state)
{
	struct zone zone;
	struct local_time local;

	(void)state;
	assert_int_equal(zone_parse("CET-1CEST,M3.5.0,M10.5.0/3", &zone, NULL), ERR_OK);
	zone_local(&zone, 1774745999, &local); /* 2026-03-29T00:59:59Z */
	assert_int_equal(local.minute, 1 * 60 + 59);
	assert_int_equal(local.weekday, 6);
	zone_local(&zone, 1774746000, &local);
	assert_int_equal(local.minute, 3 * 60);
	zone_local(&zone, 1792889999, &local); /* 2026-10-25T00:59:59Z */
	assert_int_equal(local.minute, 2 * 60 + 59);
	zone_local(&zone, 1792890000, &local);
	assert_int_equal(local.minute, 2 * 60);
}

static void test_zone_local_before_1970_in_the_west(void **state)
{
	struct zone zone;
	struct local_time local;

	(void)state;
	assert_int_equal(zone_parse("PST8", &zone, NULL), ERR_OK);
	zone_local(&zone, 0, &local);
	assert_int_equal(local.day, -1);
	assert_int_equal(local.minute, 16 * 60);
	assert_int_equal(local.weekday, 2); /* Wednesday */
}

/* Any number is a time: the last of the year 9998 at most. */
static void test_zone_local_far_future(void **state)
{
	struct zone zone;

	(void)state;
	assert_int_equal(zone_parse("CET-1CEST,M3.5.0,M10.5.0/3", &zone, NULL), ERR_OK);
	assert_true(local_seconds(&zone, UINT64_MAX) == local_seconds(&zone, 253370764799));
	assert_true(local_seconds(&zone, 253370764799) == 253370764740 + 3600);
}

static void test_zone_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"CET",
		"CE-1",
		"CET-1CEST",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3 ",
		" CET-1",
		"CET-1CEST,J60,J300",
		"CET-1CEST,59,300",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0/2:60,M10.5.0",
		"CET-1CEST,M3.5.0/,M10.5.0",
		"CET-25",
		"CET-1:",
		"CET-1:60",
		"CET-1:00:60",
		"CET-1111111111",
		"<+01-1",
		"<+0>-1",
		"<+0 1>-1",
		"CET-1,M3.5.0,M10.5.0",
		":Europe/Amsterdam",
		"Europe/Amsterdam",
	};
	struct zone zone = {.offset = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault fault = {.text = ""};
		if (zone_parse(bad[i], &zone, &fault) != ERR_INPUT)
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(fault.text, "not a POSIX time zone"));
	}
	assert_int_equal(zone.offset, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zone_local_agrees_with_libc),
		cmocka_unit_test(test_zone_local_amsterdam_2026),
		cmocka_unit_test(test_zone_local_before_1970_in_the_west),
		cmocka_unit_test(test_zone_local_far_future),
		cmocka_unit_test(test_zone_parse_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
