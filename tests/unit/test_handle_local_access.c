/* What a store's staff read from its copy: FORMAT.md R123 to R126. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"
#include "kluis/checkpoint.h"

#define HOUR_MS UINT64_C(3600000)

static struct franchise *formula;
static struct party *store;
static struct slice customer;
static struct book book;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_ALL);
	customer = franchise_customer(formula, "1=1001|2=Anna");
	book = (struct book){0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static Kluis__JournalRecord next(void)
{
	return book_next(formula, &book, store, customer, 3);
}

static struct answer upload_one(const Kluis__JournalRecord *record)
{
	ProtobufCBinaryData encoded = book_write(formula, &book, record);

	return franchise_one(formula, store, action_local_access(formula, &book, &encoded, 1));
}

static uint32_t findings_of(const struct answer *answer)
{
	assert_int_equal(answer->code, ERR_OK);
	assert_true(answer->result->has_findings);
	return answer->result->findings;
}

static size_t found(void)
{
	struct answer answer = franchise_must(formula, &formula->office, action_findings(formula));

	return answer_items(&answer, 0);
}

static void test_records_in_order_are_taken(void **state)
{
	ProtobufCBinaryData records[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		Kluis__JournalRecord record = next();
		records[i] = book_write(formula, &book, &record);
	}
	struct answer answer = franchise_one(formula, store, action_local_access(formula, &book, records, 3));
	assert_int_equal(findings_of(&answer), 0);
	assert_int_equal(answer.result->cursor, 3);
	assert_null(answer.result->clause);
	assert_int_equal(answer.result->n_disclosures, 0);
	/* and the next ones go on from there */
	formula->now_ms += HOUR_MS;
	Kluis__JournalRecord record = next();
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
	assert_int_equal(answer.result->cursor, 4);
	assert_int_equal(found(), 0);
}

static void leave_one_out(Kluis__JournalRecord *record)
{
	record->number++;
}
static void go_back(Kluis__JournalRecord *record)
{
	record->number--;
}
static void name_another_before(Kluis__JournalRecord *record)
{
	memset(record->before.data, 7, HASH_SIZE);
}
static void go_back_in_time(Kluis__JournalRecord *record)
{
	record->time_ms -= 30000;
}
static void backdate(Kluis__JournalRecord *record)
{
	record->time_ms -= HOUR_MS;
}
static void postdate(Kluis__JournalRecord *record)
{
	record->time_ms += HOUR_MS;
}
static void see_another_tree(Kluis__JournalRecord *record)
{
	record->seen_size = 2;
}
static void see_the_future(Kluis__JournalRecord *record)
{
	record->seen_size = 1000000;
}
static void see_nothing_but_a_root(Kluis__JournalRecord *record)
{
	record->seen_root = record->before;
}

/* One spoilt record after a good one: what is found stands in the entry and in head office's list. */
static void test_what_is_odd_is_found(void **state)
{
	static const struct {
		void (*spoil)(Kluis__JournalRecord *record);
		uint32_t findings;
	} rows[] = {
		{leave_one_out, FINDING_GAP},
		{go_back, FINDING_REWRITTEN},
		{name_another_before, FINDING_REWRITTEN},
		{go_back_in_time, FINDING_DISORDER},
		{backdate, FINDING_DISORDER | FINDING_BACKDATED},
		{postdate, FINDING_FUTURE},
		{see_another_tree, FINDING_UNKNOWN_TREE},
		{see_the_future, FINDING_UNKNOWN_TREE},
		{see_nothing_but_a_root, FINDING_UNKNOWN_TREE},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		Kluis__JournalRecord record = next();
		struct answer answer = upload_one(&record);

		assert_int_equal(findings_of(&answer), 0);
		record = next();
		rows[i].spoil(&record);
		answer = upload_one(&record);
		assert_int_equal(findings_of(&answer), rows[i].findings);
		assert_int_equal(answer.result->cursor, record.number);
		assert_int_equal(found(), 1);
		answer = franchise_must(formula, &formula->office, action_findings(formula));
		const Kluis__FindingRow *row = answer_finding(formula, &answer, 0);
		assert_int_equal(row->store, 12);
		assert_int_equal(row->kinds, rows[i].findings);
		assert_int_equal(row->number, record.number);
		assert_int_equal(row->time_ms, formula->now_ms / 1000 * 1000);
		tear_down(state);
		set_up(state);
	}
}

