/*
 * What handlers share: results, lists of a reply, rows.
 */
#include <string.h>

#include "core/handler.h"

/* Room that a reply leaves for the entry and its own frame. */
#define REPLY_FRAME (ENTRY_MAX + 4096)

enum err refuse(struct context *context, enum err code, const char *clause)
{
	context->result->n_disclosures = 0;
	context->result->disclosures = NULL;
	context->result->code = (uint32_t)code;
	context->result->clause = NULL;
	return permit(context, clause);
}

enum err permit(struct context *context, const char *clause)
{
	if (clause == NULL)
		return ERR_OK;
	context->result->clause = arena_text(context->arena, slice_text(clause));
	return context->result->clause == NULL ? ERR_MEMORY : ERR_OK;
}

/* Doubles a list; what it held before stays in the arena. */
static void *list_grown(struct arena *arena, const void *items, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity == 0 ? 16 : *capacity * 2;
	void *place = arena_array(arena, more, size);

	if (place == NULL)
		return NULL;
	if (count > 0)
		memcpy(place, items, count * size);
	*capacity = more;
	return place;
}

/* Encoded around a part's content: the part's own frame, its salt, the content's frame. */
#define PART_FRAME (SALT_SIZE + 16)

/* Parts and data share one reply. What does not fit must be refused now: once the entry stands, nobody would get its
 * answer any more. */
static bool reply_has_room(const struct context *context, size_t size)
{
	return context->parts.bytes + context->data.bytes + size <= MESSAGE_MAX - REPLY_FRAME;
}

enum err context_add_part(struct context *context, Kluis__Part *part)
{
	struct part_list *list = &context->parts;
	size_t size = part->content.len + PART_FRAME;

	if (!reply_has_room(context, size))
		return ERR_TOO_LARGE;
	if (list->count == list->capacity) {
		void *items =
			list_grown(context->arena, list->items, list->count, &list->capacity, sizeof *list->items);
		if (items == NULL)
			return ERR_MEMORY;
		list->items = items;
	}
	list->items[list->count++] = part;
	list->bytes += size;
	return ERR_OK;
}

enum err context_add_item(struct context *context, struct slice item)
{
	struct data_list *list = &context->data;

	if (list->count == DATA_ITEMS_MAX || !reply_has_room(context, item.length + 8))
		return ERR_TOO_LARGE;
	if (list->count == list->capacity) {
		void *items =
			list_grown(context->arena, list->items, list->count, &list->capacity, sizeof *list->items);
		if (items == NULL)
			return ERR_MEMORY;
		list->items = items;
	}
	uint8_t *copy = arena_copy(context->arena, item);
	if (copy == NULL && item.length > 0)
		return ERR_MEMORY;
	list->items[list->count++] = wire_data(SLICE(copy, item.length));
	list->bytes += item.length + 8;
	return ERR_OK;
}

enum err context_add_message(struct context *context, const ProtobufCMessage *item)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	bytes_init(&encoded, MESSAGE_MAX);
	TRY(wire_encode(item, &encoded));
	return context_add_item(context, bytes_slice(&encoded));
}

enum err row_get(struct context *context, enum table table, struct slice key, const ProtobufCMessageDescriptor *type,
		 ProtobufCMessage **ret_row)
{
	struct slice value;

	TRY(view_get(context->view, table, key, &value));
	enum err err = wire_decode(type, value, context->arena, ret_row);
	return err == ERR_INPUT ? ERR_CORRUPT : err;
}

enum err row_put(struct context *context, enum table table, struct slice key, const ProtobufCMessage *row)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&encoded, RECORD_MAX);
	TRY(wire_encode(row, &encoded));
	view_put(context->view, table, key, bytes_slice(&encoded));
	return context->view->status;
}

struct slice store_key(uint32_t store, uint8_t place[static 4])
{
	put_u32(place, store);
	return SLICE(place, 4);
}

enum err store_row_get(struct context *context, uint32_t store, Rows__Store **ret_row)
{
	uint8_t place[4];

	return row_get(context, TABLE_STORE, store_key(store, place), &rows__store__descriptor,
		       (ProtobufCMessage **)(void *)ret_row);
}
