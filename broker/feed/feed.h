/*
 * What changed for whom: for each store the customers in its reach by their
 * latest change, oldest first, and one feed for the stores that may see all.
 * Both number their changes from one counter, so they merge into one order and
 * one cursor serves both.
 *
 * Threads: a feed belongs to the transaction's thread.
 */
#ifndef KLUIS_FEED_H
#define KLUIS_FEED_H

#include "core/tables.h"
#include "kluis/limits.h"
#include "kluis/store.h"

struct feed_row {
	uint64_t change;
	uint8_t pseudonym[PSEUDONYM_SIZE];
};

struct feed_source {
	struct store_cursor *cursor;
	uint8_t prefix[4];
	bool has_row; /* row is the next one */
	struct feed_row row;
};

struct feed {
	struct feed_source sources[2];
	size_t source_count;
};

/* Opens the store's feed, with_all together with FEED_ALL, after the change of number cursor. ERR_CORRUPT, ERR_IO. */
enum err feed_open(struct store_txn *txn, uint32_t store, bool with_all, uint64_t cursor,
		   struct feed *ret_feed) MUST_USE;
/* Closes its cursors; usable with CLEANUP on a feed that is all zeros or was opened. */
void feed_close(struct feed *feed);
/* Is there another row? */
bool feed_has_next(const struct feed *feed);
/* Takes the next row in order of change. Only while feed_has_next. ERR_CORRUPT. */
enum err feed_next(struct feed *feed, struct feed_row *ret_row) MUST_USE;

/* Pseudonyms that a page has dealt with: both feeds may name one. At most FEED_SEEN_MAX. */
#define FEED_SEEN_MAX 4096
struct feed_seen {
	uint32_t slots[2 * FEED_SEEN_MAX]; /* place + 1 */
	uint8_t pseudonyms[FEED_SEEN_MAX][PSEUDONYM_SIZE];
	size_t count;
};
/* True if the pseudonym was not there yet. */
bool feed_seen_add(struct feed_seen *seen, const uint8_t pseudonym[static PSEUDONYM_SIZE]);

#endif
