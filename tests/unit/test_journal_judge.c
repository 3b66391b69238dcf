/* What is odd about a journal: FORMAT.md R125, R126. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/journal.h"
#include "sample.h"

static uint8_t thirty_two[HASH_SIZE];

/* The journal stands at record 7; a commitment to it was made after second 4900, one to record wait_number after
 * second 4980. The record comes at second 5010, has seen a tree that ended at second 4990, and its lease ends at
 * second 6000. */
struct judged {
	const char *what;
	/* of the record, where it is not sample_record's */
	uint64_t number, time_ms, seen_size;
	bool has_other_before, is_refused;
	/* of what it is judged by */
	uint64_t wait_number;
	bool has_waits_hash;
	uint64_t lease_until_ms, tree_ms;
	bool is_tree_unknown;
	uint32_t findings;
};

#define SEEN 6000000, 4990000, false
static const struct judged judged[] = {
	{"in order", 8, 5000000, 40, false, false, 0, false, SEEN, 0},
	{"the first one seen", 8, 5000000, 30, false, false, 0, false, 0, 4990000, false, 0},
	{"one is missing", 9, 5000000, 40, true, false, 0, false, SEEN, FINDING_GAP},
	{"the same number again", 7, 5000000, 40, false, false, 0, false, SEEN, FINDING_REWRITTEN},
	{"an older number", 3, 4990000, 10, true, false, 0, false, SEEN, FINDING_REWRITTEN},
	{"another record before", 8, 5000000, 40, true, false, 0, false, SEEN, FINDING_REWRITTEN},
	{"what was committed to", 8, 5000000, 40, false, false, 8, true, SEEN, 0},
	{"not what was committed to", 8, 5000000, 40, false, false, 8, false, SEEN, FINDING_REWRITTEN},
	{"not what was committed to, after a gap", 9, 5000000, 40, true, false, 9, false, 0, 0, false,
	 FINDING_GAP | FINDING_REWRITTEN},
	{"as old as the one before", 8, 4950000, 40, false, false, 0, false, SEEN, 0},
	{"older than the one before", 8, 4949999, 40, false, false, 0, false, SEEN, FINDING_DISORDER},
	{"saw less than the one before", 8, 5000000, 29, false, false, 0, false, SEEN, FINDING_DISORDER},
	{"60 s before the commitment", 8, 4840000, 40, false, false, 0, false, 0, 0, false, FINDING_DISORDER},
	{"61 s before the commitment", 8, 4839999, 40, false, false, 0, false, 0, 0, false,
	 FINDING_DISORDER | FINDING_BACKDATED},
	{"61 s before one that waits for the record before", 9, 4919999, 40, true, false, 8, true, 0, 0, false,
	 FINDING_GAP | FINDING_DISORDER | FINDING_BACKDATED},
	{"60 s before one that waits for the record before", 9, 4920000, 40, true, false, 8, true, 0, 0, false,
	 FINDING_GAP | FINDING_DISORDER},
	{"before the commitment that covers it, not the one before", 8, 4840000, 40, false, false, 9, true, 0, 0, false,
	 FINDING_DISORDER},
	{"before both", 8, 4000000, 40, false, false, 9, true, 0, 0, false, FINDING_DISORDER | FINDING_BACKDATED},
	{"60 s before the tree", 8, 5000000, 40, false, false, 0, false, 0, 5060000, false, 0},
	{"61 s before the tree", 8, 5000000, 40, false, false, 0, false, 0, 5061000, false, FINDING_BACKDATED},
	{"60 s after the entry", 8, 5070999, 40, false, false, 0, false, 0, 4990000, false, 0},
	{"61 s after the entry", 8, 5071000, 40, false, false, 0, false, 0, 4990000, false, FINDING_FUTURE},
	{"at the lease's end", 8, 5000000, 40, false, false, 0, false, 5000000, 4990000, false, 0},
	{"after the lease's end", 8, 5000000, 40, false, false, 0, false, 4999000, 4990000, false, FINDING_LATE},
	{"refused after the lease's end", 8, 5000000, 40, false, true, 0, false, 4999000, 4990000, false, 0},
	{"a tree that is not there", 8, 5000000, 40, false, false, 0, false, 0, 0, true, FINDING_UNKNOWN_TREE},
};

