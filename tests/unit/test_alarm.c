/*
 * Alarms: kept once each until they were seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alarm.h"
#include "copy_maker.h"
#include "fail.h"

static char seen[2048];

static enum err see(void *context, const struct alarm *alarm)
{
	size_t length = strlen(seen);

	(void)context;
	snprintf(seen + length, sizeof(seen) - length, "%llu %s %llu-%llu x%llu: %s|",
		 (unsigned long long)alarm->number, alarm_name(alarm->kind), (unsigned long long)alarm->first_ms,
		 (unsigned long long)alarm->last_ms, (unsigned long long)alarm->count, alarm->text);
	return ERR_OK;
}

static const char *all(void)
{
	seen[0] = '\0';
	assert_int_equal(alarm_each(maker.store, see, NULL), ERR_OK);
	return seen;
}

static void test_once_each_until_seen(void **state)
{
	(void)state;
	assert_string_equal(all(), "");
	assert_int_equal(alarm_count(maker.store), 0);
	alarm_raise(maker.store, ALARM_DISK, 5, "the disk is full");
	alarm_raise(maker.store, ALARM_MISMATCH, 6, "page %d", 1);
	alarm_raise(maker.store, ALARM_MISMATCH, 7, "page %d", 2);
	alarm_raise(maker.store, ALARM_MISMATCH, 9, "page %d", 1);
	alarm_raise(maker.store, ALARM_ALTERED, 9, "page %d", 1);
	copy_maker_reopen(&maker);
	assert_int_equal(alarm_count(maker.store), 4);
	assert_string_equal(all(), "1 disk full 5-5 x1: the disk is full|2 wrong answer 6-9 x2: page 1|"
				   "3 wrong answer 7-7 x1: page 2|4 altered on disk 9-9 x1: page 1|");
	assert_int_equal(alarm_seen(maker.store, 2), ERR_OK);
	assert_int_equal(alarm_seen(maker.store, 2), ERR_NOT_FOUND);
	assert_int_equal(alarm_seen(maker.store, 4), ERR_OK);
	assert_int_equal(alarm_count(maker.store), 2);
	/* it comes again: another number, so that nobody takes it for seen */
	alarm_raise(maker.store, ALARM_ALTERED, 11, "page %d", 1);
	assert_string_equal(all(), "1 disk full 5-5 x1: the disk is full|3 wrong answer 7-7 x1: page 2|"
				   "5 altered on disk 11-11 x1: page 1|");
}

static void test_names(void **state)
{
	(void)state;
	for (int kind = ALARM_INCONSISTENT; kind <= ALARM_OLDER; kind++)
		assert_string_not_equal(alarm_name((enum alarm_kind)kind), "unknown alarm");
	assert_string_equal(alarm_name((enum alarm_kind)0), "unknown alarm");
	assert_string_equal(alarm_name((enum alarm_kind)99), "unknown alarm");
}

/* Whoever makes alarms up does not fill the disk. */
static void test_bounded(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 300; i++)
		alarm_raise(maker.store, ALARM_MISMATCH, 1, "%d", i);
	assert_int_equal(alarm_count(maker.store), 256);
	assert_int_equal(alarm_seen(maker.store, 1), ERR_OK);
	alarm_raise(maker.store, ALARM_MISMATCH, 1, "%s", text); /* cut, not refused */
	assert_int_equal(alarm_count(maker.store), 256);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, copy_maker_set_up, copy_maker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_once_each_until_seen),
		TEST(test_names),
		TEST(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
