#include "custody_story.h"

#include "action.h"

void custody_begin(struct custody_story *custody)
{
	struct book none = {0};

	*custody = (struct custody_story){.formula = franchise_new(NULL)};
	custody->store = franchise_store(custody->formula, 12, CUSTODY_GRANT);
	custody->anna = franchise_customer(custody->formula, "1=1001|2=Anna");
	custody->bert = franchise_customer(custody->formula, "1=1002|2=Bert");
	franchise_must(custody->formula, custody->store, action_lease(custody->formula, "service", &none));
	struct answer answer =
		franchise_must(custody->formula, custody->store, action_sync(custody->formula, "service", 0, 10));
	custody->copied = answer.reply->index;
}

void custody_end(struct custody_story *custody)
{
	franchise_free(&custody->formula);
}

Kluis__JournalRecord custody_record(struct custody_story *custody)
{
	return book_next(custody->formula, &custody->book, custody->store, custody->anna, custody->copied);
}

void custody_see(struct custody_story *custody, Kluis__JournalRecord *record)
{
	struct franchise *formula = custody->formula;
	struct frontier frontier = {.size = 0};
	uint64_t size = core_size(formula->core);
	struct answer log = franchise_must(formula, &formula->office, action_read_log(formula, 0, size));
	struct hash hash;

	for (uint64_t i = 0; i < size; i++) {
		merkle_leaf(answer_item(&log, 0, i), &hash);
		frontier_append(&frontier, &hash);
	}
	frontier_root(&frontier, &hash);
	record->seen_size = size;
	record->seen_root = wire_data(SLICE(arena_copy(&formula->arena, SLICE_ARRAY(hash.bytes)), HASH_SIZE));
}

struct answer custody_upload(struct custody_story *custody, const Kluis__JournalRecord *record)
{
	ProtobufCBinaryData encoded = book_write(custody->formula, &custody->book, record);

	return franchise_one(custody->formula, custody->store,
			     action_local_access(custody->formula, &custody->book, &encoded, 1));
}

void custody_audit(struct custody_story *custody, struct finding_lines *ret_lines)
{
	struct audit_log *log = audit_log_of(custody->formula);

	audit_log_check(log, ret_lines);
	audit_log_free(&log);
}
