/*
 * A master key of another epoch, and all rows under it (FORMAT.md R143). How far that is stands in the meta table: a
 * killed rotation goes on there, and nobody can say that it is through before it is.
 */
#include <string.h>

#include "kluis/hash.h"
#include "vault/keys.h"
#include "vault/master.h"

#define META_REWRAPPING "vault/rewrapping"
#define REWRAP_MAX 1000 /* rows of a page: what is written while the writer waits for it */

/* ---- what is sealed under master keys: a row a table ---- */

/* Decodes the row, and if it is under an older epoch puts it anew. */
typedef enum err reseal_fn(struct context *context, uint32_t newest, struct slice key, struct slice value,
			   bool *ret_is_resealed);

static enum err decode(struct context *context, const ProtobufCMessageDescriptor *type, struct slice value, void *row)
{
	enum err err = wire_decode(type, value, context->arena, (ProtobufCMessage **)row);

	return err == ERR_INPUT ? ERR_CORRUPT : err;
}

static enum err reseal_customer(struct context *context, uint32_t newest, struct slice key, struct slice value,
				bool *ret_is_resealed)
{
	Rows__Customer *row;
	uint8_t *own_key;

	TRY(decode(context, &rows__customer__descriptor, value, &row));
	*ret_is_resealed = row->epoch != newest;
	if (!*ret_is_resealed)
		return ERR_OK;
	TRY(key_unwrap(context, key, row->epoch, wire_slice(row->wrapped_key), &own_key));
	TRY(key_wrap(context, key, own_key, &row->epoch, &row->wrapped_key));
	return row_put(context, TABLE_CUSTOMER, key, &row->base);
}

/* Their names. */
static enum err reseal_employee(struct context *context, uint32_t newest, struct slice key, struct slice value,
				bool *ret_is_resealed)
{
	Rows__Employee *row;
	struct bytes name;

	TRY(decode(context, &rows__employee__descriptor, value, &row));
	uint32_t epoch = row->has_epoch ? row->epoch : 1;
	*ret_is_resealed = row->has_sealed_name && epoch != newest;
	if (!*ret_is_resealed)
		return ERR_OK;
	TRY(master_unseal(context, epoch, key, wire_slice(row->sealed_name), &name));
	row->has_epoch = 1;
	TRY(master_seal(context, key, bytes_slice(&name), &row->epoch, &row->sealed_name));
	return row_put(context, TABLE_EMPLOYEE, key, &row->base);
}

/* What stores told of incidents and data subjects' requests. */
static enum err reseal_notice(struct context *context, uint32_t newest, struct slice key, struct slice value,
			      bool *ret_is_resealed)
{
	Rows__Notice *row;
	struct bytes text;

	TRY(decode(context, &rows__notice__descriptor, value, &row));
	*ret_is_resealed = row->epoch != newest && row->sealed_text.len > 0;
	if (!*ret_is_resealed)
		return ERR_OK;
	TRY(master_unseal(context, row->epoch, key, wire_slice(row->sealed_text), &text));
	TRY(master_seal(context, key, bytes_slice(&text), &row->epoch, &row->sealed_text));
	return row_put(context, TABLE_NOTICE, key, &row->base);
}

static const struct stage {
	enum table table;
	reseal_fn *reseal;
} stages[] = {
	{TABLE_CUSTOMER, reseal_customer},
	{TABLE_EMPLOYEE, reseal_employee},
	{TABLE_NOTICE, reseal_notice},
};
#define STAGE_COUNT (sizeof stages / sizeof stages[0])

/* The key that customers are found by: one row, with the last page. */
static enum err reseal_lookup_key(struct context *context, uint32_t newest)
{
	struct bytes row;
	struct master master CLEANUP(master_fini) = {{0}};

	TRY(master_of(context->keys, newest, &master));
	TRY(arena_bytes(context->arena, 4 + KEY_SIZE + SEAL_OVERHEAD, &row));
	TRY(lookup_key_row(master.key, newest, context->vault->lookup_key, &row));
	view_put(context->view, TABLE_META, slice_text(VAULT_META_LOOKUP), bytes_slice(&row));
	return context->view->status;
}

/* ---- where it stands ---- */

static enum err get_progress(struct context *context, uint32_t newest, Rows__Rewrapping **ret_progress)
{
	ProtobufCMessage *row;
	enum err err = row_get(context, TABLE_META, slice_text(META_REWRAPPING), &rows__rewrapping__descriptor, &row);

