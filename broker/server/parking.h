/*
 * Requests that wait for news: a store's long poll holds no worker, only a
 * place here and its message, until what it waits for is committed, its time
 * is up, its connection goes or the server stops.
 *
 *     prepare ─▶ nothing new ─▶ parking_enter ─ ─ ─ ─▶ wake ─▶ prepare again
 *                                  news, forget, close ──▲
 *
 * No wake-up is lost: parking_enter compares what the request was prepared on
 * with the news that came since.
 *
 * Threads: any; it locks itself.
 */
#ifndef KLUIS_BROKER_PARKING_H
#define KLUIS_BROKER_PARKING_H

#include "core/core.h"

struct parking;

struct ring {
	struct ring *next, *previous;
};

/* One who waits; the caller's memory, the parking's content. All zeros before it is first used. */
struct spot {
	bool is_parked;
	uint32_t pipe;
	uint32_t store;
	uint64_t snapshot;
	struct ring by_store, by_pipe, by_all; /* by_all: of those who read the feed of all */
};

/* Called with the parking's lock held, when the spot is no longer parked: only starts something. */
typedef void (*parking_wake)(struct spot *spot);

enum err parking_new(parking_wake wake, struct parking **ret_parking) MUST_USE;
/* Nobody may be parked any more. */
void parking_free(struct parking **parking);

/*
 * Parks spot for what wait says, on a connection. begin(spot) is called with the lock held, before anybody can be
 * woken: it starts the spot's timer, or returns false if the connection is gone. ERR_OK: parked, and maybe woken
 * already. ERR_STATE: there has been news since wait's snapshot, prepare again. ERR_BUSY: PARKED_PER_PIPE wait on the
 * connection, or PARKED_MAX in all. ERR_NETWORK: begin said no, or the parking is closed.
 */
enum err parking_enter(struct parking *parking, struct spot *spot, const struct core_wait *wait, uint32_t pipe,
		       bool (*begin)(struct spot *spot)) MUST_USE;
/* The spot's time is up, or it was woken: it is no longer parked when this returns. */
void parking_leave(struct parking *parking, struct spot *spot);

/* Wakes those whom a commit concerns and who were prepared before it. */
void parking_news(struct parking *parking, const struct core_news *news);
/* Wakes those on a connection that has gone. */
void parking_forget(struct parking *parking, uint32_t pipe);
/* Wakes all, and lets nobody in any more. */
void parking_close(struct parking *parking);

#endif
