#include "outbox_row.h"

#include <string.h>

#include "kluis/hash.h"

#define ITEM_MAX (REQUEST_MAX + RECORD_MAX + 1024)

struct slice outbox_key(uint64_t number, uint8_t place[static OUTBOX_KEY_SIZE])
{
	put_u64(place, number);
	return SLICE(place, OUTBOX_KEY_SIZE);
}

static enum err encode_head(const struct outbox_item *item, struct bytes *plain)
{
	size_t clause = strlen(item->clause);

	TRY(bytes_append_u8(plain, (uint8_t)item->state));
	TRY(bytes_append_u64(plain, item->time_ms));
	TRY(bytes_append_u8(plain, item->has_employee));
	TRY(bytes_append(plain, SLICE_ARRAY(item->employee)));
	TRY(bytes_append_u32(plain, (uint32_t)item->reason));
	TRY(bytes_append_u64(plain, item->entry));
	TRY(bytes_append_u16(plain, (uint16_t)clause));
	return bytes_append(plain, SLICE(item->clause, clause));
}

enum err outbox_item_seal(const uint8_t key[static KEY_SIZE], const struct outbox_item *item, struct bytes *ret_sealed)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	uint8_t place[OUTBOX_KEY_SIZE];

	bytes_init_secret(&plain, ITEM_MAX);
	if (wire_size(&item->operation->base) > REQUEST_MAX ||
	    (item->part != NULL && item->part->content.len > RECORD_MAX))
		return ERR_TOO_LARGE;
	TRY(encode_head(item, &plain));
	TRY(bytes_append_u32(&plain, (uint32_t)wire_size(&item->operation->base)));
	TRY(wire_encode(&item->operation->base, &plain));
	if (item->part != NULL)
		TRY(wire_encode(&item->part->base, &plain));
	return seal(key, outbox_key(item->number, place), bytes_slice(&plain), ret_sealed);
}

static enum err decode_head(struct reader *reader, struct outbox_item *item)
{
	item->state = (enum outbox_state)reader_u8(reader);
	item->time_ms = reader_u64(reader);
	item->has_employee = reader_u8(reader) != 0;
	struct slice employee = reader_take(reader, PSEUDONYM_SIZE);
	item->reason = (enum err)reader_u32(reader);
	item->entry = reader_u64(reader);
	struct slice clause = reader_take(reader, reader_u16(reader));
	if (reader->is_short || clause.length > CLAUSE_MAX || item->state > OUTBOX_REFUSED)
		return ERR_CORRUPT;
	memcpy(item->employee, employee.data, PSEUDONYM_SIZE);
	if (clause.length > 0)
		memcpy(item->clause, clause.data, clause.length);
	item->clause[clause.length] = '\0';
	return ERR_OK;
}

enum err outbox_item_open(const uint8_t key[static KEY_SIZE], uint64_t number, struct slice sealed, struct arena *arena,
			  struct outbox_item *ret_item)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	struct outbox_item item = {.number = number};
	uint8_t place[OUTBOX_KEY_SIZE];

	bytes_init_secret(&plain, ITEM_MAX);
	TRY(unseal(key, outbox_key(number, place), sealed, &plain));
	struct reader reader = reader_of(bytes_slice(&plain));
	TRY(decode_head(&reader, &item));
	struct slice operation = reader_take(&reader, reader_u32(&reader));
	if (reader.is_short)
		return ERR_CORRUPT;
	TRY(WIRE_DECODE(Operation, operation, operation, arena, &item.operation));
	if (reader.rest.length > 0)
		TRY(WIRE_DECODE(Part, part, reader.rest, arena, &item.part));
	*ret_item = item;
	return ERR_OK;
}

bool outbox_item_is_about(const struct outbox_item *item, struct slice customer)
{
	const Kluis__Operation *operation = item->operation;

	switch (operation->kind_case) {
	case KLUIS__OPERATION__KIND_RECEIPT:
		return operation->receipt->has_customer &&
		       slice_equal(wire_slice(operation->receipt->customer), customer);
	case KLUIS__OPERATION__KIND_REGISTRATION:
		return slice_equal(wire_slice(operation->registration->customer), customer);
	case KLUIS__OPERATION__KIND_UPDATE:
		return slice_equal(wire_slice(operation->update->customer), customer);
	case KLUIS__OPERATION__KIND_CONSENT:
		return slice_equal(wire_slice(operation->consent->customer), customer);
	case KLUIS__OPERATION__KIND_SUBJECT_REQUEST:
		return operation->subject_request->has_customer &&
		       slice_equal(wire_slice(operation->subject_request->customer), customer);
	default:
		return false;
	}
}
