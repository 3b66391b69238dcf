#include "vault/index.h"

#include <string.h>

#include "vault/keys.h"

/* A row of one byte: more than MATCHES_MAX customers had the value. Whom to take out of it nobody knows any more. */
static const uint8_t many[1] = {1};

bool index_has(const struct charter_field *field)
{
	return field->is_lookup || field->is_identifier;
}

enum err index_key(struct context *context, const struct charter_field *field, struct slice value,
		   uint8_t ret_key[static HASH_SIZE])
{
	struct bytes normal;

	TRY(arena_bytes(context->arena, 1 + VALUE_MAX, &normal));
	TRY(bytes_append_u8(&normal, field->number));
	TRY(field_normalise(field, value, &normal));
	blake2b(SLICE(context->vault->lookup_key, KEY_SIZE), "", bytes_slice(&normal), ret_key);
	return ERR_OK;
}

static bool is_many(struct slice row)
{
	return row.length == sizeof(many);
}

/* The row, empty if there is none. */
static enum err read_row(struct context *context, struct slice key, struct slice *ret_row)
{
	struct slice row = SLICE_EMPTY;
	enum err err = view_get(context->view, TABLE_LOOKUP, key, &row);

	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (err == ERR_OK && !is_many(row) && (row.length == 0 || row.length % PSEUDONYM_SIZE != 0))
		return ERR_CORRUPT;
	*ret_row = row;
	return ERR_OK;
}

enum err index_find(struct context *context, struct slice key, struct slice *ret_pseudonym)
{
	struct slice row;

	TRY(read_row(context, key, &row));
	if (row.length == 0)
		return ERR_NOT_FOUND;
	if (row.length != PSEUDONYM_SIZE)
		return ERR_AMBIGUOUS;
	*ret_pseudonym = row;
	return ERR_OK;
}

/* Place of the pseudonym in the row; the row's length if it is not there. */
static size_t find_place(struct slice row, struct slice pseudonym)
{
	for (size_t place = 0; place < row.length; place += PSEUDONYM_SIZE) {
		if (slice_equal(slice_part(row, place, PSEUDONYM_SIZE), pseudonym))
			return place;
	}
	return row.length;
}

enum err index_add(struct context *context, struct slice key, struct slice pseudonym)
{
	uint8_t more[(MATCHES_MAX + 1) * PSEUDONYM_SIZE];
	struct slice row;

	TRY(read_row(context, key, &row));
	if (is_many(row) || find_place(row, pseudonym) < row.length)
		return ERR_OK;
	if (row.length >= MATCHES_MAX * PSEUDONYM_SIZE) {
		view_put(context->view, TABLE_LOOKUP, key, SLICE_ARRAY(many));
		return ERR_OK;
	}
	if (row.length > 0)
		memcpy(more, row.data, row.length);
	memcpy(more + row.length, pseudonym.data, PSEUDONYM_SIZE);
	view_put(context->view, TABLE_LOOKUP, key, SLICE(more, row.length + PSEUDONYM_SIZE));
	return ERR_OK;
}

enum err index_remove(struct context *context, struct slice key, struct slice pseudonym)
{
	uint8_t less[MATCHES_MAX * PSEUDONYM_SIZE];
	struct slice row;

	TRY(read_row(context, key, &row));
	if (is_many(row) || row.length > sizeof(less))
		return ERR_OK;
	size_t place = find_place(row, pseudonym);
	if (place == row.length)
		return ERR_OK;
	if (row.length == PSEUDONYM_SIZE) {
		view_delete(context->view, TABLE_LOOKUP, key);
		return ERR_OK;
	}
	memcpy(less, row.data, place);
	memcpy(less + place, row.data + place + PSEUDONYM_SIZE, row.length - place - PSEUDONYM_SIZE);
	view_put(context->view, TABLE_LOOKUP, key, SLICE(less, row.length - PSEUDONYM_SIZE));
	return ERR_OK;
}

enum err vault_find(struct context *context, const struct charter_field *field, struct slice value,
		    struct customer *ret_customer)
{
	uint8_t key[HASH_SIZE];
	struct slice pseudonym;
	enum err err;

	TRY(index_key(context, field, value, key));
	TRY(index_find(context, SLICE_ARRAY(key), &pseudonym));
	err = vault_customer(context, pseudonym, ret_customer);
	return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}
