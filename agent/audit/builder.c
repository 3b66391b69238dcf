#include "builder.h"

#include <assert.h>
#include <stdlib.h>

struct builder *builder_new(builder_tile_fn *take, void *context)
{
	struct builder *builder = calloc(1, sizeof *builder);

	if (builder == NULL)
		return NULL;
	builder->take = take;
	builder->context = context;
	return builder;
}

void builder_free(struct builder **builder)
{
	free(*builder);
	*builder = NULL;
}

/* Width of the unfinished tile of a level. */
static struct tile unfinished(uint64_t size, unsigned level)
{
	struct tile tile = {.level = level};

	tile_extent(size, level, &tile.index, &tile.width);
	return tile;
}

/*
 * The complete subtrees of a frontier from the hashes of the unfinished tiles: bit l of size is a subtree of
 * 2^(l mod 8) hashes of the tile of level l / 8, after those of the higher bits of the same tile.
 */
void builder_root(const struct builder *builder, struct hash *ret_root)
{
	struct frontier frontier = {.size = builder->size};

	for (unsigned bit = 0; bit < 8 * TILE_LEVELS; bit++) {
		unsigned level = bit / 8, width = 1u << bit % 8;
		unsigned before = (unsigned)(builder->size >> 8 * level) & (TILE_WIDTH - 1) & ~(2 * width - 1);

		if ((builder->size >> bit & 1) != 0)
			tile_root(builder->tiles[level] + before, width, &frontier.nodes[bit]);
	}
	frontier_root(&frontier, ret_root);
}

enum err builder_load(struct builder *builder, uint64_t size, builder_read_fn *read, void *context, struct fault *fault)
{
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		struct tile tile = unfinished(size, level);

		if (tile.width > 0)
			TRY(read(context, &tile, builder->tiles[level], fault));
	}
	builder->size = size;
	return ERR_OK;
}

/* Puts a hash behind those of a level's tile, which may complete it, and so on upwards. */
static enum err put(struct builder *builder, unsigned level, struct hash hash, uint64_t size_before,
		    struct fault *fault)
{
	for (; level < TILE_LEVELS; level++) {
		struct tile tile = unfinished(size_before, level);

		builder->tiles[level][tile.width++] = hash;
		if (tile.width < TILE_WIDTH)
			break;
		TRY(builder->take(builder->context, &tile, builder->tiles[level], fault));
		tile_root(builder->tiles[level], TILE_WIDTH, &hash);
	}
	return ERR_OK;
}

enum err builder_add(struct builder *builder, const struct hash *leaf, struct fault *fault)
{
	return put(builder, 0, *leaf, builder->size++, fault);
}

enum err builder_add_tile(struct builder *builder, const struct hash *leaves, const struct hash *root,
			  struct fault *fault)
{
	struct tile tile = {.index = builder->size / TILE_WIDTH, .width = TILE_WIDTH};
	uint64_t before = builder->size;

	assert(before % TILE_WIDTH == 0);
	builder->size += TILE_WIDTH;
	TRY(builder->take(builder->context, &tile, leaves, fault));
	return put(builder, 1, *root, before, fault);
}

enum err builder_finish(struct builder *builder, struct fault *fault)
{
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		struct tile tile = unfinished(builder->size, level);

		if (tile.width > 0)
			TRY(builder->take(builder->context, &tile, builder->tiles[level], fault));
	}
	return ERR_OK;
}
