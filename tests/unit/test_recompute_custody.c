/* Leases, purges and journals, decided again; and a broker's lies about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "custody_story.h"

#define HOUR_MS UINT64_C(3600000)
#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct custody_story custody;
static struct finding_lines lines;

static int set_up(void **state)
{
	(void)state;
	custody_begin(&custody);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	custody_end(&custody);
	return 0;
}

/* What the broker finds odd in a journal, the auditor says in words, and finds no difference. */
static void test_findings_in_words(void **state)
{
	static const struct {
		uint64_t skip, earlier_ms, later_ms, seen_size;
		const char *text;
	} rows[] = {
		{3, 0, 0, 0, "journal record 5: records before it are missing"},
		{0, 30000, 0, 0, "journal record 2: its time or the log that was seen lies before the last record's"},
		{0, 0, HOUR_MS, 0, "journal record 2: dated later than it was received"},
		{0, 0, 0, 2, "journal record 2: the log that the store says it saw is not this log"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		Kluis__JournalRecord record = custody_record(&custody);
		custody_upload(&custody, &record);
		record = custody_record(&custody);
		record.number += rows[i].skip;
		record.time_ms += rows[i].later_ms - rows[i].earlier_ms;
		record.seen_size = rows[i].seen_size;
		custody_upload(&custody, &record);
		custody_audit(&custody, &lines);
		if (lines.count != 1 || strstr(lines.all, rows[i].text) == NULL)
			fail_msg("%zu findings where one is to say \"%s\": %s", lines.count, rows[i].text, lines.all);
		tear_down(state);
		set_up(state);
	}
}

static void test_the_end_in_words(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);
	struct book none = {0};

	(void)state;
	custody_upload(&custody, &record);
	custody.formula->now_ms += 1000;
	franchise_must(custody.formula, custody.store, action_sync(custody.formula, "service", 0, 10));
	franchise_must(custody.formula, custody.store, action_lease(custody.formula, "service", &none));
	custody_audit(&custody, &lines);
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.all, "(lease): journal's end at record 0: the journal is not the one that was"));
}

static void find_nothing(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->findings = 0;
}
static void find_something(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->findings = 1;
}
static void take_less(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->cursor = 0;
}
static void last_longer(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->until_ms += 1000;
}
static void last_for_ever(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_until_ms = false;
	entry->results[0]->until_ms = 0;
}
static void call_it_malformed(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_INPUT;
	entry->results[0]->has_findings = entry->results[0]->has_cursor = false;
}

static void test_lies(void **state)
{
	static const struct audit_lie lies[] = {
		{KIND(LOCAL_ACCESS), 0, find_something, "records findings 1, but by the log they are 0"},
		{KIND(LOCAL_ACCESS), 0, take_less, "took the journal up to record 1"},
		{KIND(LOCAL_ACCESS), 0, call_it_malformed, "recorded as input, but by the log it is permitted"},
		{KIND(LOCAL_ACCESS), 0, lie_refuse_by_hours, "by the log it is permitted"},
		{KIND(LEASE), 0, last_longer, "but by its grants until"},
		{KIND(LEASE), 0, last_for_ever, "lasts until 0"},
		{KIND(LEASE), 0, lie_refuse_by_hours, "by the log it is permitted (\"grant till\")"},
		{KIND(LEASE), 1, lie_permit, "by the log it is suspended"},
		{KIND(PURGE), 0, lie_permit, "recorded as permitted, but by the log it is not_found"},
		{KIND(PURGE), 1, lie_refuse_by_hours, "by the log it is permitted"},
		{KIND(HOLDINGS), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
		{KIND(FINDINGS), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
	};
	Kluis__JournalRecord record = custody_record(&custody);
	struct franchise *formula = custody.formula;

	(void)state;
	custody_upload(&custody, &record);
	franchise_one(formula, custody.store, action_purge(formula, "direct-marketing", ERR_EXPIRED));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	franchise_one(formula, custody.store, action_lease(formula, "service", &custody.book));
	franchise_must(formula, custody.store, action_purge(formula, "service", ERR_SUSPENDED));
	franchise_must(formula, &formula->office, action_holdings(formula));
	franchise_must(formula, &formula->office, action_findings(formula));
	struct audit_log *log = audit_log_of(formula);
	audit_log_tell(log, lies, sizeof lies / sizeof lies[0]);
	audit_log_free(&log);
}

/* A gap that the broker keeps to itself. */
static void test_a_finding_that_was_not_recorded(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	record.number++;
	custody_upload(&custody, &record);
	struct audit_log *log = audit_log_of(custody.formula);
	audit_log_change(log, audit_log_find(log, KIND(LOCAL_ACCESS), 0), find_nothing);
	audit_log_check(log, &lines);
	assert_int_equal(lines.count, 2);
	assert_non_null(strstr(lines.all, "records before it are missing"));
	assert_non_null(strstr(lines.all, "records findings 0, but by the log they are 1"));
	audit_log_free(&log);
}

/* What is no record is refused by both. */
static void test_what_is_no_record(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	record.version = 0;
	assert_int_equal(custody_upload(&custody, &record).code, ERR_INPUT);
	custody.book = (struct book){0};
	record = custody_record(&custody);
	assert_int_equal(custody_upload(&custody, &record).code, ERR_OK);
	custody_audit(&custody, &lines);
	assert_string_equal(lines.all, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_findings_in_words),
		TEST(test_the_end_in_words),
		TEST(test_lies),
		TEST(test_a_finding_that_was_not_recorded),
		TEST(test_what_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
