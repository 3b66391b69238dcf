/* Versions that the broker has shown: the last ones, the newest of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk/desk_internal.h"

static struct desk desk;

static int set_up(void **state)
{
	(void)state;
	memset(&desk, 0, sizeof desk);
	return pthread_mutex_init(&desk.seen_lock, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	return pthread_mutex_destroy(&desk.seen_lock);
}

static const uint8_t *customer(size_t i)
{
	static uint8_t pseudonym[PSEUDONYM_SIZE];

	put_u64(pseudonym + 8, i);
	return pseudonym;
}

static void test_the_newest_of_each(void **state)
{
	(void)state;
	assert_int_equal(desk_seen_version(&desk, customer(0)), 0);
	desk_seen_put(&desk, customer(0), 3);
	desk_seen_put(&desk, customer(1), 9);
	desk_seen_put(&desk, customer(0), 5);
	desk_seen_put(&desk, customer(0), 4); /* an answer that was overtaken */
	assert_int_equal(desk_seen_version(&desk, customer(0)), 5);
	assert_int_equal(desk_seen_version(&desk, customer(1)), 9);
	assert_int_equal(desk_seen_version(&desk, customer(2)), 0);
}

static void test_the_last_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < DESK_SEEN + 10; i++)
		desk_seen_put(&desk, customer(i), (uint32_t)i + 1);
	for (size_t i = 0; i < DESK_SEEN + 10; i++)
		assert_int_equal(desk_seen_version(&desk, customer(i)), i < 10 ? 0 : i + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_newest_of_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_last_ones, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
