/*
 * What a store's staff read from its copy (FORMAT.md R123 to R126): always taken, each record judged by where the
 * journal stood, by the log that it says it saw, and by the lease.
 */
#include <string.h>

#include "core/copies.h"
#include "core/core.h"
#include "core/request.h"

/* A tree that a record says it saw: neighbours mostly saw the same one. */
struct seen_tree {
	uint64_t size;
	bool is_there;	  /* as many entries are in the log */
	struct hash root; /* of them, and */
	uint64_t last_ms; /* when the last one was made */
};

/* size is not 0. */
static enum err read_tree(struct context *context, uint64_t size, struct seen_tree *ret_tree)
{
	struct seen_tree tree = {.size = size};
	enum err err = ledger_root_at(&core_ledger_tables, context->view->txn, size, &tree.root);

	if (err == ERR_OK)
		err = copies_entry_ms(context, size - 1, &tree.last_ms);
	tree.is_there = err == ERR_OK;
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	*ret_tree = tree;
	return ERR_OK;
}

static enum err find_tree(struct context *context, const Kluis__JournalRecord *record, struct seen_tree *tree,
			  struct journal_facts *facts)
{
	if (record->seen_size == 0) {
		facts->is_tree_known = journal_saw_nothing(record);
		return ERR_OK;
	}
	if (record->seen_size != tree->size)
		TRY(read_tree(context, record->seen_size, tree));
	facts->is_tree_known =
		tree->is_there && slice_equal(wire_slice(record->seen_root), SLICE_ARRAY(tree->root.bytes));
	facts->tree_ms = facts->is_tree_known ? tree->last_ms : 0;
	return ERR_OK;
}

static enum err judge(struct context *context, const Kluis__JournalRecord *record, struct slice encoded,
		      struct journal_position *position, struct seen_tree *tree)
{
	struct journal_facts facts = {.entry_ms = context->time_ms};
	Rows__Holding holding;
	struct hash hash;
	uint32_t store = context->envelope->principal.store;

	TRY(find_tree(context, record, tree, &facts));
	TRY(copies_holding(context, store, slice_text(record->purpose), &holding));
	facts.lease_until_ms = holding.until_ms;
	journal_record_hash(encoded, &hash);
	uint32_t findings = journal_judge(position, record, &hash, &facts);
	journal_advance(position, record, &hash, copies_second_ms(context));
	context->result->findings |= findings;
	return copies_add_finding(context, findings, record->number);
}

static enum err judge_all(struct context *context, const Kluis__JournalRecord *const *records)
{
	const Kluis__LocalAccess *access = context->operation->local_access;
	uint32_t store = context->envelope->principal.store;
	struct seen_tree tree = {.size = 0};
	struct journal_position position;
	struct journal_request request;

	TRY(copies_request(context, &request));
	TRY(copies_journal(context, store, &position));
	for (size_t i = 0; i < access->n_records; i++)
		TRY(judge(context, records[i], wire_slice(access->records[i]), &position, &tree));
	request.brings = records[access->n_records - 1]->number;
	uint32_t findings = journal_commit(&position, access->end, &request);
	context->result->findings |= findings;
	TRY(copies_add_finding(context, findings, access->end->number));
	return copies_put_journal(context, store, &position);
}

enum err handle_local_access(struct context *context)
{
	const Kluis__LocalAccess *access = context->operation->local_access;
	const Kluis__JournalRecord **records = arena_array(context->arena, access->n_records, sizeof *records);

	if (records == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < access->n_records; i++) {
		enum err err = journal_record_decode(wire_slice(access->records[i]), context->arena, &records[i], NULL);
		if (err == ERR_INPUT)
			return refuse(context, ERR_INPUT, NULL);
		TRY(err);
	}
	context->result->has_findings = context->result->has_cursor = 1;
	context->result->cursor = records[access->n_records - 1]->number;
	return judge_all(context, records);
}
