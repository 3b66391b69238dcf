/*
 * Threads that do jobs in the order in which they came, and a queue with an end: what comes beyond it is turned away at
 * once instead of waiting for ever.
 *
 * Threads: push from any; free from the one that made it.
 */
#ifndef KLUIS_AGENT_TILL_POOL_H
#define KLUIS_AGENT_TILL_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "kluis/error.h"

struct pool;
typedef void pool_fn(void *context, void *job);

enum err pool_new(size_t thread_count, size_t queue_max, pool_fn *work, void *context, struct pool **ret_pool) MUST_USE;
/* False: the queue is full, or the pool is ending. */
bool pool_push(struct pool *pool, void *job);
/* Does what is queued, then ends the threads. */
void pool_free(struct pool **pool);

#endif
