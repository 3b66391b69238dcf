/*
 * Reading the log: FORMAT.md R117. Each of these is itself an entry.
 */
#include <string.h>

#include "core/core.h"
#include "core/request.h"

static enum err latest_checkpoint(struct context *context, struct slice *ret_note, struct checkpoint *ret_checkpoint)
{
	TRY(ledger_checkpoint(&core_ledger_tables, context->view->txn, ret_note));
	return parse_checkpoint(*ret_note, ret_checkpoint);
}

enum err handle_get_checkpoint(struct context *context)
{
	struct slice note;
	enum err err = ledger_checkpoint(&core_ledger_tables, context->view->txn, &note);

	if (err == ERR_NOT_FOUND)
		return refuse(context, ERR_NOT_FOUND, NULL);
	TRY(err);
	return context_add_item(context, note);
}

enum err handle_read_log(struct context *context)
{
	const Kluis__ReadLog *read = context->operation->read_log;
	struct slice entry;
	uint64_t size;
	size_t bytes = 0;

	TRY(ledger_size_at(&core_ledger_tables, context->view->txn, &size));
	if (read->from >= read->size || read->size > size)
		return refuse(context, ERR_NOT_FOUND, NULL);
	for (uint64_t i = read->from; i < read->size && i - read->from < DATA_ITEMS_MAX; i++) {
		TRY(ledger_entry(&core_ledger_tables, context->view->txn, i, &entry));
		bytes += entry.length + 8;
		if (bytes > LOG_PAGE_BYTES)
			break;
		TRY(context_add_item(context, entry));
	}
	return ERR_OK;
}

/* A store is shown the place of its own entries only. */
static enum err may_prove(struct context *context, uint64_t index)
{
	struct slice bytes;
	struct entry entry;
	struct fault fault = {""};

	if (context->envelope->principal.kind != PRINCIPAL_STORE)
		return ERR_OK;
	TRY(ledger_entry(&core_ledger_tables, context->view->txn, index, &bytes));
	if (entry_open(bytes, context->arena, &entry, &fault) != ERR_OK)
		return ERR_CORRUPT;
	return strcmp(entry.request->principal, context->envelope->decoded->principal) == 0 ? ERR_OK : ERR_FORBIDDEN;
}

static enum err prove(struct context *context, uint64_t index)
{
	struct slice note;
	struct checkpoint checkpoint;
	struct merkle_proof proof;
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, PAPER_MAX);
	TRY(latest_checkpoint(context, &note, &checkpoint));
	if (index >= checkpoint.size)
		return ERR_NOT_FOUND;
	TRY(may_prove(context, index));
	TRY(ledger_prove_inclusion(&core_ledger_tables, context->view->txn, index, checkpoint.size, &proof));
	TRY(tlog_proof_print(index, &proof, note, &text));
	return context_add_item(context, bytes_slice(&text));
}

enum err handle_prove(struct context *context)
{
	enum err err = prove(context, context->operation->prove->index);

	if (err == ERR_NOT_FOUND || err == ERR_FORBIDDEN)
		return refuse(context, err, NULL);
	return err;
}
