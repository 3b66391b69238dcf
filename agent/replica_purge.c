/*
 * The end of a copy: first the key, after which nothing can be read, then what is left of it.
 */
#include <string.h>

#include "replica_row.h"

#define PURPOSES_LEFT_MAX 256 /* of which something may be there: of several charters */

/* ---- what is there ---- */

static enum err has_any(struct store_txn *txn, enum replica_table table, const char *purpose, bool *ret_is_there)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	uint8_t place[REPLICA_KEY_MAX];
	struct slice prefix = replica_key(purpose, SLICE_EMPTY, place), key, value;

	TRY(store_seek(txn, table, prefix, &cursor));
	if (store_next(cursor, &key, &value) && replica_is_of(key, prefix))
		*ret_is_there = true;
	return store_txn_status(txn);
}

static enum err has_row(struct store_txn *txn, enum replica_table table, struct slice key, bool *ret_is_there)
{
	struct slice value;
	enum err err = store_get(txn, table, key, &value);

	if (err == ERR_OK)
		*ret_is_there = true;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err is_anything_there(const struct replica *replica, const char *purpose, bool *ret_is_there)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	uint8_t place[REPLICA_KEY_MAX];
	bool is_there = false;

	TRY(store_begin_read(replica->store, &txn));
	TRY(has_row(txn, REPLICA_LEASE, slice_text(purpose), &is_there));
	TRY(has_row(txn, REPLICA_META, replica_cursor_key(purpose, place), &is_there));
	TRY(has_row(txn, REPLICA_META, replica_day_key(purpose, place), &is_there));
	TRY(has_any(txn, REPLICA_CUSTOMER, purpose, &is_there));
	TRY(has_any(txn, REPLICA_HANDLE, purpose, &is_there));
	*ret_is_there = is_there;
	return ERR_OK;
}

/* A key that the lease's handle key does not open with was made when a crash came: nothing was written under it yet. */
enum err replica_is_stale(const struct replica *replica, const char *purpose, bool *ret_is_stale)
{
	struct copy_key key CLEANUP(copy_key_fini) = {{0}}, handle_key CLEANUP(copy_key_fini) = {{0}};
	enum err err = copy_key_load(replica, purpose, &key);

	if (err == ERR_EXPIRED)
		return is_anything_there(replica, purpose, ret_is_stale);
	TRY(err);
	err = replica_handle_key(replica, purpose, &key, &handle_key);
	if (err == ERR_NOT_FOUND) /* a key alone opens nothing; rows without a lease are nobody's */
		return is_anything_there(replica, purpose, ret_is_stale);
	if (err != ERR_OK && err != ERR_CRYPTO && err != ERR_CORRUPT)
		return err;
	*ret_is_stale = err != ERR_OK;
	return ERR_OK;
}

/* ---- purging ---- */

static enum err forget_all(struct store_txn *txn, void *context)
{
	const char *const *purpose = context;
	uint8_t place[REPLICA_KEY_MAX];

	store_delete(txn, REPLICA_META, replica_cursor_key(*purpose, place));
	store_delete(txn, REPLICA_META, replica_day_key(*purpose, place));
	store_delete(txn, REPLICA_LEASE, slice_text(*purpose));
	return ERR_OK;
}

enum err replica_purge(const struct replica *replica, const char *purpose, uint64_t *ret_customers)
{
	uint64_t customers = 0, handles = 0;

	TRY(replica->keys.destroy(replica->keys.context, purpose));
	TRY(replica_drop(replica, REPLICA_CUSTOMER, purpose, &customers));
	TRY(replica_drop(replica, REPLICA_HANDLE, purpose, &handles));
	TRY(store_update(replica->store, forget_all, &purpose));
	*ret_customers = customers;
	return ERR_OK;
}

/* ---- all purposes ---- */

struct names {
	struct arena *arena;
	char **items;
	size_t count;
};

static enum err add_name(struct names *names, struct slice name)
{
	if (name.length == 0 || name.length > NAME_MAX_)
		return ERR_OK;
	for (size_t i = 0; i < names->count; i++)
		if (slice_equal(slice_text(names->items[i]), name))
			return ERR_OK;
	if (names->count == PURPOSES_LEFT_MAX)
		return ERR_TOO_LARGE;
	char *copy = arena_text(names->arena, name);
	if (copy == NULL)
		return ERR_MEMORY;
	names->items[names->count++] = copy;
	return ERR_OK;
}

/* Of a key "<purpose>" || 0 || rest. */
static struct slice name_in(struct slice key)
{
	const uint8_t *zero = key.length == 0 ? NULL : memchr(key.data, 0, key.length);

	return zero == NULL ? SLICE_EMPTY : SLICE(key.data, (size_t)(zero - key.data));
}

/* From one purpose to the next, past the rows of the first. */
static enum err add_of_rows(struct store_txn *txn, enum replica_table table, struct names *names)
{
	uint8_t from[REPLICA_KEY_MAX];
	struct slice start = SLICE_EMPTY, key, value;

	for (;;) {
		struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
		TRY(store_seek(txn, table, start, &cursor));
		if (!store_next(cursor, &key, &value))
			return store_txn_status(txn);
		struct slice name = name_in(key);
		if (name.length == 0 || name.length > NAME_MAX_)
			return ERR_CORRUPT;
		memcpy(from, name.data, name.length);
		from[name.length] = 1;
		start = SLICE(from, name.length + 1);
		TRY(add_name(names, name));
	}
}

static enum err add_of_leases(struct store_txn *txn, struct names *names)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(txn, REPLICA_LEASE, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value))
		TRY(add_name(names, key));
	return store_txn_status(txn);
}

/* Only the copy's own rows of this table have a zero in their key. */
static enum err add_of_cursors(struct store_txn *txn, struct names *names)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(txn, REPLICA_META, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value))
		TRY(add_name(names, name_in(key)));
	return store_txn_status(txn);
}

enum err replica_purposes(const struct replica *replica, struct arena *arena, char ***ret_purposes, size_t *ret_count)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct names names = {.arena = arena, .items = arena_array(arena, PURPOSES_LEFT_MAX, sizeof(char *))};

	if (names.items == NULL)
		return ERR_MEMORY;
	TRY(store_begin_read(replica->store, &txn));
	TRY(add_of_leases(txn, &names));
	TRY(add_of_cursors(txn, &names));
	TRY(add_of_rows(txn, REPLICA_CUSTOMER, &names));
	TRY(add_of_rows(txn, REPLICA_HANDLE, &names));
	*ret_purposes = names.items;
	*ret_count = names.count;
	return ERR_OK;
}
