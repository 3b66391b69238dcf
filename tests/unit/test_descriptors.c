/* The watch over open files and connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/descriptors.h"

#define MOST 100

static void test_short_past_three_quarters(void **state)
{
	struct rlimit before, few;
	int opened[MOST], count = 0;

	(void)state;
	close_range(3, ~0U, 0); /* what the test's parent left open */
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = MOST;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_false(descriptors_are_short());
	/* numbers are given out from the lowest on: the last one says how many are open */
	do
		opened[count] = open("/dev/null", O_RDONLY);
	while (opened[count++] < MOST * 3 / 4 - 1);
	assert_false(descriptors_are_short());
	opened[count++] = open("/dev/null", O_RDONLY);
	assert_true(descriptors_are_short());
	while (count > 0)
		close(opened[--count]);
	assert_false(descriptors_are_short());
	setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_past_three_quarters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
