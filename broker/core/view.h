/*
 * What one request sees and what it wants to change. Reads go to a snapshot
 * (or, when the request is prepared again, to the write transaction) and
 * are remembered, so that the writer can tell whether they still hold; writes are collected
 * as effects and seen by the request's own later reads.
 *
 * Threads: a view belongs to one thread at a time.
 */
#ifndef KLUIS_VIEW_H
#define KLUIS_VIEW_H

#include "core/tables.h"
#include "kluis/arena.h"
#include "kluis/store.h"

enum effect_kind { EFFECT_PUT, EFFECT_DELETE, EFFECT_DELETE_ALL, EFFECT_TOUCH };
struct effect {
	enum effect_kind kind;
	enum table table;   /* put, deletes */
	struct slice key;   /* put, deletes; with touch the customer's pseudonym */
	struct slice value; /* put */
	uint32_t store;	    /* touch */
	uint32_t next;	    /* overlay's chain: place + 1, 0 ends */
};

struct view {
	struct store_txn *txn;
	struct arena *arena; /* keys and values of effects live here */
	uint32_t *reads;     /* hashes of what was read */
	size_t read_count, read_capacity;
	struct effect *effects;
	size_t effect_count, effect_capacity;
	uint32_t *buckets; /* overlay: hash -> place in effects + 1 */
	size_t bucket_count;
	bool is_alone;	 /* view_alone */
	enum err status; /* sticky: a lack of memory in put, delete, touch */
};

void view_init(struct view *view, struct store_txn *txn, struct arena *arena);

/* ERR_NOT_FOUND. ret_value: valid until the transaction ends, or from an own put as long as the arena. */
enum err view_get(struct view *view, enum table table, struct slice key, struct slice *ret_value) MUST_USE;
/* Sticky, copies key and value. */
void view_put(struct view *view, enum table table, struct slice key, struct slice value);
void view_delete(struct view *view, enum table table, struct slice key);
/* All rows whose keys begin so, as they are at commit: also those that were put since the snapshot. Later reads of the
 * request's own still see them. */
void view_delete_all(struct view *view, enum table table, struct slice prefix);
/* The customer changed for the store (or FEED_ALL): its place in that feed becomes the newest, assigned at commit. */
void view_touch(struct view *view, uint32_t store, struct slice customer);
/* Says that a row of the transaction was read through a cursor (own writes do not show in cursors). */
void view_note(struct view *view, enum table table, struct slice key);

/* What it found by walking tables holds only if nothing is committed in between: it is prepared again in the write
 * transaction. */
void view_alone(struct view *view);

/* 32-bit hash of table and key: what conflicts are found by. Equal for equal rows, seldom for others. */
uint32_t view_hash(enum table table, struct slice key);

#endif
