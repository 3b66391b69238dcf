/* What a journal's records show, held against what the store had and was allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "custody_story.h"

#define HOUR_MS UINT64_C(3600000)

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

static void nothing_found(void)
{
	custody_audit(&custody, &lines);
	if (lines.count != 0)
		fail_msg("%s", lines.all);
}

/* One finding, which says this of the record. */
static void found(const char *what)
{
	custody_audit(&custody, &lines);
	if (lines.count != 1 || strstr(lines.all, "(local_access): journal record ") == NULL ||
	    strstr(lines.all, what) == NULL)
		fail_msg("%zu findings where one is to say \"%s\": %s", lines.count, what, lines.all);
}

static void test_what_is_as_it_should_be(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	assert_int_equal(custody_upload(&custody, &record).result->findings, 0);
	record = custody_record(&custody);
	record.customer = wire_data(custody.bert);
	record.fields = 3;
	custody_upload(&custody, &record);
	/* refused at the till: nothing was shown */
	record = custody_record(&custody);
	record.code = ERR_HOURS;
	record.has_version = record.has_fields = record.has_grant = record.has_entry = 0;
	custody_upload(&custody, &record);
	nothing_found();
}

static void another_entry(Kluis__JournalRecord *record)
{
	record->entry = custody.copied + 1;
}
static void an_entry_that_is_none(Kluis__JournalRecord *record)
{
	record->entry = 1000000;
}
static void somebody_else(Kluis__JournalRecord *record)
{
	record->customer = wire_data(franchise_draw(custody.formula));
}
static void another_version(Kluis__JournalRecord *record)
{
	record->version = 2;
}
static void another_purpose(Kluis__JournalRecord *record)
{
	static char marketing[] = "direct-marketing";
	record->purpose = marketing;
	record->code = ERR_OK;
}
static void fields_that_no_entry_brought(Kluis__JournalRecord *record)
{
	record->fields = 1 | 4;
}
static void another_agreement(Kluis__JournalRecord *record)
{
	memset(record->agreement.data, 1, HASH_SIZE);
}
static void another_grant(Kluis__JournalRecord *record)
{
	record->grant = 1;
}
static void nobody_on_the_roster(Kluis__JournalRecord *record)
{
	memset(record->employee.data, 1, PSEUDONYM_SIZE);
}

static void test_what_is_not(void **state)
{
	static const struct {
		void (*spoil)(Kluis__JournalRecord *record);
		const char *first, *second; /* findings; NULL: one only */
	} rows[] = {
		{another_entry, "did not disclose to this store for purpose service", NULL},
		{an_entry_that_is_none, "did not disclose to this store for purpose service", NULL},
		{somebody_else, "did not disclose to this store for purpose service", NULL},
		{another_version, "shows version 2 of customer", NULL},
		{another_purpose, "did not disclose to this store for purpose direct-marketing",
		 "no grant for purpose direct-marketing"},
		{fields_that_no_entry_brought, "did not disclose (mask 0000000000000004)",
		 "grant till does not allow (mask 0000000000000004)"},
		{another_agreement, "under an agreement that this store never had", NULL},
		{another_grant, "names grant number 1, which its agreement does not have", NULL},
		{nobody_on_the_roster, "grant till: employee", NULL},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		Kluis__JournalRecord record = custody_record(&custody);

		rows[i].spoil(&record);
		custody_upload(&custody, &record);
		if (rows[i].second == NULL) {
			found(rows[i].first);
		} else {
			custody_audit(&custody, &lines);
			assert_int_equal(lines.count, 2);
			assert_non_null(strstr(lines.all, rows[i].first));
			assert_non_null(strstr(lines.all, rows[i].second));
		}
		tear_down(state);
		set_up(state);
	}
}

/* A Friday at 12:00 UTC is 13:00 in Amsterdam; eight hours later the shop is closed. */
static void test_out_of_hours(void **state)
{
	Kluis__JournalRecord record;

	(void)state;
	custody.formula->now_ms += 8 * HOUR_MS;
	record = custody_record(&custody);
	record.time_ms -= 2 * HOUR_MS; /* 19:00, uploaded at 21:00 */
	custody_upload(&custody, &record);
	nothing_found();
	record = custody_record(&custody);
	custody_upload(&custody, &record);
	found("was not allowed at 2026-11-20T20:00:00");
	assert_non_null(strstr(lines.all, "grant till: hours"));
}

