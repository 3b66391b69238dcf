/*
 * Bringing the copy up to date, one page at a time (FORMAT.md R111): what the
 * broker answered is held against the agreement before it is written.
 *
 * Threads: as its session and replica.
 */
#ifndef KLUIS_SYNC_H
#define KLUIS_SYNC_H

#include <pthread.h>

#include "kluis/session.h"
#include "replica.h"

struct sync {
	struct session *session;
	const struct replica *replica;
	const struct charter *charter; /* the agreement's */
	const struct agreement *agreement;
	unsigned tries;
	pthread_rwlock_t *lock; /* held for writing while a page is applied (shop.h); NULL: nobody else is there */
};

struct sync_outcome {
	uint64_t written, removed; /* customers, summed up by the caller's calls */
	bool has_more;
	uint64_t entry_ms; /* the broker's clock when it answered */
	enum err verdict;  /* why the broker refused; ERR_OK if it did not */
	char clause[CLAUSE_MAX + 1];
};

/* Asks for one page for the purpose and applies it. A refusal is an outcome, not a failure. A pending
 * request of an earlier run is resumed first and applied if it was one for this purpose. ERR_MISMATCH: the
 * broker gave fields or customers outside the agreement; nothing was written. */
enum err sync_page(const struct sync *sync, const char *purpose, uint64_t time_ms, struct sync_outcome *outcome,
		   struct fault *fault) MUST_USE;

/*
 * Before the first page of a run: where the charter has a window (visited, ownership), customers leave the store's
 * scope by the passing of days alone, of which no change tells; so the copy is made anew once a day. anew asks for it
 * whatever the charter says.
 */
enum err sync_begin(const struct sync *sync, const char *purpose, uint64_t time_ms, bool anew) MUST_USE;

/* Bits of the charter's purposes for which the agreement grants sync. */
uint32_t sync_purposes(const struct agreement *agreement);

#endif