static void see(Kluis__JournalRecord *record, uint64_t size, struct hash *root)
{
	record->seen_size = size;
	record->seen_root = wire_data(SLICE_ARRAY(root->bytes));
}

/* Every tree that the log ever was is known, none other is; and what saw it was not made long before its last entry. */
static void test_trees_that_the_log_was(void **state)
{
	struct frontier frontier = {0};
	struct hash leaf, root;
	uint64_t size = core_size(formula->core);
	struct answer log = franchise_must(formula, &formula->office, action_read_log(formula, 0, size));

	(void)state;
	for (uint64_t i = 0; i < size; i++) {
		merkle_leaf(answer_item(&log, 0, i), &leaf);
		frontier_append(&frontier, &leaf);
		frontier_root(&frontier, &root);
		Kluis__JournalRecord record = next();
		see(&record, i + 1, &root);
		struct answer answer = upload_one(&record);
		assert_int_equal(findings_of(&answer), 0);
	}
	/* the tree is an hour older than the record, then an hour younger */
	formula->now_ms += HOUR_MS;
	Kluis__JournalRecord record = next();
	see(&record, size, &root);
	struct answer answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
	record = next();
	see(&record, size, &root);
	record.time_ms -= 2 * HOUR_MS;
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), FINDING_DISORDER | FINDING_BACKDATED);
}

/* Backdated against the tree alone: no commitment and no record before. */
static void test_a_record_older_than_what_it_saw(void **state)
{
	struct frontier frontier = {0};
	struct hash leaf, root;
	struct answer log = franchise_must(formula, &formula->office, action_read_log(formula, 0, 1));

	(void)state;
	merkle_leaf(answer_item(&log, 0, 0), &leaf);
	frontier_append(&frontier, &leaf);
	frontier_root(&frontier, &root);
	Kluis__JournalRecord record = next();
	see(&record, 1, &root);
	record.time_ms -= HOUR_MS;
	struct answer answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), FINDING_BACKDATED);
}

/* A lease that ended, and one that was renewed in time. */
static void test_reading_after_the_lease(void **state)
{
	struct answer answer = franchise_must(formula, store, action_lease(formula, "service", &book));
	uint64_t until_ms = answer.result->until_ms;

	(void)state;
	formula->now_ms = until_ms + 30000;
	Kluis__JournalRecord record = next();
	record.time_ms = until_ms;
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
	record = next();
	record.time_ms = until_ms + 1;
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), FINDING_LATE);
	franchise_must(formula, store, action_lease(formula, "service", &book));
	record = next();
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
}

/* What a lease committed to is what has to come. */
static void test_what_a_lease_committed_to(void **state)
{
	Kluis__JournalRecord record = next();
	ProtobufCBinaryData good = book_write(formula, &book, &record);

	(void)state;
	franchise_must(formula, store, action_lease(formula, "service", &book));
	struct book other = {0};
	record.field = 2;
	ProtobufCBinaryData changed = book_write(formula, &other, &record);
	struct answer answer = franchise_one(formula, store, action_local_access(formula, &other, &changed, 1));
	/* twice: the record, and the end */
	assert_int_equal(findings_of(&answer), FINDING_REWRITTEN);
	(void)good;
	/* an end before what was committed to, by a request that acknowledges a later entry than the commitment's */
	struct book none = {0};
	formula->now_ms += 1000;
	franchise_customer(formula, "1=4799|2=Zoe");
	franchise_one(formula, store, action_sync(formula, "service", 0, 10));
	answer = franchise_must(formula, store, action_lease(formula, "service", &none));
	assert_true(answer.result->has_findings);
	assert_int_equal(answer.result->findings, FINDING_REWRITTEN);
	assert_int_equal(found(), 2);
}

