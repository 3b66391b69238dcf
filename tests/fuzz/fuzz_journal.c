/* Records of a store's journal, one after another as u16 length || record: what is taken encodes again to the same
 * bytes; what was just taken is not taken for new; and findings are always bits that have a name. */
#include <stdlib.h>
#include <string.h>

#include "kluis/journal.h"
#include "kluis/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static uint32_t all_findings(void)
{
	size_t count;
	const struct finding_row *rows = finding_rows(&count);
	uint32_t all = 0;

	for (size_t i = 0; i < count; i++)
		all |= rows[i].bit;
	return all;
}

static void check_encoding(const Kluis__JournalRecord *record, struct slice expected)
{
	struct bytes again CLEANUP(bytes_fini) = {0};

	bytes_init(&again, JOURNAL_RECORD_MAX);
	check(journal_record_encode(record, &again, NULL) == ERR_OK);
	check(slice_equal(bytes_slice(&again), expected));
}

static void check_judgement(struct journal_position *position, const Kluis__JournalRecord *record, struct slice encoded)
{
	struct journal_facts facts = {.entry_ms = position->time_ms,
				      .is_tree_known = journal_saw_nothing(record),
				      .tree_ms = position->after_ms,
				      .lease_until_ms = position->time_ms};
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct hash hash;

	bytes_init(&text, 1000);
	journal_record_hash(encoded, &hash);
	uint32_t findings = journal_judge(position, record, &hash, &facts);
	check((findings & ~all_findings()) == 0);
	check(findings_print(findings, &text) == ERR_OK && (findings == 0) == (text.length == 0));
	uint64_t before = position->number;
	journal_advance(position, record, &hash, record->time_ms);
	check(position->number >= before);
	check((journal_judge(position, record, &hash, &facts) & FINDING_REWRITTEN) != 0);
}

static void check_end(struct journal_position *position, const Kluis__JournalRecord *record)
{
	struct journal_request request = {.entry_ms = record->time_ms,
					  .acknowledged_ms = record->fields,
					  .time_ms = record->seen_size,
					  .brings = record->field};
	Kluis__JournalEnd end = KLUIS__JOURNAL_END__INIT;
	struct hash hash = position->hash;

	end.number = position->number + record->version % 3;
	end.hash = wire_data(SLICE_ARRAY(hash.bytes));
	uint64_t after_ms = position->after_ms;
	uint32_t findings = journal_commit(position, &end, &request);
	check((findings & ~(uint32_t)FINDING_REWRITTEN) == 0);
	check(position->after_ms >= after_ms && position->waiting_count <= JOURNAL_COMMITMENTS_MAX);
	check(journal_last(position) >= position->number);
	for (size_t i = 0; i < position->waiting_count; i++)
		check(position->waiting[i].number > (i == 0 ? position->number : position->waiting[i - 1].number));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct journal_position position = {.number = 0};
	struct reader reader = reader_of(SLICE(data, size));
	struct slice encoded;

	arena_init(&arena, (size_t)4 << 20);
	while (bundle_next(&reader, &encoded)) {
		const Kluis__JournalRecord *record;
		struct fault fault = {""};
		enum err err = journal_record_decode(encoded, &arena, &record, &fault);

		if (err != ERR_OK) {
			check(fault.text[0] != '\0' || err == ERR_MEMORY || arena.is_full);
			continue;
		}
		check_encoding(record, encoded);
		check_judgement(&position, record, encoded);
		check_end(&position, record);
	}
	return 0;
}