	if (err == ERR_OK && ((Rows__Rewrapping *)row)->epoch == newest) {
		*ret_progress = (Rows__Rewrapping *)row;
		return ERR_OK;
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	Rows__Rewrapping *fresh = arena_alloc(context->arena, sizeof *fresh);
	if (fresh == NULL)
		return ERR_MEMORY;
	rows__rewrapping__init(fresh);
	fresh->epoch = newest;
	*ret_progress = fresh;
	return ERR_OK;
}

static enum err put_progress(struct context *context, const Rows__Rewrapping *progress)
{
	return row_put(context, TABLE_META, slice_text(META_REWRAPPING), &progress->base);
}

/* ---- a page ---- */

struct page {
	struct context *context;
	Rows__Rewrapping *progress;
	uint64_t left; /* rows to look at */
	uint64_t resealed;
};

static bool is_full(const struct page *page)
{
	const struct arena *arena = page->context->arena;

	return page->left == 0 || arena->used > arena->ceiling / 4 * 3;
}

static enum err take_row(struct page *page, const struct stage *stage, struct slice key, struct slice value)
{
	bool is_resealed;

	view_note(page->context->view, stage->table, key);
	TRY(stage->reseal(page->context, page->progress->epoch, key, value, &is_resealed));
	uint8_t *copy = arena_copy(page->context->arena, key);
	if (copy == NULL)
		return ERR_MEMORY;
	page->progress->after = wire_data(SLICE(copy, key.length));
	page->resealed += is_resealed;
	page->left--;
	return ERR_OK;
}

/* Goes on in the stage's table; ret_is_through when it came to its end. Rows that come in behind it are under the
 * newest epoch anyway. */
static enum err walk(struct page *page, const struct stage *stage, struct store_cursor **cursor, bool *ret_is_through)
{
	struct slice key, value, after = wire_slice(page->progress->after);

	TRY(store_seek(page->context->view->txn, stage->table, after, cursor));
	while (!is_full(page)) {
		if (!store_next(*cursor, &key, &value)) {
			*ret_is_through = true;
			break;
		}
		if (!slice_equal(key, after))
			TRY(take_row(page, stage, key, value));
	}
	return store_txn_status(page->context->view->txn);
}

static enum err walk_stage(struct page *page)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	bool is_through = false;

	TRY(walk(page, &stages[page->progress->stage], &cursor, &is_through));
	if (is_through) {
		page->progress->stage++;
		page->progress->after = wire_data(SLICE_EMPTY);
	}
	return ERR_OK;
}

static enum err rewrap(struct context *context, struct page *page)
{
	struct epochs epochs;

	TRY(epochs_get(context, &epochs));
	TRY(get_progress(context, epochs.newest, &page->progress));
	page->context = context;
	while (!page->progress->is_done && !is_full(page)) {
		if (page->progress->stage < STAGE_COUNT) {
			TRY(walk_stage(page));
			continue;
		}
		TRY(reseal_lookup_key(context, epochs.newest));
		page->progress->is_done = true;
	}
	return put_progress(context, page->progress);
}

enum err handle_rewrap(struct context *context)
{
	uint64_t count = context->operation->rewrap->count;
	struct page page = {.left = count < REWRAP_MAX ? count : REWRAP_MAX};

	TRY(rewrap(context, &page));
	context->result->has_rows = 1;
	context->result->rows = page.resealed;
	context->result->has_has_more = 1;
	context->result->has_more = !page.progress->is_done;
	return ERR_OK;
}

/* ---- epochs ---- */

static enum err unchanged(struct context *context)
{
	context->result->has_is_unchanged = 1;
	context->result->is_unchanged = true;
	return ERR_OK;
}

static enum err begin_epoch(struct context *context, struct epochs epochs)
{
	uint32_t epoch = context->operation->master_key->epoch;

	if (epoch == epochs.newest)
		return unchanged(context);
	if (epoch != epochs.newest + 1 || epochs.oldest != epochs.newest)
		return refuse(context, ERR_STATE, NULL);
	epochs.newest = epoch;
	enum err err = epochs_put(context, &epochs);
	return err == ERR_NOT_FOUND ? refuse(context, ERR_NOT_FOUND, NULL) : err;
}

static enum err end_older(struct context *context, struct epochs epochs)
{
	Rows__Rewrapping *progress;

	if (context->operation->master_key->epoch != epochs.newest)
		return refuse(context, ERR_STATE, NULL);
	if (epochs.oldest == epochs.newest)
		return unchanged(context);
	TRY(get_progress(context, epochs.newest, &progress));
	if (!progress->is_done)
		return refuse(context, ERR_STATE, NULL);
	epochs.oldest = epochs.newest;
	view_delete(context->view, TABLE_META, slice_text(META_REWRAPPING));
	return epochs_put(context, &epochs);
}

enum err handle_master_key(struct context *context)
{
	struct epochs epochs;

	TRY(epochs_get(context, &epochs));
	return context->operation->master_key->action == 1 ? begin_epoch(context, epochs) : end_older(context, epochs);
}