static uint32_t judge(const struct judged *row)
{
	static const struct hash other = {.bytes = {1}};
	static uint8_t other_before[HASH_SIZE] = {2};
	struct journal_position position = {.number = 7, .time_ms = 4950000, .seen_size = 30, .after_ms = 4900000};
	struct journal_facts facts = {.entry_ms = 5010000,
				      .is_tree_known = !row->is_tree_unknown,
				      .tree_ms = row->tree_ms,
				      .lease_until_ms = row->lease_until_ms};
	Kluis__JournalRecord record = sample_record();

	record.number = row->number;
	record.time_ms = row->time_ms;
	record.seen_size = row->seen_size;
	if (row->is_refused)
		record.code = ERR_EXPIRED;
	if (row->has_other_before)
		record.before = wire_data(SLICE_ARRAY(other_before));
	position.waiting_count = row->wait_number > 0;
	position.waiting[0] = (struct journal_commitment){.number = row->wait_number, .made_ms = 4980000};
	if (row->has_waits_hash)
		position.waiting[0].hash = other;
	return journal_judge(&position, &record, &other, &facts);
}

static void test_journal_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
		uint32_t findings = judge(&judged[i]);

		if (findings != judged[i].findings)
			fail_msg("%s: findings %u instead of %u", judged[i].what, findings, judged[i].findings);
	}
}

/* Each bit that a record can have is one that some row above has. */
static void test_journal_judge_every_finding(void **state)
{
	uint32_t seen = FINDING_TWO_PLACES; /* no record's */
	size_t count;
	const struct finding_row *rows = finding_rows(&count);

	(void)state;
	for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++)
		seen |= judged[i].findings;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(seen & rows[i].bit, rows[i].bit);
}

static void test_journal_judge_first_record(void **state)
{
	struct journal_position position = {0};
	struct journal_facts facts = {.entry_ms = 5010000, .is_tree_known = true};
	Kluis__JournalRecord record = sample_record();
	struct hash hash = {.bytes = {1}};

	(void)state;
	record.number = 1;
	assert_int_equal(journal_judge(&position, &record, &hash, &facts), 0);
	record.number = 2;
	assert_int_equal(journal_judge(&position, &record, &hash, &facts), FINDING_GAP);
	record.number = 1;
	record.before = wire_data(SLICE_ARRAY(hash.bytes));
	assert_int_equal(journal_judge(&position, &record, &hash, &facts), FINDING_REWRITTEN);
}

static void test_journal_saw_nothing(void **state)
{
	static uint8_t other[HASH_SIZE] = {2};
	Kluis__JournalRecord record = sample_record();

	(void)state;
	assert_false(journal_saw_nothing(&record));
	record.seen_size = 0;
	assert_true(journal_saw_nothing(&record));
	record.seen_root = wire_data(SLICE_ARRAY(other));
	assert_false(journal_saw_nothing(&record));
}

/* Commitments up to the record that is there now have become one time. */
static void test_journal_advance(void **state)
{
	struct journal_position position = {.number = 7, .after_ms = 1, .waiting_count = 3};
	struct hash hash = {.bytes = {1}};
	Kluis__JournalRecord record = sample_record();

	(void)state;
	position.waiting[0] = (struct journal_commitment){.number = 8, .made_ms = 30};
	position.waiting[1] = (struct journal_commitment){.number = 9, .made_ms = 20};
	position.waiting[2] = (struct journal_commitment){.number = 12, .made_ms = 90};
	record.number = 9;
	journal_advance(&position, &record, &hash, 5010000);
	assert_int_equal(position.number, 9);
	assert_int_equal(position.hash.bytes[0], 1);
	assert_int_equal(position.time_ms, 5000000);
	assert_int_equal(position.seen_size, 40);
	assert_int_equal(position.taken_ms, 5010000);
	assert_int_equal(position.after_ms, 30);
	assert_int_equal(position.waiting_count, 1);
	assert_int_equal(position.waiting[0].number, 12);
	hash.bytes[0] = 2;
	record.time_ms++;
	journal_advance(&position, &record, &hash, 5020000); /* the same number: the first one stands */
	assert_int_equal(position.hash.bytes[0], 1);
	assert_int_equal(position.time_ms, 5000000);
	assert_int_equal(position.taken_ms, 5010000);
}

/* Record 7 was taken at second 50, a commitment to record 9 came at second 60. */
static struct journal_position committed_to_nine(void)
{
	return (struct journal_position){
		.number = 7,
		.hash = {.bytes = {2}},
		.taken_ms = 50000,
		.waiting_count = 1,
		.waiting = {{.number = 9, .hash = {.bytes = {3}}, .made_ms = 40000, .entry_ms = 60000}}};
}

