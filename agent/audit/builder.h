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
	uint64_t size;				    /* leaves so far */
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
/* A whole tile of leaves at once, where size is a multiple of TILE_WIDTH; root is tile_root of them, which another
 * thread may have made. */
enum err builder_add_tile(struct builder *builder, const struct hash *leaves, const struct hash *root,
			  struct fault *fault) MUST_USE;
/* The root of the tree so far. */
void builder_root(const struct builder *builder, struct hash *ret_root);
/* Hands out the partial tiles. */
enum err builder_finish(struct builder *builder, struct fault *fault) MUST_USE;

#endif
