#include "ledger/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/tile.h"
#include "ledger/ledger_key.h"

/* Of each level the tile that is being filled, and the frontier within it: its size is the tile's width and
 * nodes[l] the root of a complete subtree of 2^l of its hashes, so a tile that fills up has its root in nodes[8]. */
struct level {
	struct frontier frontier;
	struct hash tile[TILE_WIDTH];
};

struct tree {
	uint64_t size;
	struct level levels[TILE_LEVELS];
};

struct ledger {
	struct ledger_tables tables;
	struct tree committed, working;
	struct bytes frontier; /* has its room from the start, so that ledger_finish cannot fail */
};

#define FRONTIER_MAX (8 + MERKLE_LEVELS * HASH_SIZE)

/* The frontier of the whole tree is those of the levels one after the other. */
static void join_frontiers(const struct tree *tree, struct frontier *ret_frontier)
{
	*ret_frontier = (struct frontier){.size = tree->size};
	for (size_t i = 0; i < TILE_LEVELS; i++)
		memcpy(&ret_frontier->nodes[i * 8], tree->levels[i].frontier.nodes, 8 * sizeof(struct hash));
}

/* Only what is in use: a tile is seldom full. */
static void copy_tree(const struct tree *from, struct tree *to)
{
	to->size = from->size;
	for (size_t i = 0; i < TILE_LEVELS; i++) {
		size_t width = (size_t)from->levels[i].frontier.size;
		to->levels[i].frontier.size = width;
		if (width == 0)
			continue;
		memcpy(to->levels[i].frontier.nodes, from->levels[i].frontier.nodes, 8 * sizeof(struct hash));
		memcpy(to->levels[i].tile, from->levels[i].tile, width * sizeof(struct hash));
	}
}

static size_t level_add(struct level *level, const struct hash *hash)
{
	level->tile[level->frontier.size] = *hash;
	frontier_append(&level->frontier, hash);
	return (size_t)level->frontier.size;
}

/* ---- opening ---- */

/* Hashes the entries of the level-0 tile that is not full: at most 255. */
static enum err load_entries(struct ledger *ledger, struct store_txn *txn)
{
	struct tree *tree = &ledger->committed;
	for (uint64_t index = tree->size - tree->size % TILE_WIDTH; index < tree->size; index++) {
		struct slice entry;
		struct hash leaf;
		TRY(ledger_entry(&ledger->tables, txn, index, &entry));
		merkle_leaf(entry, &leaf);
		level_add(&tree->levels[0], &leaf);
	}
	return ERR_OK;
}

static enum err load_tile(struct ledger *ledger, struct store_txn *txn, unsigned level)
{
	struct tree *tree = &ledger->committed;
	uint8_t key[TILE_KEY_SIZE];
	struct slice hashes;
	uint64_t full;
	unsigned width;
	tile_extent(tree->size, level, &full, &width);
	if (width == 0)
		return ERR_OK;
	TRY(store_get(txn, ledger->tables.tile, tile_key(level, full, key), &hashes));
	if (hashes.length != width * HASH_SIZE)
		return ERR_CORRUPT;
	for (unsigned i = 0; i < width; i++) {
		struct hash hash;
		memcpy(hash.bytes, hashes.data + i * HASH_SIZE, HASH_SIZE);
		level_add(&tree->levels[level], &hash);
	}
	return ERR_OK;
}

/* Exactly as many entries as the frontier says. */
static enum err check_last(const struct ledger *ledger, struct store_txn *txn, uint64_t size)
{
	struct slice key, entry;
	enum err err = store_last(txn, ledger->tables.entry, &key, &entry);
	if (err == ERR_NOT_FOUND)
		return size == 0 ? ERR_OK : ERR_CORRUPT;
	TRY(err);
	return size > 0 && key.length == ENTRY_KEY_SIZE && get_u64(key.data) == size - 1 ? ERR_OK : ERR_CORRUPT;
}

/* What the tiles and entries give is what the stored frontier says. */
static bool agrees(const struct tree *tree, const struct frontier *stored)
{
	bool is_equal = true;
	for (size_t i = 0; i < MERKLE_LEVELS; i++) {
		const struct hash *computed = &tree->levels[i / 8].frontier.nodes[i % 8];
		if ((stored->size >> i & 1) == 1)
			is_equal &= slice_equal(SLICE_ARRAY(computed->bytes), SLICE_ARRAY(stored->nodes[i].bytes));
	}
	return is_equal;
}