/* Removed at 12:00, read at 13:00 without having heard of it: the copy's lease is what ends that. */
static void test_an_employee_who_was_removed(void **state)
{
	struct slice employee = SLICE_ARRAY(custody.store->employee);
	uint32_t number = 12;
	Kluis__JournalRecord record;

	(void)state;
	franchise_must(custody.formula, &custody.formula->office,
		       action_staff(custody.formula, &number, employee, "", NULL));
	custody.formula->now_ms += HOUR_MS;
	record = custody_record(&custody);
	custody_upload(&custody, &record);
	nothing_found();
	/* but not once it has seen a log that goes on after that */
	record = custody_record(&custody);
	custody_see(&custody, &record);
	struct answer answer = custody_upload(&custody, &record);
	assert_int_equal(answer.result->findings, 0);
	found("grant till: employee");
}

/* What another store got is not what this one got. */
static void test_another_stores_entry(void **state)
{
	struct party *other = franchise_store(custody.formula, 13, CUSTODY_GRANT);
	struct answer answer = franchise_must(custody.formula, other, action_sync(custody.formula, "service", 0, 10));
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	record.entry = answer.reply->index;
	custody_upload(&custody, &record);
	found("did not disclose to this store for purpose service");
}

/* The second grant is for managers, and for another field. */
static void test_the_grant_that_it_names(void **state)
{
	Kluis__JournalRecord record;

	(void)state;
	franchise_agree(custody.formula, custody.store,
			franchise_agreement(custody.formula, 12,
					    CUSTODY_GRANT
					    "[grant office]\npurpose = service\noperations = lookup, sync\n"
					    "customers = all\nfields = phone\nstaff = manager\nlease = 72h\n"
					    "hours = mon-sun 00:00-24:00 Europe/Amsterdam\nterritory = EEA\n",
					    custody.store->agreement));
	franchise_must(custody.formula, custody.store, action_lease(custody.formula, "service", &custody.book));
	record = custody_record(&custody);
	custody_upload(&custody, &record);
	nothing_found();
	record = custody_record(&custody);
	record.grant = 1;
	custody_upload(&custody, &record);
	found("grant office: staff");
	franchise_employ(custody.formula, custody.store, "manager");
	custody.book.number = 2;
	record = custody_record(&custody);
	record.grant = 1;
	custody_upload(&custody, &record);
	custody_audit(&custody, &lines);
	assert_non_null(strstr(lines.last, "shows fields that grant office does not allow (mask 0000000000000001)"));
}

static void test_after_the_agreements_end(void **state)
{
	Kluis__JournalRecord record;

	(void)state;
	/* suspended and resumed: as if nothing had been */
	franchise_must(custody.formula, &custody.formula->office, action_standing(custody.formula, 12, 1));
	custody.formula->now_ms += 1000;
	franchise_must(custody.formula, &custody.formula->office, action_standing(custody.formula, 12, 2));
	custody.formula->now_ms += HOUR_MS;
	record = custody_record(&custody);
	custody_see(&custody, &record);
	custody_upload(&custody, &record);
	nothing_found();
	/* terminated, and the store has not heard of it: it may go on until its lease ends */
	franchise_must(custody.formula, &custody.formula->office, action_standing(custody.formula, 12, 3));
	custody.formula->now_ms += HOUR_MS;
	record = custody_record(&custody);
	record.seen_size = 0;
	struct answer answer = custody_upload(&custody, &record);
	assert_int_equal(answer.result->findings, FINDING_DISORDER); /* it saw more before */
	found("lies before the last record's");
	record = custody_record(&custody);
	custody_see(&custody, &record);
	custody_upload(&custody, &record);
	custody_audit(&custody, &lines);
	assert_int_equal(lines.count, 2);
	assert_non_null(strstr(lines.last, "under an agreement that had ended, in contact with head office"));
}

static void test_before_the_agreement(void **state)
{
	Kluis__JournalRecord record = custody_record(&custody);

	(void)state;
	record.time_ms -= HOUR_MS;
	custody_upload(&custody, &record);
	custody_audit(&custody, &lines);
	assert_non_null(strstr(lines.all, "under an agreement that was not in force yet"));
}