static void test_journal_commit(void **state)
{
	static const struct {
		const char *what;
		uint64_t number;
		uint8_t hash;
		uint64_t acknowledged_ms, brings;
		uint32_t findings;
	} rows[] = {
		{"further on", 10, 9, 0, 0, 0},
		{"where it was", 9, 3, 0, 0, 0},
		{"another record there", 9, 4, 0, 0, FINDING_REWRITTEN},
		{"before the commitment, made before it", 8, 9, 60999, 0, 0},
		{"before the commitment, made after it", 8, 9, 61000, 0, FINDING_REWRITTEN},
		{"at the record taken", 7, 2, 0, 0, 0},
		{"another record than the one taken", 7, 9, 0, 0, FINDING_REWRITTEN},
		{"before the record taken, overtaken", 6, 9, 50999, 0, 0},
		{"before the record taken, made after it", 6, 9, 51000, 0, FINDING_REWRITTEN},
		{"before the records that it comes with", 10, 9, 0, 11, FINDING_REWRITTEN},
		{"at the records that it comes with", 11, 9, 0, 11, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct journal_position position = committed_to_nine();
		struct journal_request request = {
			.entry_ms = 70000, .acknowledged_ms = rows[i].acknowledged_ms, .brings = rows[i].brings};
		struct hash hash = {.bytes = {rows[i].hash}};
		Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;

		end.number = rows[i].number;
		end.hash = wire_data(SLICE_ARRAY(hash.bytes));
		uint32_t findings = journal_commit(&position, &end, &request);
		if (findings != rows[i].findings)
			fail_msg("%s: findings %u instead of %u", rows[i].what, findings, rows[i].findings);
		assert_int_equal(position.number, 7);
		assert_int_equal(journal_last(&position), rows[i].number > 9 ? rows[i].number : 9);
	}
}

/* R125: after what it acknowledges, when the request says, at the latest when it came in. */
static void test_journal_commit_made(void **state)
{
	static const struct {
		uint64_t acknowledged_ms, time_ms, made_ms;
	} rows[] = {{100, 200, 200}, {100, 50, 100}, {0, 50, 50}, {100, 900, 500}, {0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct journal_position position = {.number = 7, .after_ms = 0};
		struct journal_request request = {
			.entry_ms = 500, .acknowledged_ms = rows[i].acknowledged_ms, .time_ms = rows[i].time_ms};
		Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;

		end.hash = wire_data(SLICE_ARRAY(thirty_two));
		end.number = 7;
		assert_int_equal(journal_commit(&position, &end, &request), 0);
		assert_int_equal(position.after_ms, rows[i].made_ms);
		end.number = 8;
		assert_int_equal(journal_commit(&position, &end, &request), 0);
		assert_int_equal(position.waiting[0].made_ms, rows[i].made_ms);
		assert_int_equal(position.waiting[0].entry_ms, 500);
	}
}

/* They come in in any order, each is kept once, and a full list takes no more; then no lease is given. */
static void test_journal_commit_many(void **state)
{
	struct journal_position position = {0};
	struct journal_request request = {.entry_ms = 1000};
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;

	(void)state;
	end.hash = wire_data(SLICE_ARRAY(thirty_two));
	for (uint64_t i = 0; i < 2 * JOURNAL_COMMITMENTS_MAX; i++) {
		assert_int_equal(journal_may_lease(&position, &request), i < JOURNAL_COMMITMENTS_MAX);
		end.number = 1 + (i * 7) % JOURNAL_COMMITMENTS_MAX;
		request.time_ms = i;
		assert_int_equal(journal_commit(&position, &end, &request), 0);
	}
	end.number = 1000;
	assert_int_equal(journal_commit(&position, &end, &request), 0);
	assert_int_equal(position.waiting_count, JOURNAL_COMMITMENTS_MAX);
	for (size_t i = 0; i < JOURNAL_COMMITMENTS_MAX; i++) {
		assert_int_equal(position.waiting[i].number, i + 1);
		assert_true(position.waiting[i].made_ms >= JOURNAL_COMMITMENTS_MAX); /* the later of the two */
	}
	assert_int_equal(journal_last(&position), JOURNAL_COMMITMENTS_MAX);
}

static void test_journal_may_lease(void **state)
{
	struct journal_position position = {.leased_ms = 0};
	struct journal_request request = {.entry_ms = 9000};

	(void)state;
	assert_true(journal_may_lease(&position, &request)); /* the first one acknowledges nothing */
	position.leased_ms = 5000;
	assert_false(journal_may_lease(&position, &request));
	request.acknowledged_ms = 4999;
	assert_false(journal_may_lease(&position, &request));
	request.acknowledged_ms = 5000;
	assert_true(journal_may_lease(&position, &request));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_judge),
		cmocka_unit_test(test_journal_judge_every_finding),
		cmocka_unit_test(test_journal_judge_first_record),
		cmocka_unit_test(test_journal_saw_nothing),
		cmocka_unit_test(test_journal_advance),
		cmocka_unit_test(test_journal_commit),
		cmocka_unit_test(test_journal_commit_made),
		cmocka_unit_test(test_journal_commit_many),
		cmocka_unit_test(test_journal_may_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