static enum err load(struct ledger *ledger, struct store_txn *txn)
{
	struct frontier stored = {.size = 0};
	struct slice bytes;
	enum err err = store_get(txn, ledger->tables.meta, slice_text(FRONTIER_KEY), &bytes);
	if (err == ERR_OK)
		err = frontier_decode(bytes, &stored) == ERR_OK ? ERR_OK : ERR_CORRUPT;
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	ledger->committed.size = stored.size;
	TRY(check_last(ledger, txn, stored.size));
	TRY(load_entries(ledger, txn));
	for (unsigned level = 1; level < TILE_LEVELS; level++)
		TRY(load_tile(ledger, txn, level));
	return agrees(&ledger->committed, &stored) ? ERR_OK : ERR_CORRUPT;
}

enum err ledger_open(struct store_txn *txn, const struct ledger_tables *tables, struct ledger **ret_ledger,
		     struct fault *fault)
{
	CLEANUP(ledger_free) struct ledger *ledger = calloc(1, sizeof(*ledger));
	if (!ledger)
		return ERR_MEMORY;
	uint8_t *room;
	ledger->tables = *tables;
	bytes_init(&ledger->frontier, FRONTIER_MAX);
	TRY(bytes_reserve(&ledger->frontier, FRONTIER_MAX, &room));
	enum err err = load(ledger, txn);
	if (err == ERR_NOT_FOUND || err == ERR_CORRUPT)
		return fault_set(fault, ERR_CORRUPT, "the log's entries and tree do not agree at its end (entry %llu)",
				 (unsigned long long)ledger->committed.size);
	TRY(err);
	*ret_ledger = ledger;
	ledger = NULL;
	return ERR_OK;
}

void ledger_free(struct ledger **ledger)
{
	if (!*ledger)
		return;
	bytes_fini(&(*ledger)->frontier);
	free(*ledger);
	*ledger = NULL;
}

/* ---- appending ---- */

void ledger_begin(struct ledger *ledger)
{
	copy_tree(&ledger->committed, &ledger->working);
}

void ledger_keep(struct ledger *ledger)
{
	copy_tree(&ledger->working, &ledger->committed);
}

void ledger_drop(struct ledger *ledger)
{
	copy_tree(&ledger->committed, &ledger->working);
}

/* The tile at this level that holds hash number index of the level. */
static void put_tile(struct ledger *ledger, struct store_txn *txn, unsigned level, uint64_t index)
{
	const struct level *filled = &ledger->working.levels[level];
	uint8_t key[TILE_KEY_SIZE];
	store_put(txn, ledger->tables.tile, tile_key(level, index / TILE_WIDTH, key),
		  SLICE(filled->tile, (size_t)filled->frontier.size * HASH_SIZE));
}

/* A tile that fills up is one hash more one level up, whose tile is stored too, full or not. */
static void add_leaf(struct ledger *ledger, struct store_txn *txn, const struct hash *leaf)
{
	struct tree *tree = &ledger->working;
	struct hash hash = *leaf;
	uint64_t index = tree->size++;
	for (unsigned level = 0; level < TILE_LEVELS; level++, index /= TILE_WIDTH) {
		bool is_full = level_add(&tree->levels[level], &hash) == TILE_WIDTH;
		if (is_full || level > 0)
			put_tile(ledger, txn, level, index);
		if (!is_full)
			return;
		hash = tree->levels[level].frontier.nodes[8];
		tree->levels[level].frontier.size = 0;
	}
}

enum err ledger_append(struct ledger *ledger, struct store_txn *txn, struct slice entry, uint64_t *ret_index,
		       struct hash *ret_leaf)
{
	if (entry.length > ENTRY_MAX)
		return ERR_TOO_LARGE;
	uint64_t index = ledger->working.size;
	uint8_t key[ENTRY_KEY_SIZE];
	struct hash leaf;
	store_append(txn, ledger->tables.entry, entry_key(index, key), entry);
	merkle_leaf(entry, &leaf);
	add_leaf(ledger, txn, &leaf);
	if (ret_index)
		*ret_index = index;
	if (ret_leaf)
		*ret_leaf = leaf;
	return ERR_OK;
}

void ledger_finish(struct ledger *ledger, struct store_txn *txn)
{
	struct frontier frontier;
	join_frontiers(&ledger->working, &frontier);
	bytes_clear(&ledger->frontier);
	enum err err = frontier_encode(&frontier, &ledger->frontier);
	assert(err == ERR_OK);
	store_put(txn, ledger->tables.meta, slice_text(FRONTIER_KEY), bytes_slice(&ledger->frontier));
}

uint64_t ledger_size(const struct ledger *ledger)
{
	return ledger->committed.size;
}

void ledger_root(const struct ledger *ledger, struct hash *ret_root)
{
	struct frontier frontier;
	join_frontiers(&ledger->committed, &frontier);
	frontier_root(&frontier, ret_root);
}
