/*
 * Facts by key: a search tree over bytes (glibc's tsearch), whose keys come from hostile messages and
 * therefore must not be able to make it slow.
 *
 * An item begins with a struct slice that is its key; it and its key live in the map's arena.
 *
 * Threads: a map belongs to one thread.
 */
#ifndef KLUIS_MAP_H
#define KLUIS_MAP_H

#include "kluis/arena.h"

struct map {
	void *root;
	struct arena *arena;
	size_t count;
};

/* An empty map; arena must live as long. */
void map_init(struct map *map, struct arena *arena);
/* Frees the tree; items belong to the arena. Usable with CLEANUP. */
void map_fini(struct map *map);

/* The item, or NULL. */
void *map_find(const struct map *map, struct slice key);
/* The item, made of size zeroed bytes with a copy of the key if it was not there; NULL when memory is out. */
void *map_take(struct map *map, struct slice key, size_t size);
/* Nothing happens if the key is not there. */
void map_remove(struct map *map, struct slice key);

/* Calls visit for each item in order of keys. */
void map_each(const struct map *map, void (*visit)(void *item, void *context), void *context);

#endif
