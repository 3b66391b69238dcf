#include "till/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define THREADS_MAX 16

struct pool {
	pool_fn *work;
	void *context;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_ending;
	void **jobs; /* a ring */
	size_t first, count, capacity;
	size_t thread_count;
	pthread_t threads[THREADS_MAX];
};

/* NULL: the pool ends. */
static void *take(struct pool *pool)
{
	void *job = NULL;

	pthread_mutex_lock(&pool->mutex);
	while (pool->count == 0 && !pool->is_ending)
		pthread_cond_wait(&pool->changed, &pool->mutex);
	if (pool->count > 0) {
		job = pool->jobs[pool->first];
		pool->first = (pool->first + 1) % pool->capacity;
		pool->count--;
	}
	pthread_mutex_unlock(&pool->mutex);
	return job;
}

static void *run(void *argument)
{
	struct pool *pool = argument;
	void *job;

	while ((job = take(pool)) != NULL)
		pool->work(pool->context, job);
	return NULL;
}

/* Signals are the main thread's. */
static enum err start(struct pool *pool, size_t thread_count)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->thread_count < thread_count &&
	       pthread_create(&pool->threads[pool->thread_count], NULL, run, pool) == 0)
		pool->thread_count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pool->thread_count == thread_count ? ERR_OK : ERR_MEMORY;
}

enum err pool_new(size_t thread_count, size_t queue_max, pool_fn *work, void *context, struct pool **ret_pool)
{
	struct pool *pool CLEANUP(pool_free) = NULL;

	if (thread_count > THREADS_MAX)
		return ERR_TOO_LARGE;
	pool = calloc(1, sizeof *pool);
	if (pool == NULL)
		return ERR_MEMORY;
	pool->work = work;
	pool->context = context;
	pool->capacity = queue_max;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->changed, NULL);
	pool->jobs = calloc(queue_max, sizeof *pool->jobs);
	if (pool->jobs == NULL)
		return ERR_MEMORY;
	TRY(start(pool, thread_count));
	*ret_pool = pool;
	pool = NULL;
	return ERR_OK;
}

bool pool_push(struct pool *pool, void *job)
{
	pthread_mutex_lock(&pool->mutex);
	bool is_taken = pool->count < pool->capacity && !pool->is_ending;
	if (is_taken) {
		pool->jobs[(pool->first + pool->count) % pool->capacity] = job;
		pool->count++;
		pthread_cond_signal(&pool->changed);
	}
	pthread_mutex_unlock(&pool->mutex);
	return is_taken;
}

void pool_free(struct pool **pool)
{
	if (*pool == NULL)
		return;
	pthread_mutex_lock(&(*pool)->mutex);
	(*pool)->is_ending = true;
	pthread_cond_broadcast(&(*pool)->changed);
	pthread_mutex_unlock(&(*pool)->mutex);
	for (size_t i = 0; i < (*pool)->thread_count; i++)
		pthread_join((*pool)->threads[i], NULL);
	pthread_cond_destroy(&(*pool)->changed);
	pthread_mutex_destroy(&(*pool)->mutex);
	free((*pool)->jobs);
	free(*pool);
	*pool = NULL;
}
