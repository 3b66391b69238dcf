#include "server/committer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "kluis/clock.h"
#include "kluis/limits.h"
#include "kluis/log.h"

/* Where several shared the last commit, as many are waited for again, but no longer than this: a commit costs the
 * processor as much as preparing a dozen requests. Who asks alone never waits. */
#define COMPANY_WAIT_NS (2 * UINT64_C(1000000))

struct batch {
	struct prepared *prepared[REQUESTS_IN_SERVER];
	void *owners[REQUESTS_IN_SERVER];
	size_t count;
};

struct committer {
	const struct server_core *core;
	committer_release release;
	committer_tell tell;
	void *listener;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_stopping;
	struct batch *waiting;	/* guarded by mutex */
	size_t wanted;		/* guarded by mutex: waiting requests that the thread is to be woken for */
	struct batch *working;	/* the thread's own */
	struct batch stores[2]; /* what the two point to, in turn */
	/* the thread's own */
	bool is_uncovered; /* entries came since the last checkpoint */
	uint64_t checkpoint_ms;
	uint64_t round_ms; /* steady clock: when core->round wants to be called; UINT64_MAX: not before a checkpoint */
};

static struct log_topic commit_topic = LOG_TOPIC("commit");

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

/* With a checkpoint or a round due, no longer than until then. */
static void wait_for_work(struct committer *committer)
{
	uint64_t due_ms = committer->round_ms;
	if (committer->is_uncovered && committer->checkpoint_ms + CHECKPOINT_INTERVAL_MS < due_ms)
		due_ms = committer->checkpoint_ms + CHECKPOINT_INTERVAL_MS;
	if (due_ms == UINT64_MAX) {
		pthread_cond_wait(&committer->changed, &committer->mutex);
		return;
	}
	struct timespec due = timespec_of(due_ms * 1000000);
	pthread_cond_timedwait(&committer->changed, &committer->mutex, &due);
}

static bool is_checkpoint_due(const struct committer *committer, uint64_t now_ms)
{
	return committer->is_uncovered && now_ms - committer->checkpoint_ms >= CHECKPOINT_INTERVAL_MS;
}

static bool is_anything_due(const struct committer *committer)
{
	uint64_t now_ms = clock_steady_ms();
	return is_checkpoint_due(committer, now_ms) || now_ms >= committer->round_ms;
}

/* Until as many wait as shared the last commit, or it takes too long. */
static void wait_for_company(struct committer *committer)
{
	struct timespec due = timespec_of(clock_steady_ns() + COMPANY_WAIT_NS);
	bool is_late = false;

	committer->wanted = committer->working->count;
	while (committer->waiting->count < committer->wanted && !committer->is_stopping && !is_late)
		is_late = pthread_cond_timedwait(&committer->changed, &committer->mutex, &due) != 0;
	committer->wanted = 1;
}

/* Waits until there is something to do, swaps the batches. False: stopping, and nothing waits. */
static bool take_batch(struct committer *committer)
{
	pthread_mutex_lock(&committer->mutex);
	if (committer->working->count > 1)
		wait_for_company(committer);
	while (committer->waiting->count == 0 && !committer->is_stopping && !is_anything_due(committer))
		wait_for_work(committer);
	struct batch *full = committer->waiting;
	committer->waiting = committer->working;
	committer->waiting->count = 0;
	committer->working = full;
	bool is_over = committer->is_stopping && full->count == 0;
	pthread_mutex_unlock(&committer->mutex);
	return !is_over;
}

static void commit_batch(struct committer *committer)
{
	struct batch *batch = committer->working;
	if (batch->count == 0)
		return;
	const struct server_core *core = committer->core;
	enum err err = core->commit(core->core, batch->prepared, batch->count, clock_now_ms());
	if (err != ERR_OK)
		log_event(&commit_topic, "%zu request%s could not be committed: %s; the senders were told",
			  batch->count, batch->count == 1 ? "" : "s", error_text(err));
	committer->is_uncovered = true;
	for (size_t i = 0; i < batch->count; i++)
		committer->release(batch->owners[i]);
	committer->tell(committer->listener, core->news(core->core));
}

