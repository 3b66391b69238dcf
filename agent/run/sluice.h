/*
 * A passage that can be closed: who uses something passes while it is used, who replaces it closes, waits until nobody
 * is inside, replaces, and opens again.
 *
 *     courier, line, office ─▶ enter ─▶ sign and send with the store's key ─▶ leave
 *     keeper ─▶ close ─▶ another key ─▶ open
 *
 * Threads: any; close and open by one.
 */
#ifndef KLUIS_AGENT_RUN_SLUICE_H
#define KLUIS_AGENT_RUN_SLUICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kluis/error.h"

struct sluice {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned inside;
	bool is_closed;
	bool is_over; /* nobody enters any more */
};

enum err sluice_init(struct sluice *sluice) MUST_USE;
void sluice_fini(struct sluice *sluice);

/* False: it stayed closed for wait_ms, or is over; else sluice_leave must follow. Not twice by one thread: who closes
 * in between waits for the first, the second for who closes. */
bool sluice_enter(struct sluice *sluice, uint64_t wait_ms) MUST_USE;
void sluice_leave(struct sluice *sluice);

/* Nobody enters from now on; returns when all who were inside have left. */
void sluice_close(struct sluice *sluice);
void sluice_open(struct sluice *sluice);
/* For the end: all who wait are turned away, now and later. */
void sluice_end(struct sluice *sluice);

#endif
