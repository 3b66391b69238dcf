#include "outbox_list.h"

#include <stdlib.h>
#include <string.h>

void outbox_list_fini(struct outbox_list *list)
{
	free(list->places);
	*list = (struct outbox_list){0};
}

static enum err reserve(struct outbox_list *list, size_t count)
{
	if (count <= list->capacity)
		return ERR_OK;
	size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
	if (capacity < count)
		capacity = count;
	struct outbox_place *grown = calloc(capacity, sizeof *grown);
	if (grown == NULL)
		return ERR_MEMORY;
	if (list->count > 0)
		memcpy(grown, list->places, list->count * sizeof *grown);
	free(list->places);
	list->places = grown;
	list->capacity = capacity;
	return ERR_OK;
}

enum err outbox_list_copy(const struct outbox_list *from, struct outbox_list *ret_list)
{
	TRY(reserve(ret_list, from->count + 1));
	if (from->count > 0)
		memcpy(ret_list->places, from->places, from->count * sizeof *from->places);
	ret_list->count = from->count;
	ret_list->next = from->next;
	return ERR_OK;
}

size_t outbox_list_place(const struct outbox_list *list, uint64_t number)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (list->places[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct outbox_place *outbox_list_find(struct outbox_list *list, uint64_t number)
{
	size_t i = outbox_list_place(list, number);

	return i < list->count && list->places[i].number == number ? &list->places[i] : NULL;
}

void outbox_list_remove(struct outbox_list *list, uint64_t number)
{
	struct outbox_place *place = outbox_list_find(list, number);

	if (place == NULL)
		return;
	size_t behind = list->count - (size_t)(place - list->places) - 1;
	memmove(place, place + 1, behind * sizeof *place);
	list->count--;
}

uint64_t outbox_list_count(const struct outbox_list *list, bool is_refused)
{
	uint64_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += (list->places[i].state == OUTBOX_REFUSED) == is_refused;
	return count;
}

static enum err append_runs(const struct outbox_list *list, struct bytes *plain)
{
	for (size_t i = 0, first = 0; i < list->count; i++) {
		bool is_last = i + 1 == list->count || list->places[i + 1].number != list->places[i].number + 1;
		if (!is_last)
			continue;
		TRY(bytes_append_u64(plain, list->places[first].number));
		TRY(bytes_append_u64(plain, list->places[i].number));
		first = i + 1;
	}
	return ERR_OK;
}

enum err outbox_list_print(const struct outbox_list *list, struct bytes *ret_bytes)
{
	TRY(bytes_append_u64(ret_bytes, list->next));
	return append_runs(list, ret_bytes);
}

static enum err add_run(struct outbox_list *list, uint64_t first, uint64_t last)
{
	if (last < first || last - first >= OUTBOX_ITEMS_MAX || list->count + (last - first) >= OUTBOX_ITEMS_MAX ||
	    last >= list->next)
		return ERR_CORRUPT;
	if (list->count > 0 && list->places[list->count - 1].number >= first)
		return ERR_CORRUPT;
	TRY(reserve(list, list->count + (size_t)(last - first) + 1));
	for (uint64_t number = first; number <= last; number++)
		list->places[list->count++] = (struct outbox_place){.number = number};
	return ERR_OK;
}

enum err outbox_list_parse(struct slice bytes, struct outbox_list *list)
{
	struct reader reader = reader_of(bytes);

	list->next = reader_u64(&reader);
	while (reader.rest.length > 0 && !reader.is_short) {
		uint64_t first = reader_u64(&reader), last = reader_u64(&reader);
		if (reader.is_short)
			return ERR_CORRUPT;
		TRY(add_run(list, first, last));
	}
	return reader.is_short ? ERR_CORRUPT : ERR_OK;
}
