/*
 * Makes all tiles of a tree from its leaf hashes, in order, with one tile a level in memory: who mirrors
 * writes them, who verifies compares them with those that stand there.
 *
 * Threads: a builder belongs to one thread.
 */
#ifndef AUDIT_BUILDER_H
#define AUDIT_BUILDER_H

#include "kluis/tile.h"

/* Takes a tile (full as soon as it is, partial ones by builder_finish): tile.width hashes. */
typedef enum err builder_tile_fn(void *context, const struct tile *tile, const struct hash *hashes,
				 struct fault *fault);

struct builder {
	struct frontier frontier;
	struct hash tiles[TILE_LEVELS][TILE_WIDTH]; /* the last, unfinished one of each level */
	builder_tile_fn *take;
	void *context;
};

/* Some 64 KiB; on the heap. NULL when memory is out. */
struct builder *builder_new(builder_tile_fn *take, void *context);
void builder_free(struct builder **builder);

/* Goes on from a tree of size, whose partial tiles read gives (widths and places as tile_extent says). */
typedef enum err builder_read_fn(void *context, const struct tile *tile, struct hash *ret_hashes, struct fault *fault);
enum err builder_load(struct builder *builder, uint64_t size, builder_read_fn *read, void *context,
		      struct fault *fault) MUST_USE;

enum err builder_add(struct builder *builder, const struct hash *leaf, struct fault *fault) MUST_USE;
/* Hands out the partial tiles. */
enum err builder_finish(struct builder *builder, struct fault *fault) MUST_USE;

#endif