/* The records are in order, but the journal is said to end before them. */
static void test_an_end_before_what_was_taken(void **state)
{
	Kluis__JournalRecord record = next();
	struct book first;

	(void)state;
	upload_one(&record);
	first = book;
	record = next();
	ProtobufCBinaryData encoded = book_write(formula, &book, &record);
	struct answer answer = franchise_one(formula, store, action_local_access(formula, &first, &encoded, 1));
	assert_int_equal(findings_of(&answer), FINDING_REWRITTEN);
	answer = franchise_must(formula, &formula->office, action_findings(formula));
	assert_int_equal(answer_items(&answer, 0), 1);
	assert_int_equal(answer_finding(formula, &answer, 0)->number, 1);
}

/* Whatever became of its agreement, a store tells what its staff read. */
static void test_taken_without_an_agreement(void **state)
{
	(void)state;
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	Kluis__JournalRecord record = next();
	struct answer answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	record = next();
	record.code = ERR_TERMINATED;
	record.has_version = record.has_fields = record.has_grant = record.has_entry = 0;
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
	struct party *other = franchise_store(formula, 13, NULL);
	struct book none = {0};
	record = book_next(formula, &none, other, customer, 3);
	ProtobufCBinaryData encoded = book_write(formula, &none, &record);
	answer = franchise_one(formula, other, action_local_access(formula, &none, &encoded, 1));
	assert_int_equal(findings_of(&answer), 0); /* a journal of its own */
}

/* One record that is none spoils the upload: nothing is taken. */
static void test_what_is_no_record(void **state)
{
	Kluis__JournalRecord record = next();
	ProtobufCBinaryData records[2];
	struct book before = book;

	(void)state;
	records[0] = book_write(formula, &book, &record);
	record = next();
	record.has_entry = 0;
	records[1] = book_write(formula, &book, &record);
	struct answer answer = franchise_one(formula, store, action_local_access(formula, &book, records, 2));
	assert_int_equal(answer.code, ERR_INPUT);
	assert_false(answer.result->has_findings || answer.result->has_cursor);
	records[1] = wire_data(slice_text("what is this?"));
	answer = franchise_one(formula, store, action_local_access(formula, &book, records, 2));
	assert_int_equal(answer.code, ERR_INPUT);
	book = before;
	record = next();
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
}

/* After a restart the broker knows where the journal stood. */
static void test_the_position_is_kept(void **state)
{
	Kluis__JournalRecord record = next();

	(void)state;
	upload_one(&record);
	franchise_restart(formula);
	record = next();
	struct answer answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), 0);
	record = next();
	record.number += 5;
	answer = upload_one(&record);
	assert_int_equal(findings_of(&answer), FINDING_GAP);
}

/* Sent again, it is not judged again. */
static void test_sent_again(void **state)
{
	Kluis__JournalRecord record = next();
	struct answer first = upload_one(&record);
	struct answer again = franchise_resend(formula, store);

	(void)state;
	assert_true(again.reply->index == first.reply->index);
	assert_int_equal(findings_of(&again), 0);
	assert_int_equal(found(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_records_in_order_are_taken),
		TEST(test_what_is_odd_is_found),
		TEST(test_trees_that_the_log_was),
		TEST(test_a_record_older_than_what_it_saw),
		TEST(test_reading_after_the_lease),
		TEST(test_what_a_lease_committed_to),
		TEST(test_an_end_before_what_was_taken),
		TEST(test_taken_without_an_agreement),
		TEST(test_what_is_no_record),
		TEST(test_the_position_is_kept),
		TEST(test_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
