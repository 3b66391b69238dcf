/* What any transaction can read of the log, without the writer's memory. */
#include "kluis/tile.h"
#include "ledger/ledger.h"
#include "ledger/ledger_key.h"

#include <assert.h>

enum err ledger_size_at(const struct ledger_tables *tables, struct store_txn *txn, uint64_t *ret_size)
{
	struct slice frontier;
	enum err err = store_get(txn, tables->meta, slice_text(FRONTIER_KEY), &frontier);
	if (err == ERR_NOT_FOUND) {
		*ret_size = 0;
		return ERR_OK;
	}
	TRY(err);
	struct reader reader = reader_of(frontier);
	uint64_t size = reader_u64(&reader);
	if (reader.is_short)
		return ERR_CORRUPT;
	*ret_size = size;
	return ERR_OK;
}

enum err ledger_entry(const struct ledger_tables *tables, struct store_txn *txn, uint64_t index,
		      struct slice *ret_entry)
{
	uint8_t key[ENTRY_KEY_SIZE];
	return store_get(txn, tables->entry, entry_key(index, key), ret_entry);
}

/* ---- proofs ---- */

struct source {
	const struct ledger_tables *tables;
	struct store_txn *txn;
};

/* Of the last tile at level 0, which is not stored before it is full. */
static enum err hash_entries(const struct source *source, uint64_t first, unsigned count, struct hash *ret_root)
{
	struct hash leaves[TILE_WIDTH / 4];
	struct hash right;
	if (count > TILE_WIDTH / 4) { /* keeps the frame small */
		TRY(hash_entries(source, first, count / 2, ret_root));
		TRY(hash_entries(source, first + count / 2, count / 2, &right));
		merkle_node(ret_root, &right, ret_root);
		return ERR_OK;
	}
	for (unsigned i = 0; i < count; i++) {
		struct slice entry;
		TRY(ledger_entry(source->tables, source->txn, first + i, &entry));
		merkle_leaf(entry, &leaves[i]);
	}
	tile_root(leaves, count, ret_root);
	return ERR_OK;
}

/* A node of any level is the root of 1 to 128 neighbours in one tile. */
static enum err read_node(void *context, unsigned level, uint64_t index, struct hash *ret_hash)
{
	const struct source *source = context;
	assert(level < TILE_LEVELS * 8);
	unsigned count = 1U << level % 8;
	uint64_t first = index * count;
	size_t at = first % TILE_WIDTH;
	uint8_t key[TILE_KEY_SIZE];
	struct slice hashes;
	enum err err =
		store_get(source->txn, source->tables->tile, tile_key(level / 8, first / TILE_WIDTH, key), &hashes);
	if (err == ERR_NOT_FOUND && level < 8)
		err = hash_entries(source, first, count, ret_hash);
	else if (err == ERR_OK && hashes.length >= (at + count) * HASH_SIZE)
		tile_root((const struct hash *)(const void *)hashes.data + at, count, ret_hash);
	else if (err == ERR_OK)
		err = ERR_CORRUPT;
	return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

static enum err check_size(const struct source *source, uint64_t size)
{
	uint64_t present;
	TRY(ledger_size_at(source->tables, source->txn, &present));
	return size <= present ? ERR_OK : ERR_NOT_FOUND;
}

enum err ledger_prove_inclusion(const struct ledger_tables *tables, struct store_txn *txn, uint64_t index,
				uint64_t size, struct merkle_proof *ret_proof)
{
	struct source source = {.tables = tables, .txn = txn};
	TRY(check_size(&source, size));
	return merkle_prove_inclusion(index, size, read_node, &source, ret_proof);
}

enum err ledger_prove_consistency(const struct ledger_tables *tables, struct store_txn *txn, uint64_t old_size,
				  uint64_t new_size, struct merkle_proof *ret_proof)
{
	struct source source = {.tables = tables, .txn = txn};
	TRY(check_size(&source, new_size));
	return merkle_prove_consistency(old_size, new_size, read_node, &source, ret_proof);
}

enum err ledger_root_at(const struct ledger_tables *tables, struct store_txn *txn, uint64_t size, struct hash *ret_root)
{
	struct source source = {.tables = tables, .txn = txn};
	TRY(check_size(&source, size));
	return merkle_root_at(size, read_node, &source, ret_root);
}

/* ---- checkpoint ---- */

enum err ledger_checkpoint(const struct ledger_tables *tables, struct store_txn *txn, struct slice *ret_note)
{
	return store_get(txn, tables->meta, slice_text(CHECKPOINT_KEY), ret_note);
}

void ledger_put_checkpoint(const struct ledger_tables *tables, struct store_txn *txn, struct slice note)
{
	store_put(txn, tables->meta, slice_text(CHECKPOINT_KEY), note);
}