/* Installed anew: its journal begins at 1 again. What had been committed to before is lost, and said to be. */
static void test_a_new_installation(void **state)
{
	static const uint8_t code[16] = {7};
	Kluis__JournalRecord record = custody_record(&custody);
	char name[PRINCIPAL_MAX + 1];

	(void)state;
	custody_upload(&custody, &record);
	record = custody_record(&custody);
	book_write(custody.formula, &custody.book, &record); /* never uploaded */
	franchise_must(custody.formula, custody.store, action_lease(custody.formula, "service", &custody.book));
	assert_int_equal(principal_store_name(slice_text(FRANCHISE_ORIGIN), 12, name), ERR_OK);
	franchise_must(custody.formula, &custody.formula->office,
		       action_invite(custody.formula, name, SLICE_ARRAY(code), custody.formula->now_ms + HOUR_MS));
	struct party again = {.store = 12};
	assert_int_equal(secret_key_new(slice_text(name), &again.key), ERR_OK);
	franchise_must(custody.formula, &again, action_join(custody.formula, &again.key.public, SLICE_ARRAY(code)));
	custody.book = (struct book){0};
	record = custody_record(&custody);
	record.code = ERR_NO_AGREEMENT;
	record.has_version = record.has_fields = record.has_grant = record.has_entry = 0;
	ProtobufCBinaryData encoded = book_write(custody.formula, &custody.book, &record);
	struct answer answer = franchise_must(custody.formula, &again,
					      action_local_access(custody.formula, &custody.book, &encoded, 1));
	assert_int_equal(answer.result->findings, 0);
	answer = franchise_must(custody.formula, &custody.formula->office, action_findings(custody.formula));
	assert_int_equal(answer_items(&answer, 0), 1);
	assert_int_equal(answer_finding(custody.formula, &answer, 0)->kinds, FINDING_GAP);
	assert_int_equal(answer_finding(custody.formula, &answer, 0)->number, 2);
	custody_audit(&custody, &lines);
	assert_int_equal(lines.count, 1);
	secret_key_fini(&again.key);
	assert_non_null(strstr(lines.all, "(join): begins a new journal, though records 2 to 2 of the one before"));
}

/* A manager now, a cashier when it was read. */
static void test_the_role_at_the_time(void **state)
{
	struct slice employee = SLICE_ARRAY(custody.store->employee);
	uint32_t number = 12;
	Kluis__JournalRecord record;

	(void)state;
	custody.formula->now_ms += HOUR_MS;
	franchise_must(custody.formula, &custody.formula->office,
		       action_staff(custody.formula, &number, employee, "manager", NULL));
	record = custody_record(&custody);
	record.time_ms -= HOUR_MS / 2;
	custody_upload(&custody, &record);
	nothing_found();
	custody.formula->now_ms += HOUR_MS;
	record = custody_record(&custody);
	custody_upload(&custody, &record);
	found("grant till: staff");
}

/* What a first lease, a purge and a second lease leave open between them. */
static void test_between_two_leases(void **state)
{
	struct book none = {0};
	Kluis__JournalRecord record;

	(void)state;
	franchise_must(custody.formula, custody.store, action_purge(custody.formula, "service", ERR_TIMEOUT));
	custody.formula->now_ms += 3 * HOUR_MS;
	franchise_must(custody.formula, custody.store, action_lease(custody.formula, "service", &none));
	record = custody_record(&custody);
	record.time_ms -= HOUR_MS;
	/* the lease committed to an empty journal: what is in it was made after */
	assert_int_equal(custody_upload(&custody, &record).result->findings, FINDING_BACKDATED);
	custody_audit(&custody, &lines);
	assert_int_equal(lines.count, 2);
	assert_non_null(strstr(lines.all, "dated before something that it comes after"));
	assert_non_null(strstr(lines.all, "was read at 2026-11-20T14:00:00"));
	assert_non_null(strstr(lines.all, "outside every lease for purpose service"));
}

/* What it shows came later. */
static void test_before_it_was_disclosed(void **state)
{
	Kluis__JournalRecord record;
	struct book none = {0};

	(void)state;
	custody.formula->now_ms += 2 * HOUR_MS;
	struct answer answer =
		franchise_must(custody.formula, custody.store, action_sync(custody.formula, "service", 0, 10));
	record = book_next(custody.formula, &none, custody.store, custody.anna, answer.reply->index);
	record.time_ms -= HOUR_MS;
	custody_upload(&custody, &record);
	found("had disclosed it");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_as_it_should_be),
		TEST(test_what_is_not),
		TEST(test_out_of_hours),
		TEST(test_an_employee_who_was_removed),
		TEST(test_another_stores_entry),
		TEST(test_the_grant_that_it_names),
		TEST(test_after_the_agreements_end),
		TEST(test_before_the_agreement),
		TEST(test_a_new_installation),
		TEST(test_the_role_at_the_time),
		TEST(test_between_two_leases),
		TEST(test_before_it_was_disclosed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
