#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store_lmdb.h"

static bool key_fits(struct slice key)
{
	return key.length > 0 && key.length <= STORE_KEY_MAX;
}

/* ---- rows ---- */

static MDB_dbi table_of(const struct store_txn *txn, unsigned table)
{
	assert(table < txn->store->layout->table_count);
	return txn->store->tables[table];
}

/* Keeps the first failure; not finding something is none. */
static enum err note(struct store_txn *txn, int code)
{
	if (code == MDB_SUCCESS)
		return ERR_OK;
	if (code == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	txn->is_map_full = code == MDB_MAP_FULL;
	txn->status = store_code(code);
	return txn->status;
}

enum err store_txn_status(const struct store_txn *txn)
{
	return txn->status;
}

enum err store_get(struct store_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
	TRY(txn->status);
	if (!key_fits(key))
		return ERR_NOT_FOUND;
	MDB_val name = val_of(key), value;
	TRY(note(txn, mdb_get(txn->txn, table_of(txn, table), &name, &value)));
	*ret_value = slice_of(value);
	return ERR_OK;
}

static void put(struct store_txn *txn, unsigned table, struct slice key, struct slice value, unsigned flags)
{
	assert(txn->is_write);
	if (txn->status != ERR_OK)
		return;
	MDB_val name = val_of(key), content = val_of(value);
	txn->changes++;
	(void)!note(txn,
		    key_fits(key) ? mdb_put(txn->txn, table_of(txn, table), &name, &content, flags) : MDB_BAD_VALSIZE);
}

void store_put(struct store_txn *txn, unsigned table, struct slice key, struct slice value)
{
	put(txn, table, key, value, 0);
}

void store_append(struct store_txn *txn, unsigned table, struct slice key, struct slice value)
{
	put(txn, table, key, value, MDB_APPEND);
}

void store_delete(struct store_txn *txn, unsigned table, struct slice key)
{
	assert(txn->is_write);
	if (txn->status != ERR_OK || !key_fits(key))
		return;
	MDB_val name = val_of(key);
	txn->changes++;
	(void)!note(txn, mdb_del(txn->txn, table_of(txn, table), &name, NULL));
}

uint64_t store_count(struct store_txn *txn, unsigned table)
{
	MDB_stat table_stat;
	if (txn->status != ERR_OK || note(txn, mdb_stat(txn->txn, table_of(txn, table), &table_stat)) != ERR_OK)
		return 0;
	return table_stat.ms_entries;
}

/* ---- cursors ---- */

static void remember(struct store_cursor *cursor, struct slice key)
{
	memcpy(cursor->key, key.data, key.length);
	cursor->key_length = key.length;
}

static enum err open_cursor(struct store_txn *txn, unsigned table, struct store_cursor **ret_cursor)
{
	TRY(txn->status);
	struct store_cursor *cursor = calloc(1, sizeof(*cursor));
	if (!cursor)
		return ERR_MEMORY;
	cursor->txn = txn;
	cursor->table = table;
	int code = mdb_cursor_open(txn->txn, table_of(txn, table), &cursor->cursor);
	if (code != MDB_SUCCESS) {
		free(cursor);
		return note(txn, code);
	}
	cursor->next = txn->cursors;
	txn->cursors = cursor;
	*ret_cursor = cursor;
	return ERR_OK;
}

enum err store_seek(struct store_txn *txn, unsigned table, struct slice from, struct store_cursor **ret_cursor)
{
	if (from.length > STORE_KEY_MAX)
		return ERR_TOO_LARGE;
	struct store_cursor *cursor;
	TRY(open_cursor(txn, table, &cursor));
	if (from.length > 0)
		remember(cursor, from);
	*ret_cursor = cursor;
	return ERR_OK;
}

void store_cursor_close(struct store_cursor **cursor)
{
	struct store_cursor *old = *cursor;
	if (!old)
		return;
	struct store_cursor **place = &old->txn->cursors;
	while (*place != old)
		place = &(*place)->next;
	*place = old->next;
	mdb_cursor_close(old->cursor);
	free(old);
	*cursor = NULL;
}

/* Goes to the remembered key, or past it if it was handed out before. */
static int find_place(struct store_cursor *cursor, MDB_val *key, MDB_val *value)
{
	struct slice from = SLICE(cursor->key, cursor->key_length);
	*key = val_of(from);
	int code = mdb_cursor_get(cursor->cursor, key, value, from.length > 0 ? MDB_SET_RANGE : MDB_FIRST);
	if (code == MDB_SUCCESS && cursor->is_started && slice_equal(slice_of(*key), from))
		code = mdb_cursor_get(cursor->cursor, key, value, MDB_NEXT);
	return code;
}

bool store_next(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
	struct store_txn *txn = cursor->txn;
	if (txn->status != ERR_OK)
		return false;
	MDB_val key, value;
	bool is_in_place = cursor->is_started && cursor->changes == txn->changes;
	int code =
		is_in_place ? mdb_cursor_get(cursor->cursor, &key, &value, MDB_NEXT) : find_place(cursor, &key, &value);
	if (note(txn, code) != ERR_OK)
		return false;
	cursor->is_started = true;
	cursor->changes = txn->changes;
	if (txn->is_write)
		remember(cursor, slice_of(key));
	*ret_key = slice_of(key);
	*ret_value = slice_of(value);
	return true;
}

enum err store_last(struct store_txn *txn, unsigned table, struct slice *ret_key, struct slice *ret_value)
{
	struct store_cursor *cursor;
	MDB_val key, value;
	TRY(open_cursor(txn, table, &cursor));
	enum err err = note(txn, mdb_cursor_get(cursor->cursor, &key, &value, MDB_LAST));
	store_cursor_close(&cursor);
	TRY(err);
	*ret_key = slice_of(key);
	*ret_value = slice_of(value);
	return ERR_OK;
}
