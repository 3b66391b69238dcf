/*
 * Head office's lists of stores' copies: which are held, which should be gone, what was odd (FORMAT.md R129, R134).
 */
#include "core/copies.h"
#include "core/papers.h"

/* Rows in one answer; what is to be purged comes first, so that it is never left out for what is not. */
#define ROWS_MAX 4000

static bool has_room(const struct context *context)
{
	return context->data.count < ROWS_MAX && context->arena->used < context->arena->ceiling / 4 * 3;
}

/* R129: why the copy is to be gone, ERR_OK if it is not. */
static enum err read_due(struct context *context, const Kluis__HoldingRow *row, enum err *ret_due)
{
	struct decide_input input = {
		.operation = OPERATION_SYNC, .purpose = slice_text(row->purpose), .time_s = context->time_ms / 1000};
	struct verdict verdict;
	Rows__Store *store;

	TRY(store_row_get(context, row->store, &store));
	if (store->current != NULL) {
		input.state = (enum agreement_state)store->current->state;
		TRY(papers_agreement(context, store->current, &input.agreement, &input.charter));
	}
	decide(&input, &verdict);
	bool is_over = row->until_ms != 0 && row->until_ms < copies_second_ms(context);
	/* R80 to R83: no grant decided */
	bool is_refused = verdict.code != ERR_OK && !verdict.has_grant;
	*ret_due = is_refused ? verdict.code : is_over ? ERR_TIMEOUT : ERR_OK;
	return ERR_OK;
}

static enum err read_row(struct context *context, struct slice key, struct slice value, Kluis__HoldingRow *ret_row)
{
	Rows__Holding *holding;
	struct slice purpose;

	kluis__holding_row__init(ret_row);
	if (!copies_holding_key(key, &ret_row->store, &purpose) ||
	    wire_decode(&rows__holding__descriptor, value, context->arena, (ProtobufCMessage **)(void *)&holding) !=
		    ERR_OK)
		return ERR_CORRUPT;
	ret_row->purpose = arena_text(context->arena, purpose);
	ret_row->since_ms = holding->since_ms;
	ret_row->until_ms = holding->until_ms;
	return ret_row->purpose == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err add_holding(struct context *context, struct slice key, struct slice value, bool is_due)
{
	Kluis__HoldingRow row;
	enum err due;

	TRY(read_row(context, key, value, &row));
	if (row.since_ms == 0) /* a lease, and nothing under it yet */
		return ERR_OK;
	TRY(read_due(context, &row, &due));
	row.due = (uint32_t)due;
	return (due != ERR_OK) == is_due ? context_add_message(context, &row.base) : ERR_OK;
}

static enum err add_holdings(struct context *context, bool is_due)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(context->view->txn, TABLE_HOLDING, SLICE_EMPTY, &cursor));
	while (has_room(context) && store_next(cursor, &key, &value)) {
		view_note(context->view, TABLE_HOLDING, key);
		TRY(add_holding(context, key, value, is_due));
	}
	return store_txn_status(context->view->txn);
}

static void say_whether_more(struct context *context)
{
	context->result->has_has_more = context->result->has_more = !has_room(context);
}

enum err handle_holdings(struct context *context)
{
	TRY(add_holdings(context, true));
	TRY(add_holdings(context, false));
	say_whether_more(context);
	return ERR_OK;
}

enum err handle_findings(struct context *context)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	Kluis__FindingRow row;

	TRY(store_seek(context->view->txn, TABLE_FINDING, SLICE_EMPTY, &cursor));
	while (has_room(context) && store_next(cursor, &key, &value)) {
		view_note(context->view, TABLE_FINDING, key);
		TRY(copies_read_finding(key, value, &row));
		TRY(context_add_message(context, &row.base));
	}
	say_whether_more(context);
	return store_txn_status(context->view->txn);
}
