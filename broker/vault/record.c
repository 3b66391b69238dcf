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

static const Rows__RecordValue *find_value(const Rows__Record *record, uint32_t field)
{
	for (size_t i = 0; record != NULL && i < record->n_values; i++) {
		if (record->values[i]->field == field)
			return record->values[i];
	}
	return NULL;
}

static uint64_t field_bit(uint32_t field)
{
	return (uint64_t)1 << (field - 1);
}

static enum err add_value(struct context *context, Rows__Record *record, uint32_t field, char *text)
{
	Rows__RecordValue *value = arena_alloc(context->arena, sizeof(*value));

	if (value == NULL)
		return ERR_MEMORY;
	rows__record_value__init(value);
	value->field = field;
	value->value = text;
	record->values[record->n_values++] = value;
	return ERR_OK;
}

/* What a field holds after the change; NULL: nothing. */
static char *merged_value(const Rows__Record *before, const Kluis__Value *value, uint32_t field)
{
	const Rows__RecordValue *old = find_value(before, field);

	if (value != NULL)
		return value->value[0] == '\0' ? NULL : value->value;
	return old == NULL ? NULL : old->value;
}

static bool is_other(const Rows__RecordValue *old, const char *text)
{
	if (old == NULL || text == NULL)
		return old != NULL || text != NULL;
	return strcmp(old->value, text) != 0;
}

static enum err merge(struct context *context, const Kluis__Values *values, struct record_change *change)
{
	size_t next = 0;

	for (uint32_t field = 1; field <= FIELDS_MAX; field++) {
		bool is_given = next < values->n_values && values->values[next]->field == field;
		const Kluis__Value *given = is_given ? values->values[next++] : NULL;
		char *text = merged_value(change->before, given, field);

		if (is_other(find_value(change->before, field), text))
			change->changed |= field_bit(field);
		if (text != NULL)
			TRY(add_value(context, change->record, field, text));
	}
	return ERR_OK;
}

enum err record_merge(struct context *context, const Rows__Record *before, const Kluis__Values *values,
		      struct record_change *ret_change)
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
	TRY(merge(context, values, &change));
	if (wire_size(&change.record->base) > RECORD_MAX - SEAL_OVERHEAD)
		return ERR_TOO_LARGE;
	*ret_change = change;
	return ERR_OK;
}

/* ---- writing ---- */

/* One field's index rows follow its value. A value that the charter's type no longer takes was never indexed. */
static enum err move_index(struct context *context, const struct charter_field *field, const struct customer *customer,
			   const struct record_change *change)
{
	const Rows__RecordValue *old = find_value(change->before, field->number);
	const Rows__RecordValue *now = find_value(change->record, field->number);
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
	for (size_t i = 0; i < record->n_values; i++)
		fields |= field_bit(record->values[i]->field);
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
