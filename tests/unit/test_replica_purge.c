/*
 * The end of a copy, whole or interrupted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "copy_maker.h"

#define ROWS 2300 /* more than one transaction takes */

static bool is_stale(const char *purpose)
{
	bool stale;

	assert_int_equal(replica_is_stale(&maker.replica, purpose, &stale), ERR_OK);
	return stale;
}

static void fill(const char *purpose, unsigned count)
{
	copy_maker_lease(&maker, purpose);
	maker.cursor = 0;
	for (unsigned first = 0; first < count; first += 100)
		assert_int_equal(copy_maker_page(&maker, purpose, first, first + 99, 1), ERR_OK);
}

static void test_nothing_stays(void **state)
{
	struct replica_lease lease;
	uint64_t customers = 0, cursor = 9;
	int32_t day;

	(void)state;
	fill("service", ROWS);
	fill("service-plus", 100);
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
	assert_int_equal(customers, ROWS);
	assert_false(key_shelf_has(&maker.shelf, "service"));
	assert_int_equal(replica_lease(&maker.replica, "service", &lease), ERR_NOT_FOUND);
	assert_int_equal(replica_begun(&maker.replica, "service", &day), ERR_NOT_FOUND);
	assert_int_equal(replica_cursor(&maker.replica, "service", maker.agreement, &cursor), ERR_OK);
	assert_int_equal(cursor, 0);
	assert_false(is_stale("service"));
	/* only the other purpose's */
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 100);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 200);
	assert_true(key_shelf_has(&maker.shelf, "service-plus"));
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
	assert_int_equal(customers, 0);
}

/* The key is what goes first: a failure there changes nothing, a failure later leaves what nobody can read. */
static void test_interrupted(void **state)
{
	uint64_t customers = 77;

	(void)state;
	fill("service", 200);
	assert_false(is_stale("service"));
	maker.shelf.code = ERR_IO;
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_IO);
	assert_int_equal(customers, 77);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 200);
	maker.shelf.code = ERR_OK;
	assert_int_equal(maker.replica.keys.destroy(&maker.shelf, "service"), ERR_OK);
	copy_maker_reopen(&maker);
	assert_true(is_stale("service"));
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
	assert_int_equal(customers, 200);
	assert_false(is_stale("service"));
}

/* A copy that begins anew makes another key; killed just then, the lease's handle key does not open with it. */
static void test_killed_while_beginning_anew(void **state)
{
	uint8_t made[KEY_SIZE];
	uint64_t customers;

	(void)state;
	fill("service", 100);
	assert_int_equal(maker.replica.keys.make(&maker.shelf, "service", made), ERR_OK);
	assert_true(is_stale("service"));
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
	fill("service", 100);
	assert_false(is_stale("service"));
}

static void test_purposes_of_which_something_is_there(void **state)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	char **purposes;
	size_t count;

	(void)state;
	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(replica_purposes(&maker.replica, &arena, &purposes, &count), ERR_OK);
	assert_int_equal(count, 0);
	fill("service", 100);
	fill("a", 100);
	fill("service-plus", 100);
	copy_maker_lease(&maker, "leased-only");
	assert_int_equal(replica_purposes(&maker.replica, &arena, &purposes, &count), ERR_OK);
	assert_int_equal(count, 4);
	static const char *const expected[] = {"a", "leased-only", "service", "service-plus"};
	for (size_t i = 0; i < count; i++)
		assert_string_equal(purposes[i], expected[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, copy_maker_set_up, copy_maker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_stays),
		TEST(test_interrupted),
		TEST(test_killed_while_beginning_anew),
		TEST(test_purposes_of_which_something_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
