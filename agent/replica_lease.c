/*
 * Until when the copy for a purpose may be read (FORMAT.md R127), sealed under the agent's key:
 *
 *     u64 until || u64 time of the entry || handle key, sealed under the purpose's key
 */
#include <string.h>

#include "replica_row.h"

#define SEALED_KEY_SIZE (KEY_SIZE + SEAL_OVERHEAD)
#define LEASE_SIZE (8 + 8 + SEALED_KEY_SIZE)

/* "<what>" || 0 || purpose: what one row is sealed for opens as no other's. */
static struct slice bound_to(const char *what, const char *purpose, uint8_t place[static REPLICA_KEY_MAX])
{
	return replica_key(what, SLICE(purpose, strnlen(purpose, NAME_MAX_)), place);
}

struct lease_row {
	uint64_t until_ms, entry_ms;
	uint8_t sealed[SEALED_KEY_SIZE]; /* the handle key */
};

static enum err get(struct store_txn *txn, const struct replica *replica, const char *purpose,
		    struct lease_row *ret_row)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	uint8_t place[2 * REPLICA_KEY_MAX];
	struct slice value;

	TRY(store_get(txn, REPLICA_LEASE, slice_text(purpose), &value));
	bytes_init(&plain, LEASE_SIZE);
	enum err err = unseal(replica->key, bound_to("lease", purpose, place), value, &plain);
	TRY(err == ERR_TOO_LARGE ? ERR_CRYPTO : err);
	struct reader reader = reader_of(bytes_slice(&plain));
	ret_row->until_ms = reader_u64(&reader);
	ret_row->entry_ms = reader_u64(&reader);
	struct slice sealed = reader_take(&reader, SEALED_KEY_SIZE);
	if (reader.is_short)
		return ERR_CORRUPT;
	memcpy(ret_row->sealed, sealed.data, SEALED_KEY_SIZE);
	return ERR_OK;
}

enum err replica_lease(const struct replica *replica, const char *purpose, struct replica_lease *ret_lease)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct copy_key key CLEANUP(copy_key_fini) = {{0}};
	struct lease_row row;

	TRY(store_begin_read(replica->store, &txn));
	TRY(get(txn, replica, purpose, &row));
	enum err err = copy_key_load(replica, purpose, &key);
	if (err != ERR_OK && err != ERR_EXPIRED)
		return err;
	*ret_lease =
		(struct replica_lease){.until_ms = row.until_ms, .entry_ms = row.entry_ms, .has_key = err == ERR_OK};
	return ERR_OK;
}

/* ---- giving ---- */

struct giving {
	const struct replica *replica;
	const char *purpose;
	uint64_t until_ms, entry_ms;
	const struct copy_key *key;
	struct slice handle_key;
	bool begins_anew; /* the copy that was begun under another key is forgotten */
};

static enum err seal_lease(const struct giving *giving, struct bytes *ret_sealed)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	uint8_t place[2 * REPLICA_KEY_MAX];

	bytes_init(&plain, LEASE_SIZE);
	TRY(bytes_append_u64(&plain, giving->until_ms));
	TRY(bytes_append_u64(&plain, giving->entry_ms));
	TRY(seal(giving->key->bytes, bound_to("handles", giving->purpose, place), giving->handle_key, &plain));
	return seal(giving->replica->key, bound_to("lease", giving->purpose, place), bytes_slice(&plain), ret_sealed);
}

static enum err give(struct store_txn *txn, void *context)
{
	const struct giving *giving = context;
	struct bytes sealed CLEANUP(bytes_fini) = {0};
	uint8_t place[REPLICA_KEY_MAX];

	bytes_init(&sealed, LEASE_SIZE + SEAL_OVERHEAD);
	TRY(seal_lease(giving, &sealed));
	store_put(txn, REPLICA_LEASE, slice_text(giving->purpose), bytes_slice(&sealed));
	if (giving->begins_anew)
		store_delete(txn, REPLICA_META, replica_day_key(giving->purpose, place));
	return ERR_OK;
}

/* Key first: a lease without one says that a purge was interrupted. */
enum err replica_set_lease(const struct replica *replica, const char *purpose, uint64_t until_ms, uint64_t entry_ms,
			   struct slice handle_key)
{
	struct copy_key key CLEANUP(copy_key_fini) = {{0}};
	struct giving giving = {.replica = replica,
				.purpose = purpose,
				.until_ms = until_ms,
				.entry_ms = entry_ms,
				.key = &key,
				.handle_key = handle_key};
	bool is_stale;

	if (handle_key.length != KEY_SIZE)
		return ERR_INPUT;
	TRY(replica_is_stale(replica, purpose, &is_stale));
	if (is_stale)
		return ERR_STATE;
	enum err err = copy_key_load(replica, purpose, &key);
	if (err == ERR_EXPIRED)
		err = replica->keys.make(replica->keys.context, purpose, key.bytes);
	TRY(err);
	return store_update(replica->store, give, &giving);
}

