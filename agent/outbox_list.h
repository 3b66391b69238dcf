/*
 * Which items the outbox has, by number, ascending: in memory, and as the bytes of the sealed summary on disk:
 * u64 next number, then u64 first, u64 last of each run of numbers that are there.
 *
 * Threads: the outbox's mutex.
 */
#ifndef KLUIS_AGENT_OUTBOX_LIST_H
#define KLUIS_AGENT_OUTBOX_LIST_H

#include "outbox.h"

#define OUTBOX_LIST_MAX (8 + 16 * OUTBOX_ITEMS_MAX) /* bytes of a summary */

/* One item, without opening it. */
struct outbox_place {
	uint64_t number;
	enum outbox_state state;
};

struct outbox_list {
	struct outbox_place *places;
	size_t count, capacity;
	uint64_t next; /* number of the next item */
};

void outbox_list_fini(struct outbox_list *list);
/* A copy into an empty list, with room for one place more. */
enum err outbox_list_copy(const struct outbox_list *from, struct outbox_list *ret_list) MUST_USE;
/* Index of the first place whose number is not less; count if there is none. */
size_t outbox_list_place(const struct outbox_list *list, uint64_t number);
/* NULL if the number is not there. */
struct outbox_place *outbox_list_find(struct outbox_list *list, uint64_t number);
void outbox_list_remove(struct outbox_list *list, uint64_t number);
/* Refused ones, or all the others. */
uint64_t outbox_list_count(const struct outbox_list *list, bool is_refused);

enum err outbox_list_print(const struct outbox_list *list, struct bytes *ret_bytes) MUST_USE;
/* Into an empty list; all states are OUTBOX_WAITING. ERR_CORRUPT: numbers that are not ascending, more than
 * OUTBOX_ITEMS_MAX, or not below the next. */
enum err outbox_list_parse(struct slice bytes, struct outbox_list *list) MUST_USE;

#endif
