/*
 * One store's copy kept by the agent's own code, for benches: a real keeper with its lane's files, LMDB and every
 * fsync, in a thread of its own over TLS. Notes when a change can be read in the copy.
 */
#ifndef KLUIS_BENCH_FOLLOWER_H
#define KLUIS_BENCH_FOLLOWER_H

#include "bench_broker.h"

struct follower;

/* A copy for the purpose "service"; customer, whose changes are noted, 16 bytes. Ends the program when something
 * fails. */
struct follower *follower_start(const struct bench_broker *broker, struct party *store, struct slice customer);
/* Waits until the customer's row is of a later version than before, 5 s at most, and gives the version and when it was
 * first seen (clock_steady_ns): right after the keeper's step that wrote it. */
bool follower_wait(struct follower *follower, uint32_t before, uint32_t *ret_version, uint64_t *ret_seen_ns);
void follower_stop(struct follower **follower);

#endif
