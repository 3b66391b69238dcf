#include "server/guard.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "kluis/limits.h"

#define BUCKETS 4096 /* a power of two; nng numbers its pipes one after another */
#define TOKEN 1000   /* a verification, in thousandths: one millisecond earns UNKNOWN_VERIFICATIONS_PER_SECOND */

static_assert((BUCKETS & (BUCKETS - 1)) == 0, "buckets are chosen by a mask");

struct visitor {
	uint32_t pipe;
	bool is_local;
	bool is_known;
	unsigned looked_at; /* messages, while unknown */
	unsigned bad;
	unsigned requests;	 /* in the server now */
	struct visitor *next;	 /* in the bucket */
	struct visitor *older;	 /* among the unknown */
	struct visitor *younger; /* among the unknown */
};

struct guard {
	pthread_mutex_t mutex;
	struct visitor *buckets[BUCKETS];
	struct visitor *oldest;
	struct visitor *youngest;
	size_t count;
	size_t unknown_count;
	uint64_t tokens; /* in 1/TOKEN */
	uint64_t filled_ms;
};

enum err guard_new(struct guard **ret_guard)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	if (guard == NULL)
		return ERR_MEMORY;
	pthread_mutex_init(&guard->mutex, NULL);
	guard->tokens = (uint64_t)UNKNOWN_VERIFICATIONS_PER_SECOND * TOKEN;
	*ret_guard = guard;
	return ERR_OK;
}

void guard_free(struct guard **guard)
{
	if (*guard == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((*guard)->buckets[i] != NULL) {
			struct visitor *visitor = (*guard)->buckets[i];
			(*guard)->buckets[i] = visitor->next;
			free(visitor);
		}
	}
	pthread_mutex_destroy(&(*guard)->mutex);
	free(*guard);
	*guard = NULL;
}

static struct visitor **place_of(struct guard *guard, uint32_t pipe)
{
	struct visitor **place = &guard->buckets[pipe & (BUCKETS - 1)];
	while (*place != NULL && (*place)->pipe != pipe)
		place = &(*place)->next;
	return place;
}

static void join_unknown(struct guard *guard, struct visitor *visitor)
{
	visitor->older = guard->youngest;
	if (guard->youngest != NULL)
		guard->youngest->younger = visitor;
	else
		guard->oldest = visitor;
	guard->youngest = visitor;
	guard->unknown_count++;
}

static void leave_unknown(struct guard *guard, struct visitor *visitor)
{
	if (visitor->older != NULL)
		visitor->older->younger = visitor->younger;
	else
		guard->oldest = visitor->younger;
	if (visitor->younger != NULL)
		visitor->younger->older = visitor->older;
	else
		guard->youngest = visitor->older;
	visitor->older = visitor->younger = NULL;
	guard->unknown_count--;
}

static void forget(struct guard *guard, uint32_t pipe)
{
	struct visitor **place = place_of(guard, pipe);
	struct visitor *visitor = *place;
	if (visitor == NULL)
		return;
	*place = visitor->next;
	if (!visitor->is_known)
		leave_unknown(guard, visitor);
	guard->count--;
	free(visitor);
}

static bool admit(struct guard *guard, uint32_t pipe, bool is_local, uint32_t *ret_evicted)
{
	if (!is_local && guard->count >= CONNECTIONS_MAX && guard->oldest == NULL)
		return false;
	struct visitor *visitor = calloc(1, sizeof(*visitor));
	if (visitor == NULL)
		return false;
	bool is_crowded =
		guard->count >= CONNECTIONS_MAX || (!is_local && guard->unknown_count >= UNKNOWN_CONNECTIONS_MAX);
	if (is_crowded && guard->oldest != NULL) {
		*ret_evicted = guard->oldest->pipe;
		forget(guard, guard->oldest->pipe);
	}
	visitor->pipe = pipe;
	visitor->is_local = visitor->is_known = is_local;
	struct visitor **place = &guard->buckets[pipe & (BUCKETS - 1)];
	visitor->next = *place;
	*place = visitor;
	guard->count++;
	if (!is_local)
		join_unknown(guard, visitor);
	return true;
}

