/* Who waits for news: who is let in, who is woken by what, and that no wake-up is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/limits.h"
#include "server/parking.h"

struct waiter {
	struct spot spot;
	bool has_begun;
	unsigned woken;
};

static struct parking *parking;
static bool is_connected;

static struct waiter *waiter_of(struct spot *spot)
{
	return (struct waiter *)(void *)spot; /* its first member */
}

static void wake(struct spot *spot)
{
	waiter_of(spot)->woken++;
}

static bool begin(struct spot *spot)
{
	waiter_of(spot)->has_begun = true;
	return is_connected;
}

static int set_up(void **state)
{
	(void)state;
	is_connected = true;
	return parking_new(wake, &parking) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	parking_free(&parking);
	return 0;
}

static enum err enter(struct waiter *waiter, uint32_t store, uint32_t pipe, uint64_t snapshot, bool reads_all)
{
	struct core_wait wait = {.store = store, .reads_all = reads_all, .snapshot = snapshot};
	return parking_enter(parking, &waiter->spot, &wait, pipe, begin);
}

static void news(uint64_t number, uint32_t store)
{
	static struct core_news news;
	news = (struct core_news){.number = number, .count = 1, .stores = {store}};
	parking_news(parking, &news);
}

static void news_of_all(uint64_t number)
{
	static struct core_news news;
	news = (struct core_news){.number = number, .is_feed_all = true};
	parking_news(parking, &news);
}

static void test_news_wakes_whom_it_concerns(void **state)
{
	struct waiter mine = {0}, others = {0}, collides = {0};
	(void)state;
	assert_int_equal(enter(&mine, 12, 1, 5, false), ERR_OK);
	assert_int_equal(enter(&others, 13, 2, 5, false), ERR_OK);
	assert_int_equal(enter(&collides, 12 + 4096, 3, 5, false), ERR_OK); /* in the same bucket */
	assert_true(mine.has_begun);
	news(6, 12);
	assert_int_equal(mine.woken, 1);
	assert_false(mine.spot.is_parked);
	assert_int_equal(others.woken + collides.woken, 0);
	news(7, 12);
	assert_int_equal(mine.woken, 1); /* it is not parked any more */
	news(8, 13);
	news(9, 12 + 4096);
	assert_int_equal(others.woken, 1);
	assert_int_equal(collides.woken, 1);
}

/* What was prepared on a commit or after it knows that commit's news. */
static void test_old_news_wakes_nobody(void **state)
{
	struct waiter waiter = {0};
	(void)state;
	assert_int_equal(enter(&waiter, 12, 1, 5, true), ERR_OK);
	news(4, 12);
	news(5, 12);
	news_of_all(5);
	assert_int_equal(waiter.woken, 0);
	parking_leave(parking, &waiter.spot);
	parking_leave(parking, &waiter.spot);
	assert_int_equal(waiter.woken, 0);
	assert_false(waiter.spot.is_parked);
}

/* News that came between preparing and parking. */
static void test_no_wake_up_is_lost(void **state)
{
	struct waiter waiter = {0};
	(void)state;
	news(6, 12);
	assert_int_equal(enter(&waiter, 12, 1, 5, false), ERR_STATE);
	assert_false(waiter.has_begun);
	assert_int_equal(enter(&waiter, 13, 1, 5, false), ERR_OK);
	parking_leave(parking, &waiter.spot);
	assert_int_equal(enter(&waiter, 12, 1, 6, false), ERR_OK);
	parking_leave(parking, &waiter.spot);
	news_of_all(7);
	assert_int_equal(enter(&waiter, 12, 1, 6, true), ERR_STATE);
	assert_int_equal(enter(&waiter, 12, 1, 6, false), ERR_OK);
	parking_leave(parking, &waiter.spot);
	static struct core_news everybody = {.number = 8, .is_for_all = true};
	parking_news(parking, &everybody);
	assert_int_equal(enter(&waiter, 14, 1, 7, false), ERR_STATE);
	assert_int_equal(enter(&waiter, 14, 1, 8, false), ERR_OK);
	parking_leave(parking, &waiter.spot);
}

static void test_readers_of_all_and_everybody(void **state)
{
	struct waiter reader = {0}, plain = {0};
	(void)state;
	assert_int_equal(enter(&reader, 12, 1, 5, true), ERR_OK);
	assert_int_equal(enter(&plain, 13, 2, 5, false), ERR_OK);
	news_of_all(6);
	assert_int_equal(reader.woken, 1);
	assert_int_equal(plain.woken, 0);
	assert_int_equal(enter(&reader, 12, 1, 6, true), ERR_OK);
	static struct core_news everybody = {.number = 7, .is_for_all = true};
	parking_news(parking, &everybody);
	assert_int_equal(reader.woken, 2);
	assert_int_equal(plain.woken, 1);
}

static void test_a_connection_has_its_share(void **state)
{
	struct waiter waiters[PARKED_PER_PIPE + 1] = {{.woken = 0}}, other = {0};
	(void)state;
	for (size_t i = 0; i < PARKED_PER_PIPE; i++)
		assert_int_equal(enter(&waiters[i], 12, 4711, 5, false), ERR_OK);
	assert_int_equal(enter(&waiters[PARKED_PER_PIPE], 12, 4711, 5, false), ERR_BUSY);
	assert_int_equal(enter(&other, 12, 4711 + 4096, 5, false), ERR_OK);
	parking_forget(parking, 4711);
	for (size_t i = 0; i < PARKED_PER_PIPE; i++)
		assert_int_equal(waiters[i].woken, 1);
	assert_int_equal(other.woken, 0);
	assert_int_equal(enter(&waiters[0], 12, 4711, 5, false), ERR_OK);
	parking_close(parking);
}

static void test_all_together_are_bounded(void **state)
{
	struct waiter *waiters = calloc(PARKED_MAX + 1, sizeof(*waiters));
	(void)state;
	for (uint32_t i = 0; i < PARKED_MAX; i++)
		assert_int_equal(enter(&waiters[i], i, i, 5, false), ERR_OK);
	assert_int_equal(enter(&waiters[PARKED_MAX], 1, PARKED_MAX, 5, false), ERR_BUSY);
	parking_leave(parking, &waiters[7].spot);
	assert_int_equal(enter(&waiters[PARKED_MAX], 1, PARKED_MAX, 5, false), ERR_OK);
	parking_close(parking);
	for (uint32_t i = 0; i <= PARKED_MAX; i++)
		assert_int_equal(waiters[i].woken, i != 7);
	free(waiters);
}

static void test_nobody_waits_where_nobody_answers(void **state)
{
	struct waiter waiter = {0};
	(void)state;
	is_connected = false;
	assert_int_equal(enter(&waiter, 12, 1, 5, false), ERR_NETWORK);
	assert_false(waiter.spot.is_parked);
	news(6, 12);
	is_connected = true;
	waiter.has_begun = false;
	parking_close(parking);
	assert_int_equal(enter(&waiter, 12, 1, 6, false), ERR_NETWORK);
	assert_false(waiter.has_begun);
	assert_int_equal(waiter.woken, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_news_wakes_whom_it_concerns),
		TEST(test_old_news_wakes_nobody),
		TEST(test_no_wake_up_is_lost),
		TEST(test_readers_of_all_and_everybody),
		TEST(test_a_connection_has_its_share),
		TEST(test_all_together_are_bounded),
		TEST(test_nobody_waits_where_nobody_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
