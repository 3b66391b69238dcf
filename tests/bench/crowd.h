/*
 * A crowd of idle agents for benches: each has a connection of its own that is made again when it breaks off, a channel
 * and a thread that watches for news, waits and watches again, with the daemon's waits and pauses
 * (agent/run/daemon_work.c). They have no copy: news is noted, not fetched.
 *
 * After each new connection an agent asks once without waiting, which a real keeper does not: it is how the bench knows
 * that it is served again.
 */
#ifndef KLUIS_BENCH_CROWD_H
#define KLUIS_BENCH_CROWD_H

#include "bench_broker.h"

#define CROWD_MAX 4000

struct crowd;

struct crowd_counts {
	unsigned up;	       /* connections that stand */
	unsigned handshakes;   /* connections made since the start */
	unsigned served;       /* agents that had an answer since crowd_mark */
	unsigned told;	       /* agents that had news since crowd_mark */
	unsigned told_twice;   /* pieces of news beyond one an agent */
	uint64_t last_news_ns; /* when the last of them had it; clock_steady_ns */
};

/* Starts them; agent i is of the store at i % count of these. Ends the program when something fails. */
struct crowd *crowd_start(const struct bench_broker *broker, struct party *const *stores, size_t store_count,
			  unsigned agents);
/* From now on crowd_count counts anew. */
void crowd_mark(struct crowd *crowd);
void crowd_count(struct crowd *crowd, struct crowd_counts *ret_counts);
/* Ends the watching. The connections are left to the end of the process. */
void crowd_stop(struct crowd **crowd);

#endif
