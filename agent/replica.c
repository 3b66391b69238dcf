#include "replica.h"

#include <stdio.h>
#include <string.h>

#include "replica_row.h"
#include "sealed_row.h"

#define DROPPED_AT_ONCE 2000 /* rows in one transaction: some milliseconds */

static const char *const table_names[REPLICA_TABLE_COUNT] = {"meta",	"customer", "staff", "handle", "lease",
							     "journal", "outbox",   "use",   "alarm"};

const struct store_layout replica_layout = {
	.tables = table_names, .table_count = REPLICA_TABLE_COUNT, .schema = 3, .application = "kluis-agent"};

/* ---- keys of tables ---- */

struct slice replica_key(const char *purpose, struct slice rest, uint8_t place[static REPLICA_KEY_MAX])
{
	size_t length = strnlen(purpose, NAME_MAX_);

	memcpy(place, purpose, length);
	place[length] = 0;
	if (rest.length > 0)
		memcpy(place + length + 1, rest.data, rest.length);
	return SLICE(place, length + 1 + rest.length);
}

bool replica_is_of(struct slice key, struct slice prefix)
{
	return key.length > prefix.length && memcmp(key.data, prefix.data, prefix.length) == 0;
}

struct slice replica_cursor_key(const char *purpose, uint8_t place[static REPLICA_KEY_MAX])
{
	return replica_key(purpose, SLICE_EMPTY, place);
}

/* "<purpose>" || 0 || "d": beside the purpose's cursor. */
struct slice replica_day_key(const char *purpose, uint8_t place[static REPLICA_KEY_MAX])
{
	return replica_key(purpose, slice_text("d"), place);
}

/* ---- the purpose's key ---- */

enum err copy_key_load(const struct replica *replica, const char *purpose, struct copy_key *ret_key)
{
	enum err err = replica->keys.load(replica->keys.context, purpose, ret_key->bytes);

	return err == ERR_NOT_FOUND ? ERR_EXPIRED : err;
}

void copy_key_fini(struct copy_key *key)
{
	wipe(key->bytes, sizeof key->bytes);
}

/* ---- cursor ---- */

enum err replica_read_cursor(struct store_txn *txn, const struct replica *replica, const char *purpose,
			     const uint8_t agreement[static HASH_SIZE], uint64_t *ret_cursor)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	uint8_t place[REPLICA_KEY_MAX];

	bytes_init(&plain, HASH_SIZE + 8);
	enum err err = sealed_row_get(txn, replica->key, replica_cursor_key(purpose, place), &plain);
	*ret_cursor = 0;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (plain.length != HASH_SIZE + 8)
		return ERR_CORRUPT;
	if (memcmp(plain.data, agreement, HASH_SIZE) == 0)
		*ret_cursor = get_u64(plain.data + HASH_SIZE);
	return ERR_OK;
}

enum err replica_cursor(const struct replica *replica, const char *purpose, const uint8_t agreement[static HASH_SIZE],
			uint64_t *ret_cursor)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(replica->store, &txn));
	return replica_read_cursor(txn, replica, purpose, agreement, ret_cursor);
}

enum err replica_begun(const struct replica *replica, const char *purpose, int32_t *ret_day)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	uint8_t place[REPLICA_KEY_MAX];
	struct slice value;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_get(txn, REPLICA_META, replica_day_key(purpose, place), &value));
	if (value.length != 4)
		return ERR_CORRUPT;
	*ret_day = (int32_t)get_u32(value.data);
	return ERR_OK;
}

static enum err forget(struct store_txn *txn, void *purpose)
{
	uint8_t place[REPLICA_KEY_MAX];

	store_delete(txn, REPLICA_META, replica_cursor_key(purpose, place));
	return ERR_OK;
}

enum err replica_forget(const struct replica *replica, const char *purpose)
{
	char name[NAME_MAX_ + 1];

	snprintf(name, sizeof name, "%s", purpose);
	return store_update(replica->store, forget, name);
}

/* ---- dropping ---- */

struct dropping {
	enum replica_table table;
	struct slice prefix;
	unsigned dropped;
};

