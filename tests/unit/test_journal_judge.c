/* What is odd about a journal: FORMAT.md R125, R126. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/journal.h"
#include "sample.h"

/* The journal stands at record 7, committed to record 9 at second 4900; the record comes at second 5010, has seen a
 * tree that ended at second 4990, and its lease ends at second 6000. */
struct judged {
	const char *what;
	/* of the record, where it is not sample_record's */
	uint64_t number, time_ms, seen_size;
	bool has_other_before, has_commitments_hash;
	/* of what it is judged by */
	uint64_t committed_number, lease_until_ms, tree_ms;
	bool is_tree_unknown;
	uint32_t findings;
};

static const struct judged judged[] = {
	{"in order", 8, 5000000, 40, false, false, 6, 6000000, 4990000, false, 0},
	{"the first one seen", 8, 5000000, 30, false, false, 7, 0, 4990000, false, 0},
	{"one is missing", 9, 5000000, 40, true, false, 7, 6000000, 4990000, false, FINDING_GAP},
	{"the same number again", 7, 5000000, 40, false, false, 6, 6000000, 4990000, false, FINDING_REWRITTEN},
	{"an older number", 3, 4990000, 10, true, false, 6, 6000000, 4990000, false, FINDING_REWRITTEN},
	{"another record before", 8, 5000000, 40, true, false, 6, 6000000, 4990000, false, FINDING_REWRITTEN},
	{"what was committed to", 8, 5000000, 40, false, true, 8, 6000000, 4990000, false, 0},
	{"not what was committed to", 8, 5000000, 40, false, false, 8, 6000000, 4990000, false, FINDING_REWRITTEN},
	{"not what was committed to, after a gap", 9, 5000000, 40, true, false, 9, 0, 0, false,
	 FINDING_GAP | FINDING_REWRITTEN},
	{"as old as the one before", 8, 4950000, 40, false, false, 6, 6000000, 4990000, false, 0},
	{"older than the one before", 8, 4949999, 40, false, false, 6, 6000000, 4990000, false, FINDING_DISORDER},
	{"saw less than the one before", 8, 5000000, 29, false, false, 6, 6000000, 4990000, false, FINDING_DISORDER},
	{"60 s before the commitment", 8, 4840000, 40, false, false, 7, 0, 0, false, FINDING_DISORDER},
	{"61 s before the commitment", 8, 4839999, 40, false, false, 7, 0, 0, false,
	 FINDING_DISORDER | FINDING_BACKDATED},
	{"long before the commitment that covers it", 8, 4000000, 40, false, false, 9, 0, 0, false, FINDING_DISORDER},
	{"60 s before the tree", 8, 5000000, 40, false, false, 6, 0, 5060000, false, 0},
	{"61 s before the tree", 8, 5000000, 40, false, false, 6, 0, 5061000, false, FINDING_BACKDATED},
	{"60 s after the entry", 8, 5070999, 40, false, false, 6, 0, 4990000, false, 0},
	{"61 s after the entry", 8, 5071000, 40, false, false, 6, 0, 4990000, false, FINDING_FUTURE},
	{"at the lease's end", 8, 5000000, 40, false, false, 6, 5000000, 4990000, false, 0},
	{"after the lease's end", 8, 5000000, 40, false, false, 6, 4999000, 4990000, false, FINDING_LATE},
	{"a tree that is not there", 8, 5000000, 40, false, false, 6, 0, 0, true, FINDING_UNKNOWN_TREE},
};

static uint32_t judge(const struct judged *row)
{
	static const struct hash other = {.bytes = {1}};
	static uint8_t other_before[HASH_SIZE] = {2};
	struct journal_position position = {.number = 7,
					    .time_ms = 4950000,
					    .seen_size = 30,
					    .committed_number = row->committed_number,
					    .committed_ms = 4900000};
	struct journal_facts facts = {.entry_ms = 5010000,
				      .is_tree_known = !row->is_tree_unknown,
				      .tree_ms = row->tree_ms,
				      .lease_until_ms = row->lease_until_ms};
	Kluis__JournalRecord record = sample_record();

	record.number = row->number;
	record.time_ms = row->time_ms;
	record.seen_size = row->seen_size;
	if (row->has_other_before)
		record.before = wire_data(SLICE_ARRAY(other_before));
	if (row->has_commitments_hash)
		position.committed_hash = other;
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

static void test_journal_advance(void **state)
{
	struct journal_position position = {.number = 7, .committed_number = 5, .committed_ms = 1};
	struct hash hash = {.bytes = {1}};
	Kluis__JournalRecord record = sample_record();

	(void)state;
	journal_advance(&position, &record, &hash);
	assert_int_equal(position.number, 8);
	assert_int_equal(position.hash.bytes[0], 1);
	assert_int_equal(position.time_ms, 5000000);
	assert_int_equal(position.seen_size, 40);
	assert_int_equal(position.committed_number, 5);
	hash.bytes[0] = 2;
	record.time_ms++;
	journal_advance(&position, &record, &hash); /* the same number: the first one stands */
	assert_int_equal(position.hash.bytes[0], 1);
	assert_int_equal(position.time_ms, 5000000);
}

static void test_journal_commit(void **state)
{
	static const struct {
		uint64_t number;
		uint8_t hash;
		uint32_t findings;
	} rows[] = {
		{10, 9, 0},		   /* further on */
		{9, 3, 0},		   /* where it was */
		{9, 4, FINDING_REWRITTEN}, /* but another record there */
		{8, 9, FINDING_REWRITTEN}, /* before the last commitment */
		{7, 2, FINDING_REWRITTEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct journal_position position = {
			.number = 7, .hash = {.bytes = {2}}, .committed_number = 9, .committed_hash = {.bytes = {3}}};
		struct hash hash = {.bytes = {rows[i].hash}};
		Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;

		end.number = rows[i].number;
		end.hash = wire_data(SLICE_ARRAY(hash.bytes));
		assert_int_equal(journal_commit(&position, &end, 77), rows[i].findings);
		assert_int_equal(position.committed_number, rows[i].number);
		assert_int_equal(position.committed_hash.bytes[0], rows[i].hash);
		assert_int_equal(position.committed_ms, 77);
		assert_int_equal(position.number, 7);
	}
}

/* An end before, or another than, what was taken, though no commitment says so. */
static void test_journal_commit_behind_what_was_taken(void **state)
{
	struct journal_position position = {.number = 7, .hash = {.bytes = {2}}};
	struct hash hash = {.bytes = {2}};
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;

	(void)state;
	end.hash = wire_data(SLICE_ARRAY(hash.bytes));
	end.number = 7;
	assert_int_equal(journal_commit(&position, &end, 1), 0);
	position.committed_number = 0;
	hash.bytes[0] = 3;
	assert_int_equal(journal_commit(&position, &end, 1), FINDING_REWRITTEN);
	position.committed_number = 0;
	end.number = 6;
	assert_int_equal(journal_commit(&position, &end, 1), FINDING_REWRITTEN);
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
		cmocka_unit_test(test_journal_commit_behind_what_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
