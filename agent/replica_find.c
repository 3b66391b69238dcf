/*
 * One customer of the copy by a value that a till has (FORMAT.md R130).
 */
#include <string.h>

#include "replica_row.h"

static enum err find_pseudonym(struct store_txn *txn, struct slice prefix, uint8_t ret_pseudonym[static PSEUDONYM_SIZE])
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	uint8_t found[PSEUDONYM_SIZE];

	TRY(store_seek(txn, REPLICA_HANDLE, prefix, &cursor));
	if (!store_next(cursor, &key, &value) || !replica_is_of(key, prefix))
		return store_txn_status(txn) == ERR_OK ? ERR_NOT_FOUND : store_txn_status(txn);
	if (key.length != prefix.length + PSEUDONYM_SIZE)
		return ERR_CORRUPT;
	memcpy(found, key.data + prefix.length, PSEUDONYM_SIZE);
	if (store_next(cursor, &key, &value) && replica_is_of(key, prefix))
		return ERR_AMBIGUOUS;
	TRY(store_txn_status(txn));
	memcpy(ret_pseudonym, found, PSEUDONYM_SIZE);
	return ERR_OK;
}

/* The index is not sealed: that the row has the handle too is what shows that nobody changed it. */
static enum err has_handle(void *context, const struct replica_row *row)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	const struct slice *handle = context;
	Kluis__Values *values;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(WIRE_DECODE(Values, values, row->content, &arena, &values));
	for (size_t i = 0; i < values->n_handles; i++)
		if (slice_equal(wire_slice(values->handles[i]->hash), *handle))
			return ERR_OK;
	return ERR_CORRUPT;
}

static enum err check_row(struct store_txn *txn, const struct copy_key *key, const char *purpose, struct slice customer,
			  struct slice handle)
{
	uint8_t place[REPLICA_KEY_MAX];
	struct slice value, row_key = replica_key(purpose, customer, place);
	enum err err = store_get(txn, REPLICA_CUSTOMER, row_key, &value);

	TRY(err == ERR_NOT_FOUND ? ERR_CORRUPT : err);
	return replica_open_row(key, row_key, value, has_handle, &handle);
}

enum err replica_find(const struct replica *replica, const char *purpose, uint8_t field, struct slice normal_form,
		      uint8_t ret_pseudonym[static PSEUDONYM_SIZE])
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct copy_key key CLEANUP(copy_key_fini) = {{0}}, handle_key CLEANUP(copy_key_fini) = {{0}};
	uint8_t handle[HANDLE_SIZE], found[PSEUDONYM_SIZE], place[REPLICA_KEY_MAX];

	if (normal_form.length > VALUE_MAX)
		return ERR_NOT_FOUND;
	TRY(copy_key_load(replica, purpose, &key));
	TRY(replica_handle_key(replica, purpose, &key, &handle_key));
	handle_make(handle_key.bytes, field, normal_form, handle);
	TRY(store_begin_read(replica->store, &txn));
	TRY(find_pseudonym(txn, replica_key(purpose, SLICE_ARRAY(handle), place), found));
	TRY(check_row(txn, &key, purpose, SLICE_ARRAY(found), SLICE_ARRAY(handle)));
	memcpy(ret_pseudonym, found, PSEUDONYM_SIZE);
	return ERR_OK;
}