/* ---- the keys ---- */

static enum err open_handle_key(const struct lease_row *row, const char *purpose, const struct copy_key *key,
				struct copy_key *ret_handle_key)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};
	uint8_t place[2 * REPLICA_KEY_MAX];

	bytes_init_secret(&plain, KEY_SIZE);
	TRY(unseal(key->bytes, bound_to("handles", purpose, place), SLICE_ARRAY(row->sealed), &plain));
	memcpy(ret_handle_key->bytes, plain.data, KEY_SIZE);
	return ERR_OK;
}

static enum err read_row(const struct replica *replica, const char *purpose, struct lease_row *ret_row)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(replica->store, &txn));
	return get(txn, replica, purpose, ret_row);
}

enum err replica_handle_key(const struct replica *replica, const char *purpose, const struct copy_key *key,
			    struct copy_key *ret_handle_key)
{
	struct lease_row row;

	TRY(read_row(replica, purpose, &row));
	return open_handle_key(&row, purpose, key, ret_handle_key);
}

enum err replica_renew_key(const struct replica *replica, const char *purpose, struct copy_key *key)
{
	struct copy_key handle_key CLEANUP(copy_key_fini) = {{0}};
	struct lease_row row;
	uint64_t count = 0;

	TRY(read_row(replica, purpose, &row));
	TRY(open_handle_key(&row, purpose, key, &handle_key));
	/* the cursor first: from here on the copy begins at 0, whatever is interrupted */
	TRY(replica_forget(replica, purpose));
	/* handles before rows: one that leads to no row is taken for damage */
	TRY(replica_drop(replica, REPLICA_HANDLE, purpose, &count));
	TRY(replica_drop(replica, REPLICA_CUSTOMER, purpose, &count));
	TRY(replica->keys.make(replica->keys.context, purpose, key->bytes));
	struct giving giving = {.replica = replica,
				.purpose = purpose,
				.until_ms = row.until_ms,
				.entry_ms = row.entry_ms,
				.key = key,
				.handle_key = SLICE_ARRAY(handle_key.bytes),
				.begins_anew = true};
	return store_update(replica->store, give, &giving);
}

/* ---- sealing anew ---- */

struct resealing {
	const struct giving *giving;
	const struct copy_key *old;
};

static enum err reseal_row(const struct resealing *resealing, struct store_txn *txn, struct slice key,
			   struct slice value)
{
	struct bytes plain CLEANUP(bytes_fini) = {0}, sealed CLEANUP(bytes_fini) = {0};
	uint8_t place[REPLICA_KEY_MAX];

	if (key.length > sizeof place)
		return ERR_CORRUPT;
	memcpy(place, key.data, key.length);
	key.data = place; /* the row is gone at the put */
	bytes_init_secret(&plain, REPLICA_ROW_MAX);
	bytes_init(&sealed, REPLICA_ROW_MAX + SEAL_OVERHEAD);
	TRY(unseal(resealing->old->bytes, key, value, &plain));
	TRY(seal(resealing->giving->key->bytes, key, bytes_slice(&plain), &sealed));
	store_put(txn, REPLICA_CUSTOMER, key, bytes_slice(&sealed));
	return ERR_OK;
}

static enum err reseal(struct store_txn *txn, void *context)
{
	const struct resealing *resealing = context;
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct giving giving = *resealing->giving;
	uint8_t place[REPLICA_KEY_MAX];
	struct slice prefix = replica_key(giving.purpose, SLICE_EMPTY, place), key, value;

	TRY(store_seek(txn, REPLICA_CUSTOMER, prefix, &cursor));
	while (store_next(cursor, &key, &value) && replica_is_of(key, prefix))
		TRY(reseal_row(resealing, txn, key, value));
	TRY(store_txn_status(txn));
	return give(txn, &giving);
}

enum err replica_reseal(const struct replica *replica, const char *purpose)
{
	struct copy_key old CLEANUP(copy_key_fini) = {{0}}, key CLEANUP(copy_key_fini) = {{0}},
			    handle_key CLEANUP(copy_key_fini) = {{0}};
	struct lease_row row;

	TRY(copy_key_load(replica, purpose, &old));
	TRY(read_row(replica, purpose, &row));
	TRY(open_handle_key(&row, purpose, &old, &handle_key));
	/* from here on nothing opens what is there, until it is sealed anew */
	TRY(replica->keys.make(replica->keys.context, purpose, key.bytes));
	struct giving giving = {.replica = replica,
				.purpose = purpose,
				.until_ms = row.until_ms,
				.entry_ms = row.entry_ms,
				.key = &key,
				.handle_key = SLICE_ARRAY(handle_key.bytes)};
	struct resealing resealing = {.giving = &giving, .old = &old};
	return store_update(replica->store, reseal, &resealing);
}
