/*
 * How many customers a grant was used for on a day (FORMAT.md R91), in REPLICA_USE:
 *
 *     agreement || u32 grant || u32 day -> u32 count;    with a pseudonym behind it -> nothing: that one is counted
 */
#include <string.h>

#include "journal_chain.h"
#include "replica.h"

#define DAY_AT (HASH_SIZE + 4)
#define USE_KEY_SIZE (DAY_AT + 4)
#define USE_KEY_MAX (USE_KEY_SIZE + PSEUDONYM_SIZE)
#define FORGET_MAX 10000 /* rows at once: a few days of a busy till */

static struct slice use_key(const uint8_t agreement[static HASH_SIZE], uint32_t grant, int32_t day,
			    struct slice customer, uint8_t place[static USE_KEY_MAX])
{
	memcpy(place, agreement, HASH_SIZE);
	put_u32(place + HASH_SIZE, grant);
	put_u32(place + DAY_AT, (uint32_t)day);
	if (customer.length == PSEUDONYM_SIZE)
		memcpy(place + USE_KEY_SIZE, customer.data, PSEUDONYM_SIZE);
	return SLICE(place, USE_KEY_SIZE + (customer.length == PSEUDONYM_SIZE ? PSEUDONYM_SIZE : 0));
}

static enum err read_count(struct store_txn *txn, struct slice key, uint32_t *ret_count)
{
	struct slice value;
	enum err err = store_get(txn, REPLICA_USE, key, &value);

	*ret_count = 0;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (value.length != 4)
		return ERR_CORRUPT;
	*ret_count = get_u32(value.data);
	return ERR_OK;
}

enum err journal_use(struct journal *journal, const uint8_t agreement[static HASH_SIZE], uint32_t grant, int32_t day,
		     struct slice customer, uint32_t *ret_customers, bool *ret_is_counted)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	uint8_t place[USE_KEY_MAX];
	struct slice value;
	uint32_t count;

	TRY(store_begin_read(journal_store(journal), &txn));
	TRY(read_count(txn, use_key(agreement, grant, day, SLICE_EMPTY, place), &count));
	enum err err = ERR_NOT_FOUND;
	if (customer.length == PSEUDONYM_SIZE)
		err = store_get(txn, REPLICA_USE, use_key(agreement, grant, day, customer, place), &value);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	*ret_customers = count;
	*ret_is_counted = err == ERR_OK;
	return ERR_OK;
}

/* Who was looked up is not kept longer than it is asked for. */
static enum err forget_before(struct store_txn *txn, int64_t day)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	uint8_t copy[USE_KEY_MAX];
	unsigned forgotten = 0;

	TRY(store_seek(txn, REPLICA_USE, SLICE_EMPTY, &cursor));
	while (forgotten < FORGET_MAX && store_next(cursor, &key, &value)) {
		if (key.length < USE_KEY_SIZE || key.length > sizeof copy || (int32_t)get_u32(key.data + DAY_AT) >= day)
			continue;
		memcpy(copy, key.data, key.length);
		store_delete(txn, REPLICA_USE, SLICE(copy, key.length));
		forgotten++;
	}
	return store_txn_status(txn);
}

enum err journal_count(struct store_txn *txn, const struct journal_access *access)
{
	uint32_t count, grant = (uint32_t)access->count_grant;
	uint8_t place[USE_KEY_MAX], value[4];
	struct slice there, customer = SLICE_ARRAY(access->customer);

	enum err err = store_get(txn, REPLICA_USE,
				 use_key(access->agreement, grant, access->count_day, customer, place), &there);
	if (err != ERR_NOT_FOUND)
		return err;
	TRY(read_count(txn, use_key(access->agreement, grant, access->count_day, SLICE_EMPTY, place), &count));
	if (count == 0)
		TRY(forget_before(txn, (int64_t)access->count_day - 1));
	put_u32(value, count + 1);
	store_put(txn, REPLICA_USE, use_key(access->agreement, grant, access->count_day, SLICE_EMPTY, place),
		  SLICE_ARRAY(value));
	store_put(txn, REPLICA_USE, use_key(access->agreement, grant, access->count_day, customer, place), SLICE_EMPTY);
	return ERR_OK;
}

static enum err count_elsewhere(struct store_txn *txn, void *context)
{
	return journal_count(txn, context);
}

enum err journal_count_elsewhere(struct journal *journal, const struct journal_access *access)
{
	struct journal_access copy = *access;

	return store_update(journal_store(journal), count_elsewhere, &copy);
}
