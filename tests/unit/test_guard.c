/* The server's defence, by its rules, without sockets or clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kluis/limits.h"
#include "server/guard.h"

static int make(void **state)
{
	struct guard *guard = NULL;
	if (guard_new(&guard) != ERR_OK)
		return -1;
	*state = guard;
	return 0;
}

static int drop(void **state)
{
	struct guard *guard = *state;
	guard_free(&guard);
	return 0;
}

static void connect_pipe(struct guard *guard, uint32_t pipe)
{
	uint32_t evicted;
	assert_true(guard_connect(guard, pipe, false, &evicted));
	assert_int_equal(evicted, 0);
}

/* One message, looked at or told that the server is busy, answered at once. */
static enum guard_verdict visit(struct guard *guard, uint32_t pipe, uint64_t now_ms, enum guard_outcome outcome)
{
	enum guard_verdict verdict = guard_arrive(guard, pipe, now_ms);
	if (verdict == GUARD_PASS)
		verdict = guard_judge(guard, pipe, outcome);
	guard_depart(guard, pipe);
	return verdict;
}

static void prove(struct guard *guard, uint32_t pipe)
{
	assert_int_equal(visit(guard, pipe, 0, GUARD_WAS_AUTHENTICATED), GUARD_PASS);
	assert_true(guard_is_known(guard, pipe));
}

static void test_strangers_share_the_verifications_of_a_second(void **state)
{
	struct guard *guard = *state;
	unsigned passed = 0;
	for (uint32_t pipe = 1; pipe <= 20; pipe++)
		connect_pipe(guard, pipe);
	for (unsigned i = 0; i < 10 * UNKNOWN_VERIFICATIONS_PER_SECOND; i++)
		passed += visit(guard, 1 + i % 20, 5000, GUARD_WAS_UNKNOWN) == GUARD_PASS;
	assert_int_equal(passed, UNKNOWN_VERIFICATIONS_PER_SECOND + 20 * FREE_VERIFICATIONS_PER_PIPE);
	/* A tenth of a second later a tenth of it is there again. */
	passed = 0;
	for (unsigned i = 0; i < UNKNOWN_VERIFICATIONS_PER_SECOND; i++)
		passed += visit(guard, 1 + i % 20, 5100, GUARD_WAS_UNKNOWN) == GUARD_PASS;
	assert_int_equal(passed, UNKNOWN_VERIFICATIONS_PER_SECOND / 10);
	/* No more than one second's worth is ever saved up. */
	passed = 0;
	for (unsigned i = 0; i < 3 * UNKNOWN_VERIFICATIONS_PER_SECOND; i++)
		passed += visit(guard, 1 + i % 20, 3600 * 1000, GUARD_WAS_UNKNOWN) == GUARD_PASS;
	assert_int_equal(passed, UNKNOWN_VERIFICATIONS_PER_SECOND);
}

static void exhaust(struct guard *guard, uint32_t pipe)
{
	connect_pipe(guard, pipe);
	while (visit(guard, pipe, 0, GUARD_WAS_UNKNOWN) == GUARD_PASS) {
	}
	assert_int_equal(visit(guard, pipe, 0, GUARD_WAS_UNKNOWN), GUARD_BUSY);
}

static void test_a_flood_leaves_the_known_served(void **state)
{
	struct guard *guard = *state;
	connect_pipe(guard, 1);
	prove(guard, 1);
	exhaust(guard, 2);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(visit(guard, 1, 0, GUARD_WAS_AUTHENTICATED), GUARD_PASS);
}

static void test_a_flood_lets_a_returning_store_prove_itself(void **state)
{
	struct guard *guard = *state;
	exhaust(guard, 1);
	connect_pipe(guard, 2);
	prove(guard, 2);
}

static void test_garbage_closes_at_the_bound(void **state)
{
	struct guard *guard = *state;
	connect_pipe(guard, 1);
	prove(guard, 1);
	for (int i = 1; i < BAD_MESSAGES_PER_PIPE; i++)
		assert_int_equal(visit(guard, 1, 0, GUARD_WAS_GARBAGE), GUARD_PASS);
	/* Good ones between do not wash it away. */
	assert_int_equal(visit(guard, 1, 0, GUARD_WAS_AUTHENTICATED), GUARD_PASS);
	assert_int_equal(visit(guard, 1, 0, GUARD_WAS_GARBAGE), GUARD_CLOSE);
}

