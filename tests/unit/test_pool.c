/* Worker threads with a queue that ends: each job once, none lost, none beyond the end. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "till/pool.h"

#define JOBS 1000

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int done[JOBS];
static pthread_mutex_t done_lock = PTHREAD_MUTEX_INITIALIZER;

/* Waits at the gate, then counts the job. */
static void work(void *context, void *job)
{
	int *jobs = context;

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	pthread_mutex_lock(&done_lock);
	jobs[(int *)job - jobs]++;
	pthread_mutex_unlock(&done_lock);
}

static void test_every_job_is_done_once(void **state)
{
	struct pool *pool = NULL;

	(void)state;
	memset(done, 0, sizeof done);
	assert_int_equal(pool_new(3, JOBS, work, done, &pool), ERR_OK);
	for (int i = 0; i < JOBS; i++)
		assert_true(pool_push(pool, &done[i]));
	pool_free(&pool); /* does what is queued first */
	assert_null(pool);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(done[i], 1);
}

static void test_beyond_the_queue_is_turned_away(void **state)
{
	struct pool *pool = NULL;
	int taken = 0, sum = 0;

	(void)state;
	memset(done, 0, sizeof done);
	pthread_mutex_lock(&gate);
	assert_int_equal(pool_new(2, 4, work, done, &pool), ERR_OK);
	for (int i = 0; i < JOBS; i++)
		taken += pool_push(pool, &done[i]);
	/* the queue, and at most one in each thread's hands */
	assert_true(taken >= 4 && taken <= 6);
	pthread_mutex_unlock(&gate);
	pool_free(&pool);
	for (int i = 0; i < JOBS; i++)
		sum += done[i];
	assert_int_equal(sum, taken);
}

static enum err make(void *context)
{
	struct pool *pool CLEANUP(pool_free) = NULL;

	return pool_new(2, 4, work, context, &pool);
}

static void test_failures_of_memory_go_up(void **state)
{
	struct pool *pool = NULL;

	(void)state;
	fail_sweep(FAIL_MEMORY, make, done);
	assert_int_equal(pool_new(1000, 4, work, done, &pool), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_job_is_done_once),
		cmocka_unit_test(test_beyond_the_queue_is_turned_away),
		cmocka_unit_test(test_failures_of_memory_go_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
