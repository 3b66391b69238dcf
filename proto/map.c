#include "kluis/map.h"

#include <search.h>

static int compare_keys(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

void map_init(struct map *map, struct arena *arena)
{
	*map = (struct map){.arena = arena};
}

static void keep(void *item)
{
	(void)item;
}

void map_fini(struct map *map)
{
	tdestroy(map->root, keep);
	map->root = NULL;
	map->count = 0;
}

void *map_find(const struct map *map, struct slice key)
{
	void *const *node = tfind(&key, &map->root, compare_keys);

	return node == NULL ? NULL : *node;
}

static void *add(struct map *map, struct slice key, size_t size)
{
	struct slice *item = arena_alloc(map->arena, size);
	const uint8_t *copy = arena_copy(map->arena, key);

	if (item == NULL || copy == NULL)
		return NULL;
	*item = SLICE(copy, key.length);
	if (tsearch(item, &map->root, compare_keys) == NULL)
		return NULL;
	map->count++;
	return item;
}

void *map_take(struct map *map, struct slice key, size_t size)
{
	void *item = map_find(map, key);

	return item != NULL ? item : add(map, key, size);
}

void map_remove(struct map *map, struct slice key)
{
	if (map_find(map, key) == NULL)
		return;
	tdelete(&key, &map->root, compare_keys);
	map->count--;
}

struct visit {
	void (*visit)(void *item, void *context);
	void *context;
};

static void visit_node(const void *node, VISIT order, void *closure)
{
	const struct visit *visit = closure;

	if (order == postorder || order == leaf)
		visit->visit(*(void *const *)node, visit->context);
}

void map_each(const struct map *map, void (*visit)(void *item, void *context), void *context)
{
	struct visit closure = {.visit = visit, .context = context};

	twalk_r(map->root, visit_node, &closure);
}
