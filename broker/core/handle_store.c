#include <string.h>

#include "core/handler.h"

/* Census rows in one answer; more stores than that are asked for by Agreements, one at a time. */
#define CENSUS_ROWS_MAX 2000

/* FORMAT.md R102. */
enum err handle_open_store(struct context *context)
{
	const Kluis__OpenStore *open = context->operation->open_store;
	Rows__Store *row;
	uint8_t place[4];

	enum err err = store_row_get(context, open->store, &row);
	if (err == ERR_NOT_FOUND) {
		row = arena_alloc(context->arena, sizeof *row);
		if (row == NULL)
			return ERR_MEMORY;
		rows__store__init(row);
	} else {
		TRY(err);
		context->result->is_unchanged =
			strcmp(row->name, open->name) == 0 && strcmp(row->country, open->country) == 0;
		context->result->has_is_unchanged = context->result->is_unchanged;
	}
	if (context->result->is_unchanged)
		return ERR_OK;
	row->name = open->name;
	row->country = open->country;
	return row_put(context, TABLE_STORE, store_key(open->store, place), &row->base);
}

/* The agreement that says most about a store's standing. */
static const Rows__Paper *standing_paper(const Rows__Store *row)
{
	return row->current != NULL ? row->current : row->candidate;
}

static enum err has_joined(struct context *context, uint32_t store, bool *ret_has_joined)
{
	char name[PRINCIPAL_MAX + 1];
	ProtobufCMessage *row;

	TRY(principal_store_name(slice_text(context->charter->origin), store, name));
	enum err err = row_get(context, TABLE_PRINCIPAL, slice_text(name), &rows__principal__descriptor, &row);
	*ret_has_joined = err == ERR_OK && !((const Rows__Principal *)row)->is_revoked;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Customers that the store's feed names, whatever their relation. */
static enum err add_census_row(struct context *context, uint32_t store, const Rows__Store *row)
{
	Kluis__CensusRow item = KLUIS__CENSUS_ROW__INIT;
	const Rows__Paper *paper = standing_paper(row);
	bool joined;

	TRY(has_joined(context, store, &joined));
	item.store = store;
	item.name = row->name;
	item.country = row->country;
	item.state = paper == NULL ? AGREEMENT_NONE : paper->state;
	item.has_joined = joined;
	item.has_agreement = paper != NULL;
	if (paper != NULL)
		item.agreement = paper->hash;
	return context_add_message(context, &item.base);
}

enum err handle_census(struct context *context)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	Rows__Store *row;
	size_t rows = 0;

	TRY(store_seek(context->view->txn, TABLE_STORE, SLICE_EMPTY, &cursor));
	while (rows < CENSUS_ROWS_MAX && store_next(cursor, &key, &value)) {
		view_note(context->view, TABLE_STORE, key);
		if (key.length != 4 || wire_decode(&rows__store__descriptor, value, context->arena,
						   (ProtobufCMessage **)(void *)&row) != ERR_OK)
			return ERR_CORRUPT;
		TRY(add_census_row(context, get_u32(key.data), row));
		rows++;
	}
	context->result->has_has_more = rows == CENSUS_ROWS_MAX;
	context->result->has_more = rows == CENSUS_ROWS_MAX;
	return ERR_OK;
}
