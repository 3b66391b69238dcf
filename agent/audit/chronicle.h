/*
 * What the log was at each of its sizes: the root of the first entries, and when the last of them was made. A store's
 * journal names such trees (FORMAT.md R126). The hashes of the leaves are kept, 40 bytes an entry, and of the tiles
 * above them.
 *
 * Threads: one.
 */
#ifndef AUDIT_CHRONICLE_H
#define AUDIT_CHRONICLE_H

#include "kluis/tile.h"

struct chronicle_level {
	struct hash **tiles; /* TILE_WIDTH hashes each, the last one not full */
	size_t tile_capacity;
	uint64_t count; /* of hashes */
};

struct chronicle {
	struct arena *arena;
	uint64_t size;
	struct chronicle_level levels[TILE_LEVELS];
	uint64_t **times; /* TILE_WIDTH each */
	size_t time_capacity;
};

/* arena must live as long. */
void chronicle_init(struct chronicle *chronicle, struct arena *arena);
/* The next entry. ERR_MEMORY. */
enum err chronicle_add(struct chronicle *chronicle, const struct hash *leaf, uint64_t time_ms) MUST_USE;
/* The root of the first size entries, 1 to chronicle->size, and the time of the last one. */
void chronicle_at(const struct chronicle *chronicle, uint64_t size, struct hash *ret_root, uint64_t *ret_time_ms);

#endif