static void test_requests_at_a_time_are_bounded(void **state)
{
	struct guard *guard = *state;
	connect_pipe(guard, 1);
	for (int i = 0; i < UNKNOWN_REQUESTS_PER_PIPE; i++)
		assert_int_not_equal(guard_arrive(guard, 1, 0), GUARD_CLOSE);
	assert_int_equal(guard_arrive(guard, 1, 0), GUARD_CLOSE);
	guard_depart(guard, 1);
	assert_int_not_equal(guard_arrive(guard, 1, 0), GUARD_CLOSE);

	connect_pipe(guard, 2);
	prove(guard, 2);
	for (int i = 0; i < REQUESTS_PER_PIPE; i++)
		assert_int_equal(guard_arrive(guard, 2, 0), GUARD_PASS);
	assert_int_equal(guard_arrive(guard, 2, 0), GUARD_CLOSE);
}

static void test_a_new_stranger_takes_the_oldest_ones_place(void **state)
{
	struct guard *guard = *state;
	uint32_t evicted;
	for (uint32_t pipe = 1; pipe <= UNKNOWN_CONNECTIONS_MAX; pipe++)
		connect_pipe(guard, pipe);
	prove(guard, 1);
	connect_pipe(guard, 5001); /* there is one place again */
	assert_true(guard_connect(guard, 5002, false, &evicted));
	assert_int_equal(evicted, 2);
	assert_int_equal(guard_arrive(guard, 2, 0), GUARD_CLOSE);
	guard_disconnect(guard, 2); /* as the server does when the pipe is gone */
	guard_disconnect(guard, 3);
	connect_pipe(guard, 5003);
	assert_true(guard_connect(guard, 5004, false, &evicted));
	assert_int_equal(evicted, 4);
	assert_true(guard_is_known(guard, 1));
}

static void test_connections_are_bounded(void **state)
{
	struct guard *guard = *state;
	uint32_t evicted;
	for (uint32_t pipe = 1; pipe <= CONNECTIONS_MAX; pipe++) {
		connect_pipe(guard, pipe);
		prove(guard, pipe);
	}
	/* The known are never put out, so there is no place left until one goes; except for head office. */
	assert_false(guard_connect(guard, 9001, false, &evicted));
	assert_int_equal(guard_arrive(guard, 9001, 0), GUARD_CLOSE);
	assert_true(guard_connect(guard, 9002, true, &evicted));
	assert_int_equal(evicted, 0);
	guard_disconnect(guard, 9002);
	guard_disconnect(guard, 77);
	connect_pipe(guard, 9003);
	/* A stranger in a full house makes room. */
	assert_true(guard_connect(guard, 9004, true, &evicted));
	assert_int_equal(evicted, 9003);
}

static void test_local_ones_are_known(void **state)
{
	struct guard *guard = *state;
	uint32_t evicted;
	exhaust(guard, 1);
	assert_true(guard_connect(guard, 2, true, &evicted));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(visit(guard, 2, 0, GUARD_WAS_UNKNOWN), GUARD_PASS);
}

static void test_numbers_that_share_a_bucket_are_told_apart(void **state)
{
	struct guard *guard = *state;
	for (uint32_t i = 0; i < 5; i++)
		connect_pipe(guard, 7 + i * 65536);
	prove(guard, 7 + 2 * 65536);
	guard_disconnect(guard, 7 + 65536);
	assert_int_equal(guard_arrive(guard, 7 + 65536, 0), GUARD_CLOSE);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(guard_is_known(guard, 7 + i * 65536), i == 2);
}

#define WITH_GUARD(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUARD(test_strangers_share_the_verifications_of_a_second),
		WITH_GUARD(test_a_flood_leaves_the_known_served),
		WITH_GUARD(test_a_flood_lets_a_returning_store_prove_itself),
		WITH_GUARD(test_garbage_closes_at_the_bound),
		WITH_GUARD(test_requests_at_a_time_are_bounded),
		WITH_GUARD(test_a_new_stranger_takes_the_oldest_ones_place),
		WITH_GUARD(test_connections_are_bounded),
		WITH_GUARD(test_local_ones_are_known),
		WITH_GUARD(test_numbers_that_share_a_bucket_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