static enum err drop_some(struct store_txn *txn, void *context)
{
	struct dropping *dropping = context;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	uint8_t copy[STORE_KEY_MAX];

	dropping->dropped = 0;
	TRY(store_seek(txn, dropping->table, dropping->prefix, &cursor));
	while (dropping->dropped < DROPPED_AT_ONCE && store_next(cursor, &key, &value) &&
	       replica_is_of(key, dropping->prefix) && key.length <= sizeof copy) {
		memcpy(copy, key.data, key.length);
		store_delete(txn, dropping->table, SLICE(copy, key.length));
		dropping->dropped++;
	}
	return store_txn_status(txn);
}

enum err replica_drop(const struct replica *replica, enum replica_table table, const char *purpose, uint64_t *ret_count)
{
	uint8_t place[REPLICA_KEY_MAX];
	struct dropping dropping = {.table = table, .prefix = replica_key(purpose, SLICE_EMPTY, place)};

	do {
		TRY(store_update(replica->store, drop_some, &dropping));
		*ret_count += dropping.dropped;
	} while (dropping.dropped == DROPPED_AT_ONCE);
	return ERR_OK;
}

/* ---- reading ---- */

enum err replica_open_row(const struct copy_key *key, struct slice row_key, struct slice sealed, replica_fn *visit,
			  void *context)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&plain, REPLICA_ROW_MAX);
	TRY(unseal(key->bytes, row_key, sealed, &plain));
	struct reader reader = reader_of(bytes_slice(&plain));
	struct replica_row row = {.customer = slice_part(row_key, row_key.length - PSEUDONYM_SIZE, PSEUDONYM_SIZE)};
	row.version = reader_u32(&reader);
	row.fields = reader_u64(&reader);
	row.grant = reader_u32(&reader);
	row.entry_index = reader_u64(&reader);
	row.content = reader.rest;
	return reader.is_short ? ERR_CORRUPT : visit(context, &row);
}

enum err replica_each(const struct replica *replica, const char *purpose, replica_fn *visit, void *context)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct copy_key copy CLEANUP(copy_key_fini) = {{0}};
	uint8_t place[REPLICA_KEY_MAX];
	struct slice prefix = replica_key(purpose, SLICE_EMPTY, place), key, value;
	bool has_key = false;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_seek(txn, REPLICA_CUSTOMER, prefix, &cursor));
	while (store_next(cursor, &key, &value) && replica_is_of(key, prefix)) {
		if (!has_key)
			TRY(copy_key_load(replica, purpose, &copy));
		has_key = true;
		if (key.length != prefix.length + PSEUDONYM_SIZE)
			return ERR_CORRUPT;
		TRY(replica_open_row(&copy, key, value, visit, context));
	}
	return store_txn_status(txn);
}

enum err replica_get(const struct replica *replica, const char *purpose, struct slice customer, replica_fn *visit,
		     void *context)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct copy_key copy CLEANUP(copy_key_fini) = {{0}};
	uint8_t place[REPLICA_KEY_MAX];
	struct slice value;

	if (customer.length != PSEUDONYM_SIZE)
		return ERR_NOT_FOUND;
	struct slice key = replica_key(purpose, customer, place);
	TRY(store_begin_read(replica->store, &txn));
	TRY(store_get(txn, REPLICA_CUSTOMER, key, &value));
	TRY(copy_key_load(replica, purpose, &copy));
	return replica_open_row(&copy, key, value, visit, context);
}

enum err replica_count(const struct replica *replica, const char *purpose, uint64_t *ret_count)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	uint8_t place[REPLICA_KEY_MAX];
	struct slice prefix = replica_key(purpose, SLICE_EMPTY, place), key, value;
	uint64_t count = 0;

	TRY(store_begin_read(replica->store, &txn));
	TRY(store_seek(txn, REPLICA_CUSTOMER, prefix, &cursor));
	while (store_next(cursor, &key, &value) && replica_is_of(key, prefix))
		count++;
	TRY(store_txn_status(txn));
	*ret_count = count;
	return ERR_OK;
}
