#include "core/received.h"

#include <string.h>

#define RECEIVED_KEY_MAX (PSEUDONYM_SIZE + 4 + NAME_MAX_)

static struct slice received_key(struct slice customer, uint32_t store, struct slice purpose,
				 uint8_t place[static RECEIVED_KEY_MAX])
{
	size_t length = purpose.length < NAME_MAX_ ? purpose.length : NAME_MAX_;

	memcpy(place, customer.data, PSEUDONYM_SIZE);
	put_u32(place + PSEUDONYM_SIZE, store);
	if (length > 0)
		memcpy(place + PSEUDONYM_SIZE + 4, purpose.data, length);
	return SLICE(place, PSEUDONYM_SIZE + 4 + length);
}

static enum err read_row(struct context *context, struct slice key, uint64_t *ret_since_ms)
{
	struct slice value;

	TRY(view_get(context->view, TABLE_RECEIVED, key, &value));
	if (value.length != 8)
		return ERR_CORRUPT;
	*ret_since_ms = get_u64(value.data);
	return ERR_OK;
}

enum err received_put(struct context *context, struct slice customer, struct slice purpose, uint64_t since_ms)
{
	uint8_t place[RECEIVED_KEY_MAX], value[8];
	struct slice key = received_key(customer, context->envelope->principal.store, purpose, place);
	uint64_t before_ms;
	enum err err = read_row(context, key, &before_ms);

	if (err == ERR_OK && before_ms == since_ms)
		return ERR_OK;
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	put_u64(value, since_ms);
	view_put(context->view, TABLE_RECEIVED, key, SLICE_ARRAY(value));
	return context->view->status;
}

enum err received_is_there(struct context *context, struct slice customer, uint32_t store, struct slice purpose,
			   bool *ret_is_there)
{
	uint8_t place[RECEIVED_KEY_MAX];
	uint64_t since_ms;
	Rows__Holding holding;
	enum err err = read_row(context, received_key(customer, store, purpose, place), &since_ms);

	*ret_is_there = false;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	TRY(copies_holding(context, store, purpose, &holding));
	*ret_is_there = holding.has_since_ms && holding.since_ms == since_ms;
	return ERR_OK;
}

enum err received_drop(struct context *context, struct slice customer, uint32_t store, struct slice purpose)
{
	uint8_t place[RECEIVED_KEY_MAX];

	view_delete(context->view, TABLE_RECEIVED, received_key(customer, store, purpose, place));
	return context->view->status;
}

static enum err visit_row(struct context *context, struct slice key, received_fn *visit, void *visitor)
{
	struct slice customer = slice_part(key, 0, PSEUDONYM_SIZE);
	struct slice purpose = slice_part(key, PSEUDONYM_SIZE + 4, key.length);
	Rows__Holding holding;
	bool is_there;

	if (purpose.length == 0 || purpose.length > NAME_MAX_)
		return ERR_CORRUPT;
	uint32_t store = get_u32(key.data + PSEUDONYM_SIZE);
	TRY(received_is_there(context, customer, store, purpose, &is_there));
	if (!is_there)
		return ERR_OK;
	TRY(copies_holding(context, store, purpose, &holding));
	return visit(visitor, store, purpose, &holding);
}

enum err received_each(struct context *context, struct slice customer, received_fn *visit, void *visitor)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(context->view->txn, TABLE_RECEIVED, customer, &cursor));
	while (store_next(cursor, &key, &value) && slice_equal(slice_part(key, 0, PSEUDONYM_SIZE), customer)) {
		uint8_t *copy = arena_copy(context->arena, key);

		if (copy == NULL)
			return ERR_MEMORY;
		TRY(visit_row(context, SLICE(copy, key.length), visit, visitor));
	}
	return store_txn_status(context->view->txn);
}
