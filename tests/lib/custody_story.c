#include "custody_story.h"

#include "action.h"

void custody_begin(struct custody_story *story)
{
	struct book none = {0};

	*story = (struct custody_story){.formula = franchise_new(NULL)};
	story->store = franchise_store(story->formula, 12, CUSTODY_GRANT);
	story->anna = franchise_customer(story->formula, "1=1001|2=Anna");
	story->bert = franchise_customer(story->formula, "1=1002|2=Bert");
	franchise_must(story->formula, story->store, action_lease(story->formula, "service", &none));
	struct answer answer =
		franchise_must(story->formula, story->store, action_sync(story->formula, "service", 0, 10));
	story->copied = answer.reply->index;
}

void custody_end(struct custody_story *story)
{
	franchise_free(&story->formula);
}

Kluis__JournalRecord custody_record(struct custody_story *story)
{
	return book_next(story->formula, &story->book, story->store, story->anna, story->copied);
}

void custody_see(struct custody_story *story, Kluis__JournalRecord *record)
{
	struct franchise *formula = story->formula;
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

struct answer custody_upload(struct custody_story *story, const Kluis__JournalRecord *record)
{
	ProtobufCBinaryData encoded = book_write(story->formula, &story->book, record);

	return franchise_one(story->formula, story->store,
			     action_local_access(story->formula, &story->book, &encoded, 1));
}

void custody_audit(struct custody_story *story, struct finding_lines *ret_lines)
{
	struct audit_log *log = audit_log_of(story->formula);

	audit_log_check(log, ret_lines);
	audit_log_free(&log);
}
