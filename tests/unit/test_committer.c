/* The one writer: what it takes together, in which order it gives back, and when it has checkpoints signed. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "kluis/limits.h"
#include "server/committer.h"

struct bench {
	struct core core;
	struct server_core table;
	struct committer *committer;
};

struct item {
	struct bench *bench;
	struct prepared *prepared;
	unsigned place; /* 1 for the first that was released; set on the committer's thread, read after its end */
};

static unsigned released; /* the same */

static void release(void *owner)
{
	struct item *item = owner;
	item->place = ++released;
	item->bench->table.prepared_free(&item->prepared);
}

static unsigned tellings; /* the same */
static uint32_t told_store;
static unsigned released_when_told;

static void tell(void *listener, const struct core_news *news)
{
	assert(listener == &tellings);
	tellings++;
	released_when_told = released;
	told_store = news->count == 1 ? news->stores[0] : 0;
}

static int make(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	fake_core_init(&bench->core);
	bench->table = fake_core_table(&bench->core);
	released = tellings = told_store = 0;
	*state = bench;
	return committer_new(&bench->table, release, tell, &tellings, &bench->committer) == ERR_OK ? 0 : -1;
}

static int drop(void **state)
{
	struct bench *bench = *state;
	committer_stop(&bench->committer);
	fake_core_fini(&bench->core);
	free(bench);
	return 0;
}

static void push(struct bench *bench, struct item *item)
{
	item->bench = bench;
	assert_int_equal(bench->table.prepare(&bench->core, slice_text("c"), 0, &item->prepared), ERR_OK);
	committer_push(bench->committer, item->prepared, item);
}

static void test_what_came_during_a_commit_goes_together(void **state)
{
	struct bench *bench = *state;
	static struct item items[REQUESTS_IN_SERVER];
	fake_core_hold(&bench->core);
	push(bench, &items[0]);
	assert_true(fake_core_wait(&bench->core, &bench->core.commits_begun, 1));
	for (size_t i = 1; i < 301; i++)
		push(bench, &items[i]);
	fake_core_release(&bench->core);
	assert_true(fake_core_wait(&bench->core, &bench->core.committed, 301));
	committer_stop(&bench->committer);
	assert_int_equal(released, 301);
	for (size_t i = 0; i < 301; i++)
		assert_int_equal(items[i].place, i + 1);
	/* The first alone, the rest in one. */
	assert_int_equal(bench->core.commits, 2);
	assert_int_equal(bench->core.largest_batch, 300);
}

static void test_a_full_house_fits_one_batch(void **state)
{
	struct bench *bench = *state;
	static struct item items[REQUESTS_IN_SERVER];
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++)
		push(bench, &items[i]);
	committer_stop(&bench->committer);
	assert_int_equal(released, REQUESTS_IN_SERVER);
	assert_true(bench->core.largest_batch <= REQUESTS_IN_SERVER);
}

static void test_stop_commits_what_waits_and_has_it_covered(void **state)
{
	struct bench *bench = *state;
	struct item items[3];
	bench->core.commit_ms = 20;
	for (size_t i = 0; i < 3; i++)
		push(bench, &items[i]);
	committer_stop(&bench->committer);
	assert_int_equal(bench->core.committed, 3);
	assert_int_equal(bench->core.committed_at_checkpoint, 3);
}

static void test_checkpoints_keep_their_interval(void **state)
{
	struct bench *bench = *state;
	struct item item;
	uint64_t began_ms = clock_steady_ms();
	while (clock_steady_ms() - began_ms < 5 * CHECKPOINT_INTERVAL_MS) {
		push(bench, &item);
		assert_true(fake_core_wait(&bench->core, &bench->core.committed, bench->core.prepared));
		while (fake_core_count(&bench->core, &bench->core.living) > 0)
			clock_sleep_ms(1);
	}
	assert_true(fake_core_wait(&bench->core, &bench->core.checkpoints, 1));
	unsigned checkpoints = fake_core_count(&bench->core, &bench->core.checkpoints);
	uint64_t elapsed_ms = clock_steady_ms() - began_ms;
	assert_true(checkpoints <= elapsed_ms / CHECKPOINT_INTERVAL_MS + 1);
}

static void test_idle_costs_no_checkpoint(void **state)
{
	struct bench *bench = *state;
	clock_sleep_ms(3 * CHECKPOINT_INTERVAL_MS);
	committer_stop(&bench->committer);
	assert_int_equal(bench->core.checkpoints, 0);
	assert_int_equal(bench->core.commits, 0);
}

static void test_news_is_told_after_the_answers(void **state)
{
	struct bench *bench = *state;
	struct item item = {.bench = bench};
	assert_int_equal(bench->table.prepare(&bench->core, slice_text("n12"), 0, &item.prepared), ERR_OK);
	committer_push(bench->committer, item.prepared, &item);
	committer_stop(&bench->committer);
	assert_int_equal(tellings, 1);
	assert_int_equal(told_store, 12);
	assert_int_equal(released_when_told, 1);
}

/* Without anything that grew a round is turned when it asks for it; after a checkpoint in any case. */
static void test_rounds_are_turned_in_time(void **state)
{
	struct bench *bench = *state;
	struct item item;
	assert_true(fake_core_wait(&bench->core, &bench->core.rounds, 1)); /* at the start */
	clock_sleep_ms(50);
	assert_int_equal(fake_core_count(&bench->core, &bench->core.rounds), 1);
	pthread_mutex_lock(&bench->core.mutex);
	bench->core.round_next_ms = 30;
	pthread_mutex_unlock(&bench->core.mutex);
	push(bench, &item);
	assert_true(fake_core_wait(&bench->core, &bench->core.checkpoints, 1));
	assert_true(fake_core_wait(&bench->core, &bench->core.rounds, 2));
	uint64_t began_ms = clock_steady_ms();
	assert_true(fake_core_wait(&bench->core, &bench->core.rounds, 6));
	assert_true(clock_steady_ms() - began_ms >= 3 * 30);
	committer_stop(&bench->committer);
	assert_int_equal(bench->core.checkpoints, 1);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(test_what_came_during_a_commit_goes_together),
		WITH_BENCH(test_a_full_house_fits_one_batch),
		WITH_BENCH(test_stop_commits_what_waits_and_has_it_covered),
		WITH_BENCH(test_checkpoints_keep_their_interval),
		WITH_BENCH(test_idle_costs_no_checkpoint),
		WITH_BENCH(test_news_is_told_after_the_answers),
		WITH_BENCH(test_rounds_are_turned_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
