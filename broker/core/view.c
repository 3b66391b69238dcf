#include "core/view.h"

#include <assert.h>
#include <string.h>

#define FIRST_CAPACITY 64

void view_init(struct view *view, struct store_txn *txn, struct arena *arena)
{
	*view = (struct view){.txn = txn, .arena = arena};
}

/* FNV-1a: only spreads keys over slots; what it confuses is prepared again for nothing. */
uint32_t view_hash(enum table table, struct slice key)
{
	uint32_t hash = (2166136261u ^ (uint32_t)table) * 16777619u;

	for (size_t i = 0; i < key.length; i++)
		hash = (hash ^ key.data[i]) * 16777619u;
	return hash;
}

/* Doubles an array in the arena; the old place stays behind until the arena goes. */
static void *grown(struct arena *arena, const void *items, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
	void *place = arena_array(arena, more, size);

	if (place == NULL)
		return NULL;
	if (count > 0)
		memcpy(place, items, count * size);
	*capacity = more;
	return place;
}

void view_note(struct view *view, enum table table, struct slice key)
{
	if (view->read_count == view->read_capacity) {
		uint32_t *reads =
			grown(view->arena, view->reads, view->read_count, &view->read_capacity, sizeof *view->reads);
		if (reads == NULL) {
			view->status = ERR_MEMORY;
			return;
		}
		view->reads = reads;
	}
	view->reads[view->read_count++] = view_hash(table, key);
}

/* Of one row, which the overlay knows. */
static bool is_of_row(const struct effect *effect)
{
	return effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE;
}

static bool is_row(const struct effect *effect, enum table table, struct slice key)
{
	return is_of_row(effect) && effect->table == table && slice_equal(effect->key, key);
}

static struct effect *overlay_find(const struct view *view, enum table table, struct slice key)
{
	if (view->bucket_count == 0)
		return NULL;
	uint32_t place = view->buckets[view_hash(table, key) % view->bucket_count];
	while (place != 0) {
		struct effect *effect = &view->effects[place - 1];
		if (is_row(effect, table, key))
			return effect;
		place = effect->next;
	}
	return NULL;
}

enum err view_get(struct view *view, enum table table, struct slice key, struct slice *ret_value)
{
	const struct effect *own = overlay_find(view, table, key);

	if (own != NULL && own->kind == EFFECT_DELETE)
		return ERR_NOT_FOUND;
	if (own != NULL) {
		*ret_value = own->value;
		return ERR_OK;
	}
	view_note(view, table, key);
	if (view->status != ERR_OK)
		return view->status;
	return store_get(view->txn, table, key, ret_value);
}

static void overlay_link(struct view *view, size_t place)
{
	struct effect *effect = &view->effects[place];

	if (!is_of_row(effect))
		return;
	uint32_t *bucket = &view->buckets[view_hash(effect->table, effect->key) % view->bucket_count];
	effect->next = *bucket;
	*bucket = (uint32_t)place + 1;
}

/* As many buckets as effects have room: chains stay short. */
static bool overlay_rebuild(struct view *view)
{
	uint32_t *buckets = arena_array(view->arena, view->effect_capacity, sizeof *buckets);

	if (buckets == NULL)
		return false;
	view->buckets = buckets;
	view->bucket_count = view->effect_capacity;
	for (size_t i = 0; i < view->effect_count; i++)
		overlay_link(view, i);
	return true;
}

static bool make_room(struct view *view)
{
	if (view->effect_count < view->effect_capacity)
		return true;
	struct effect *effects =
		grown(view->arena, view->effects, view->effect_count, &view->effect_capacity, sizeof *view->effects);
	if (effects == NULL)
		return false;
	view->effects = effects;
	return overlay_rebuild(view);
}

static struct slice kept(struct view *view, struct slice slice)
{
	uint8_t *copy = arena_copy(view->arena, slice);

	if (copy == NULL && slice.length > 0)
		view->status = ERR_MEMORY;
	return SLICE(copy, copy == NULL ? 0 : slice.length);
}

static void add(struct view *view, struct effect effect)
{
	if (view->status == ERR_OK && !make_room(view))
		view->status = ERR_MEMORY;
	if (view->status != ERR_OK)
		return;
	view->effects[view->effect_count] = effect;
	overlay_link(view, view->effect_count);
	view->effect_count++;
}

static void change(struct view *view, enum effect_kind kind, enum table table, struct slice key, struct slice value)
{
	struct effect *own = overlay_find(view, table, key);

	if (own != NULL) {
		own->kind = kind;
		own->value = kept(view, value);
		return;
	}
	add(view, (struct effect){.kind = kind, .table = table, .key = kept(view, key), .value = kept(view, value)});
}

void view_put(struct view *view, enum table table, struct slice key, struct slice value)
{
	assert(key.length > 0 && key.length <= STORE_KEY_MAX);
	change(view, EFFECT_PUT, table, key, value);
}

void view_delete(struct view *view, enum table table, struct slice key)
{
	change(view, EFFECT_DELETE, table, key, SLICE_EMPTY);
}

void view_delete_all(struct view *view, enum table table, struct slice prefix)
{
	assert(prefix.length > 0);
	add(view, (struct effect){.kind = EFFECT_DELETE_ALL, .table = table, .key = kept(view, prefix)});
}

void view_touch(struct view *view, uint32_t store, struct slice customer)
{
	add(view, (struct effect){.kind = EFFECT_TOUCH, .store = store, .key = kept(view, customer)});
}

void view_alone(struct view *view)
{
	view->is_alone = true;
}
