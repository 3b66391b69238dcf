#include "vault/record.h"

#include <assert.h>
#include <string.h>

#include "vault/customer.h"
#include "vault/index.h"
#include "vault/keys.h"

#define META_FIELDS "vault/fields"

static struct slice record_key(const struct customer *customer, uint32_t version, uint8_t place[static RECORD_KEY_SIZE])
{
	memcpy(place, customer->pseudonym, PSEUDONYM_SIZE);
	put_u32(place + PSEUDONYM_SIZE, version);
	return SLICE(place, RECORD_KEY_SIZE);
}

struct slice receipt_key(struct slice pseudonym, struct slice id, uint8_t place[static RECEIPT_KEY_SIZE])
{
	assert(pseudonym.length == PSEUDONYM_SIZE && id.length == PSEUDONYM_SIZE);
	memcpy(place, pseudonym.data, PSEUDONYM_SIZE);
	memcpy(place + PSEUDONYM_SIZE, id.data, PSEUDONYM_SIZE);
	return SLICE(place, RECEIPT_KEY_SIZE);
}

enum err sealed_put(struct context *context, const struct customer *customer, enum table table, struct slice key,
		    const ProtobufCMessage *message)
{
	size_t size = wire_size(message);
	struct bytes plain, sealed;

	TRY(arena_bytes(context->arena, size, &plain));
	TRY(wire_encode(message, &plain));
	TRY(arena_bytes(context->arena, size + SEAL_OVERHEAD, &sealed));
	TRY(seal(customer->key, key, bytes_slice(&plain), &sealed));
	view_put(context->view, table, key, bytes_slice(&sealed));
	return context->view->status;
}

enum err sealed_open(struct arena *arena, const struct customer *customer, struct slice key, struct slice sealed,
		     const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret_message)
{
	struct bytes plain;

	TRY(arena_bytes(arena, sealed.length, &plain));
	TRY(unseal(customer->key, key, sealed, &plain));
	enum err err = wire_decode(type, bytes_slice(&plain), arena, ret_message);
	return err == ERR_INPUT ? ERR_CORRUPT : err;
}

enum err vault_record(struct context *context, const struct customer *customer, uint32_t version,
		      Rows__Record **ret_record)
{
	uint8_t place[RECORD_KEY_SIZE];
	struct slice key = record_key(customer, version, place);
	struct slice sealed;

	TRY(view_get(context->view, TABLE_RECORD, key, &sealed));
	return sealed_open(context->arena, customer, key, sealed, &rows__record__descriptor,
			   (ProtobufCMessage **)(void *)ret_record);
}

enum err record_latest(struct context *context, const struct customer *customer, Rows__Record **ret_record)
{
	enum err err = vault_record(context, customer, customer->row->version, ret_record);

	return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

/* ---- merging ---- */

/* Entries of one second are prepared with any time of it (R47): the second's end is none of theirs' past. */
static uint64_t entry_made_ms(const struct context *context)
{
	return context->time_ms / 1000 * 1000 + 999;
}

void record_origin(const struct context *context, const struct customer *customer, const Rows__Record *latest,
		   struct change_origin *ret_origin)
{
	const struct principal *principal = &context->envelope->principal;

	*ret_origin = (struct change_origin){
		.made_ms = entry_made_ms(context),
		.store = principal->kind == PRINCIPAL_STORE ? principal->store : STORE_OFFICE,
		.version = customer->row->version + 1,
		.basis = customer->row->version,
		.base = latest,
	};
}

bool record_has_values(const Rows__Record *record)
{
	for (size_t i = 0; i < record->n_values; i++) {
		if (record->values[i]->value[0] != '\0')
			return true;
	}
	return false;
}

static bool is_too_large(const Rows__Record *record)
{
	return wire_size(&record->base) > RECORD_MAX - SEAL_OVERHEAD;
}

enum err record_merge(struct context *context, const Rows__Record *before, const Kluis__Values *values,
		      const struct change_origin *origin, struct record_change *ret_change)
{
	struct record_change change = {.record = arena_alloc(context->arena, sizeof(*change.record)), .before = before};
	uint8_t *salt = arena_alloc(context->arena, SALT_SIZE);

	if (change.record == NULL || salt == NULL)
		return ERR_MEMORY;
	rows__record__init(change.record);
	random_bytes(salt, SALT_SIZE);
	change.record->salt = wire_data(SLICE(salt, SALT_SIZE));
	change.record->values = arena_array(context->arena, FIELDS_MAX, sizeof(Rows__RecordValue *));
	if (change.record->values == NULL)
		return ERR_MEMORY;
	TRY(merge_values(context, values, origin, &change));
	while (change.record->n_superseded > 0 && is_too_large(change.record))
		change.record->n_superseded--;
	if (is_too_large(change.record))
		return ERR_TOO_LARGE;
	*ret_change = change;
	return ERR_OK;
}

/* ---- writing ---- */

static uint64_t field_bit(uint32_t field)
{
	return (uint64_t)1 << (field - 1);
}

/* One field's index rows follow its value. A value that the charter's type no longer takes was never indexed. */
static enum err move_index(struct context *context, const struct charter_field *field, const struct customer *customer,
			   const struct record_change *change)
{
	const Rows__RecordValue *old = record_value(change->before, field->number);
	const Rows__RecordValue *now = record_value(change->record, field->number);
	uint8_t key[HASH_SIZE];

	if (old != NULL && index_key(context, field, slice_text(old->value), key) == ERR_OK)
		TRY(index_remove(context, SLICE_ARRAY(key), customer_pseudonym(customer)));
	if (now == NULL)
		return ERR_OK;
	TRY(index_key(context, field, slice_text(now->value), key));
	return index_add(context, SLICE_ARRAY(key), customer_pseudonym(customer));
}

static enum err move_indexes(struct context *context, const struct customer *customer,
			     const struct record_change *change)
{
	for (size_t i = 0; i < context->charter->field_count; i++) {
		const struct charter_field *field = &context->charter->fields[i];

		if (index_has(field) && (change->changed & field_bit(field->number)) != 0)
			TRY(move_index(context, field, customer, change));
	}
	return ERR_OK;
}

enum err vault_fields_in_use(struct context *context, uint64_t *ret_fields)
{
	struct slice row;
	enum err err = view_get(context->view, TABLE_META, slice_text(META_FIELDS), &row);

	if (err == ERR_NOT_FOUND) {
		*ret_fields = 0;
		return ERR_OK;
	}
	TRY(err);
	if (row.length != 8)
		return ERR_CORRUPT;
	*ret_fields = get_u64(row.data);
	return ERR_OK;
}

static enum err use_fields(struct context *context, const Rows__Record *record)
{
	uint64_t before, fields;
	uint8_t row[8];

	TRY(vault_fields_in_use(context, &before));
	fields = before;
	for (size_t i = 0; i < record->n_values; i++) {
		if (record->values[i]->value[0] != '\0')
			fields |= field_bit(record->values[i]->field);
	}
	if (fields == before)
		return ERR_OK;
	put_u64(row, fields);
	view_put(context->view, TABLE_META, slice_text(META_FIELDS), SLICE_ARRAY(row));
	return context->view->status;
}

enum err record_write(struct context *context, const struct customer *customer, const struct record_change *change)
{
	uint8_t place[RECORD_KEY_SIZE];
	uint32_t version = customer->row->version + 1;

	TRY(sealed_put(context, customer, TABLE_RECORD, record_key(customer, version, place), &change->record->base));
	TRY(move_indexes(context, customer, change));
	TRY(use_fields(context, change->record));
	customer->row->version = version;
	return ERR_OK;
}