bool guard_connect(struct guard *guard, uint32_t pipe, bool is_local, uint32_t *ret_evicted)
{
	*ret_evicted = 0;
	pthread_mutex_lock(&guard->mutex);
	bool is_admitted = admit(guard, pipe, is_local, ret_evicted);
	pthread_mutex_unlock(&guard->mutex);
	return is_admitted;
}

void guard_disconnect(struct guard *guard, uint32_t pipe)
{
	pthread_mutex_lock(&guard->mutex);
	forget(guard, pipe);
	pthread_mutex_unlock(&guard->mutex);
}

/* One second's worth at most is saved up. */
static bool take_token(struct guard *guard, uint64_t now_ms)
{
	const uint64_t full = (uint64_t)UNKNOWN_VERIFICATIONS_PER_SECOND * TOKEN;
	uint64_t elapsed_ms = now_ms > guard->filled_ms ? now_ms - guard->filled_ms : 0;
	if (elapsed_ms > 0) {
		uint64_t earned = elapsed_ms >= 1000 ? full : elapsed_ms * UNKNOWN_VERIFICATIONS_PER_SECOND;
		guard->tokens = guard->tokens + earned > full ? full : guard->tokens + earned;
		guard->filled_ms = now_ms;
	}
	if (guard->tokens < TOKEN)
		return false;
	guard->tokens -= TOKEN;
	return true;
}

static enum guard_verdict weigh(struct guard *guard, struct visitor *visitor, uint64_t now_ms)
{
	if (visitor == NULL)
		return GUARD_CLOSE;
	unsigned requests_max = visitor->is_known ? REQUESTS_PER_PIPE : UNKNOWN_REQUESTS_PER_PIPE;
	if (visitor->requests >= requests_max)
		return GUARD_CLOSE;
	visitor->requests++;
	if (visitor->is_known || visitor->looked_at++ < FREE_VERIFICATIONS_PER_PIPE)
		return GUARD_PASS;
	return take_token(guard, now_ms) ? GUARD_PASS : GUARD_BUSY;
}

enum guard_verdict guard_arrive(struct guard *guard, uint32_t pipe, uint64_t now_ms)
{
	pthread_mutex_lock(&guard->mutex);
	enum guard_verdict verdict = weigh(guard, *place_of(guard, pipe), now_ms);
	pthread_mutex_unlock(&guard->mutex);
	return verdict;
}

static enum guard_verdict judge(struct guard *guard, struct visitor *visitor, enum guard_outcome outcome)
{
	if (visitor == NULL)
		return GUARD_CLOSE;
	if (outcome == GUARD_WAS_GARBAGE && ++visitor->bad >= BAD_MESSAGES_PER_PIPE)
		return GUARD_CLOSE;
	if (outcome == GUARD_WAS_AUTHENTICATED && !visitor->is_known) {
		leave_unknown(guard, visitor);
		visitor->is_known = true;
	}
	return GUARD_PASS;
}

enum guard_verdict guard_judge(struct guard *guard, uint32_t pipe, enum guard_outcome outcome)
{
	pthread_mutex_lock(&guard->mutex);
	enum guard_verdict verdict = judge(guard, *place_of(guard, pipe), outcome);
	pthread_mutex_unlock(&guard->mutex);
	return verdict;
}

void guard_depart(struct guard *guard, uint32_t pipe)
{
	pthread_mutex_lock(&guard->mutex);
	struct visitor *visitor = *place_of(guard, pipe);
	if (visitor != NULL && visitor->requests > 0)
		visitor->requests--;
	pthread_mutex_unlock(&guard->mutex);
}

bool guard_is_known(struct guard *guard, uint32_t pipe)
{
	pthread_mutex_lock(&guard->mutex);
	const struct visitor *visitor = *place_of(guard, pipe);
	bool is_known = visitor != NULL && visitor->is_known;
	pthread_mutex_unlock(&guard->mutex);
	return is_known;
}