static void sign_checkpoint(struct committer *committer)
{
	const struct server_core *core = committer->core;
	enum err err = core->checkpoint(core->core);
	if (err != ERR_OK)
		log_event(&commit_topic, "a checkpoint could not be signed: %s; it is tried again", error_text(err));
	committer->is_uncovered = err != ERR_OK;
	committer->checkpoint_ms = clock_steady_ms();
}

/* A round that could not be written is tried again in a second. */
static void turn_round(struct committer *committer)
{
	const struct server_core *core = committer->core;
	uint64_t next_ms = 1000;
	enum err err = core->round(core->core, clock_now_ms(), &next_ms);
	if (err != ERR_OK)
		log_event(&commit_topic, "a round of witnesses could not be kept: %s; it is tried again",
			  error_text(err));
	committer->round_ms = next_ms == UINT64_MAX ? UINT64_MAX : clock_steady_ms() + next_ms;
}

/* What grew is news for the next round. */
static void look_at_the_clock(struct committer *committer)
{
	uint64_t now_ms = clock_steady_ms();
	bool is_covered_now = is_checkpoint_due(committer, now_ms);
	if (is_covered_now)
		sign_checkpoint(committer);
	if (is_covered_now || now_ms >= committer->round_ms)
		turn_round(committer);
}

static void *run(void *argument)
{
	struct committer *committer = argument;
	while (take_batch(committer)) {
		commit_batch(committer);
		look_at_the_clock(committer);
	}
	if (committer->is_uncovered)
		sign_checkpoint(committer);
	return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct committer *committer)
{
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&committer->thread, NULL, run, committer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

static void init_locks(struct committer *committer)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* clock_steady_ms's */
	pthread_cond_init(&committer->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&committer->mutex, NULL);
}

enum err committer_new(const struct server_core *core, committer_release release, committer_tell tell, void *listener,
		       struct committer **ret_committer)
{
	struct committer *committer = calloc(1, sizeof(*committer));
	if (committer == NULL)
		return ERR_MEMORY;
	committer->core = core;
	committer->release = release;
	committer->tell = tell;
	committer->listener = listener;
	committer->waiting = &committer->stores[0];
	committer->working = &committer->stores[1];
	committer->wanted = 1;
	committer->checkpoint_ms = clock_steady_ms();
	init_locks(committer);
	if (start_thread(committer) != 0) {
		pthread_cond_destroy(&committer->changed);
		pthread_mutex_destroy(&committer->mutex);
		free(committer);
		return ERR_MEMORY;
	}
	*ret_committer = committer;
	return ERR_OK;
}

void committer_push(struct committer *committer, struct prepared *prepared, void *owner)
{
	pthread_mutex_lock(&committer->mutex);
	struct batch *batch = committer->waiting;
	assert(!committer->is_stopping && batch->count < REQUESTS_IN_SERVER);
	batch->prepared[batch->count] = prepared;
	batch->owners[batch->count++] = owner;
	if (batch->count == committer->wanted)
		pthread_cond_signal(&committer->changed);
	pthread_mutex_unlock(&committer->mutex);
}

void committer_stop(struct committer **committer)
{
	if (*committer == NULL)
		return;
	pthread_mutex_lock(&(*committer)->mutex);
	(*committer)->is_stopping = true;
	pthread_cond_signal(&(*committer)->changed);
	pthread_mutex_unlock(&(*committer)->mutex);
	pthread_join((*committer)->thread, NULL);
	pthread_cond_destroy(&(*committer)->changed);
	pthread_mutex_destroy(&(*committer)->mutex);
	free(*committer);
	*committer = NULL;
}
