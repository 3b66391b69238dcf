#include "chronicle.h"

#include <assert.h>
#include <string.h>

#include "kluis/arena.h"

#define FIRST_CAPACITY 64

void chronicle_init(struct chronicle *chronicle, struct arena *arena)
{
	*chronicle = (struct chronicle){.arena = arena};
}

/* The place of a pointer list's next block, made if number is the first of it; the list doubles in the arena. NULL when
 * memory is out. */
static void *block_for(struct arena *arena, void ***blocks, size_t *capacity, uint64_t number, size_t item_size)
{
	size_t index = (size_t)(number / TILE_WIDTH);

	if (index == *capacity) {
		size_t more = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
		void **list = arena_array(arena, more, sizeof *list);

		if (list == NULL)
			return NULL;
		if (index > 0)
			memcpy(list, *blocks, index * sizeof *list);
		*blocks = list;
		*capacity = more;
	}
	if (number % TILE_WIDTH == 0)
		(*blocks)[index] = arena_array(arena, TILE_WIDTH, item_size);
	return (*blocks)[index];
}

static enum err add_hash(struct chronicle *chronicle, struct chronicle_level *level, const struct hash *hash)
{
	void **blocks = (void **)level->tiles;
	struct hash *tile =
		block_for(chronicle->arena, &blocks, &level->tile_capacity, level->count, sizeof(struct hash));

	level->tiles = (struct hash **)blocks;
	if (tile == NULL)
		return ERR_MEMORY;
	tile[level->count++ % TILE_WIDTH] = *hash;
	return ERR_OK;
}

static enum err add_time(struct chronicle *chronicle, uint64_t time_ms)
{
	void **blocks = (void **)chronicle->times;
	uint64_t *block =
		block_for(chronicle->arena, &blocks, &chronicle->time_capacity, chronicle->size, sizeof(uint64_t));

	chronicle->times = (uint64_t **)blocks;
	if (block == NULL)
		return ERR_MEMORY;
	block[chronicle->size % TILE_WIDTH] = time_ms;
	return ERR_OK;
}

enum err chronicle_add(struct chronicle *chronicle, const struct hash *leaf, uint64_t time_ms)
{
	struct hash hash = *leaf;

	TRY(add_time(chronicle, time_ms));
	for (size_t i = 0; i < TILE_LEVELS; i++) {
		struct chronicle_level *level = &chronicle->levels[i];

		TRY(add_hash(chronicle, level, &hash));
		if (level->count % TILE_WIDTH != 0)
			break;
		tile_root(level->tiles[level->count / TILE_WIDTH - 1], TILE_WIDTH, &hash);
	}
	chronicle->size++;
	return ERR_OK;
}

/* A node of any level is the root of 1 to 128 neighbours in one tile. */
static enum err read_node(void *context, unsigned level, uint64_t index, struct hash *ret_hash)
{
	const struct chronicle *chronicle = context;
	unsigned count = 1u << level % 8;
	uint64_t first = index * count;

	assert(level / 8 < TILE_LEVELS && first + count <= chronicle->levels[level / 8].count);
	tile_root(chronicle->levels[level / 8].tiles[first / TILE_WIDTH] + first % TILE_WIDTH, count, ret_hash);
	return ERR_OK;
}

void chronicle_at(const struct chronicle *chronicle, uint64_t size, struct hash *ret_root, uint64_t *ret_time_ms)
{
	struct chronicle copy = *chronicle; /* merkle's context is not const */
	enum err err;

	assert(size > 0 && size <= chronicle->size);
	err = merkle_root_at(size, read_node, &copy, ret_root);
	assert(err == ERR_OK);
	*ret_time_ms = chronicle->times[(size - 1) / TILE_WIDTH][(size - 1) % TILE_WIDTH];
}
