/* SIGTERM and SIGINT as something to wait for. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/stop.h"

static bool is_told(int stop)
{
	struct pollfd ready = {.fd = stop, .events = POLLIN};

	return poll(&ready, 1, 0) == 1;
}

static void check(int number)
{
	sigset_t one;
	int stop = -1, taken = 0;

	assert_int_equal(stop_open(&stop, NULL), ERR_OK);
	assert_false(is_told(stop));
	assert_int_equal(raise(number), 0);
	assert_true(is_told(stop));
	sigemptyset(&one);
	sigaddset(&one, number);
	assert_int_equal(sigwait(&one, &taken), 0); /* the next test begins with none */
	assert_int_equal(taken, number);
	assert_false(is_told(stop));
	stop_close(&stop);
	assert_int_equal(stop, -1);
	stop_close(&stop);
}

static void test_each_signal_tells(void **state)
{
	(void)state;
	check(SIGTERM);
	check(SIGINT);
}

static void test_without_descriptors(void **state)
{
	struct rlimit limit, none;
	struct fault fault = {""};
	int stop = -1;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum err err = stop_open(&stop, &fault);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(err, ERR_IO);
	assert_int_equal(stop, -1);
	assert_memory_equal(fault.text, "signalfd: ", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_signal_tells),
		cmocka_unit_test(test_without_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
