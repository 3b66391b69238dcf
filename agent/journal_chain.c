#include "journal_chain.h"

#include <string.h>

#include "kluis/hash.h"
#include "kluis/journal.h"
#include "replica.h"
#include "sealed_row.h"

#define CHAIN_KEY "journal"
#define CHAIN_SIZE (8 + HASH_SIZE + 8 + 8 + HASH_SIZE + 8 + HASH_SIZE)

/* ---- the sealed row ---- */

struct slice journal_key(uint64_t number, uint8_t place[static JOURNAL_KEY_SIZE])
{
	put_u64(place, number);
	return SLICE(place, JOURNAL_KEY_SIZE);
}

static void read_hash(struct reader *reader, struct hash *ret_hash)
{
	struct slice hash = reader_take(reader, HASH_SIZE);

	if (hash.length == HASH_SIZE)
		memcpy(ret_hash->bytes, hash.data, HASH_SIZE);
}

static enum err decode(struct slice plain, struct journal_chain *ret_chain)
{
	struct reader reader = reader_of(plain);
	struct journal_chain chain = {0};

	chain.number = reader_u64(&reader);
	read_hash(&reader, &chain.hash);
	chain.time_ms = reader_u64(&reader);
	chain.seen_size = reader_u64(&reader);
	read_hash(&reader, &chain.seen_root);
	chain.logged = reader_u64(&reader);
	read_hash(&reader, &chain.logged_hash);
	if (reader.is_short || reader.rest.length > 0 || chain.logged > chain.number)
		return ERR_CORRUPT;
	*ret_chain = chain;
	return ERR_OK;
}

enum err journal_chain_get(struct store_txn *txn, const uint8_t key[static KEY_SIZE], struct journal_chain *ret_chain)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init(&plain, CHAIN_SIZE);
	enum err err = sealed_row_get(txn, key, slice_text(CHAIN_KEY), &plain);
	if (err == ERR_NOT_FOUND) {
		*ret_chain = (struct journal_chain){0};
		return ERR_OK;
	}
	TRY(err);
	return decode(bytes_slice(&plain), ret_chain);
}

enum err journal_chain_put(struct store_txn *txn, const uint8_t key[static KEY_SIZE], const struct journal_chain *chain)
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init(&plain, CHAIN_SIZE);
	TRY(bytes_append_u64(&plain, chain->number));
	TRY(bytes_append(&plain, SLICE_ARRAY(chain->hash.bytes)));
	TRY(bytes_append_u64(&plain, chain->time_ms));
	TRY(bytes_append_u64(&plain, chain->seen_size));
	TRY(bytes_append(&plain, SLICE_ARRAY(chain->seen_root.bytes)));
	TRY(bytes_append_u64(&plain, chain->logged));
	TRY(bytes_append(&plain, SLICE_ARRAY(chain->logged_hash.bytes)));
	return sealed_row_put(txn, key, slice_text(CHAIN_KEY), bytes_slice(&plain));
}

/* ---- checking ---- */

static enum err say_altered(struct fault *fault, uint64_t number)
{
	return fault_set(fault, ERR_CORRUPT, "journal record %llu was altered", (unsigned long long)number);
}

static enum err say_missing(struct fault *fault, uint64_t first, uint64_t last)
{
	if (first == last)
		return fault_set(fault, ERR_CORRUPT, "journal record %llu is missing", (unsigned long long)first);
	return fault_set(fault, ERR_CORRUPT, "journal records %llu to %llu are missing", (unsigned long long)first,
			 (unsigned long long)last);
}

/* Which numbers are there is looked at first, so that what is missing is said before what does not fit. */
static enum err check_numbers(struct store_txn *txn, const struct journal_chain *chain, struct fault *fault)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	uint64_t expected = chain->logged + 1;
	struct slice key, value;

	TRY(store_seek(txn, REPLICA_JOURNAL, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value)) {
		uint64_t number = key.length == JOURNAL_KEY_SIZE ? get_u64(key.data) : 0;
		if (number < expected || number > chain->number)
			return fault_set(fault, ERR_CORRUPT, "journal record %llu was put there by something else",
					 (unsigned long long)number);
		if (number > expected)
			return say_missing(fault, expected, number - 1);
		expected++;
	}
	TRY(store_txn_status(txn));
	return expected > chain->number ? ERR_OK : say_missing(fault, expected, chain->number);
}

static enum err check_record(struct slice bytes, uint64_t number, const struct hash *expected, struct arena *arena,
			     struct hash *ret_before, struct fault *fault)
{
	const Kluis__JournalRecord *record;
	struct hash hash;

	journal_record_hash(bytes, &hash);
	if (memcmp(hash.bytes, expected->bytes, HASH_SIZE) != 0)
		return say_altered(fault, number);
	enum err err = journal_record_decode(bytes, arena, &record, NULL);
	if (err == ERR_INPUT || err == ERR_TOO_LARGE || (err == ERR_OK && record->number != number))
		return say_altered(fault, number);
	TRY(err);
	memcpy(ret_before->bytes, record->before.data, HASH_SIZE);
	return ERR_OK;
}

/* From the end, whose hash is sealed, to the front: a record is right if the one after it says so. */
enum err journal_chain_check(struct store_txn *txn, const struct journal_chain *chain, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct hash expected = chain->hash;
	uint8_t place[JOURNAL_KEY_SIZE];
	struct slice bytes;

	TRY(check_numbers(txn, chain, fault));
	arena_init(&arena, REQUEST_ARENA_MAX);
	for (uint64_t number = chain->number; number > chain->logged; number--) {
		struct hash before;
		TRY(store_get(txn, REPLICA_JOURNAL, journal_key(number, place), &bytes));
		TRY(check_record(bytes, number, &expected, &arena, &before, fault));
		expected = before;
		arena_reset(&arena);
	}
	return memcmp(expected.bytes, chain->logged_hash.bytes, HASH_SIZE) == 0 ? ERR_OK
										: say_altered(fault, chain->logged + 1);
}
