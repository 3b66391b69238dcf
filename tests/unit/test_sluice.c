/* Who passes, who waits, and that nobody is inside who should not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "run/sluice.h"

#define THREADS 4
#define ROUNDS 200

static struct sluice sluice;

static int set_up(void **state)
{
	(void)state;
	return sluice_init(&sluice) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	sluice_fini(&sluice);
	return 0;
}

static void test_open_many_are_inside(void **state)
{
	(void)state;
	assert_true(sluice_enter(&sluice, 0));
	assert_true(sluice_enter(&sluice, 0));
	sluice_leave(&sluice);
	sluice_leave(&sluice);
	sluice_close(&sluice); /* returns, since nobody is inside */
}

static void test_closed_waits_its_time(void **state)
{
	(void)state;
	sluice_close(&sluice);
	uint64_t began_ms = clock_steady_ms();
	assert_false(sluice_enter(&sluice, 50));
	assert_true(clock_steady_ms() - began_ms >= 50);
	sluice_open(&sluice);
	assert_true(sluice_enter(&sluice, 0));
	sluice_leave(&sluice);
}

static void *enter(void *result)
{
	*(int *)result = sluice_enter(&sluice, 20000);
	return NULL;
}

static void test_waits_until_it_opens_or_ends(void **state)
{
	(void)state;
	for (int is_end = 0; is_end < 2; is_end++) {
		pthread_t thread;
		int is_inside = -1;
		sluice_close(&sluice);
		assert_int_equal(pthread_create(&thread, NULL, enter, &is_inside), 0);
		clock_sleep_ms(20);
		uint64_t began_ms = clock_steady_ms();
		(is_end ? sluice_end : sluice_open)(&sluice);
		pthread_join(thread, NULL);
		assert_true(clock_steady_ms() - began_ms < 10000);
		assert_int_equal(is_inside, !is_end);
		if (is_inside)
			sluice_leave(&sluice);
	}
	sluice_open(&sluice);
	assert_false(sluice_enter(&sluice, 1000)); /* over is over */
}

/* What is replaced under the closed sluice: half of it, then the other. Without a lock, so the thread sanitizer sees
 * whoever looks at it meanwhile. */
static uint64_t left, right;
static _Atomic unsigned passed, torn;

static void *pass(void *context)
{
	(void)context;
	while (sluice_enter(&sluice, 20000)) {
		torn += left != right;
		passed++;
		sluice_leave(&sluice);
	}
	return NULL;
}

static void test_nobody_sees_half_of_it(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned before = passed;
		sluice_close(&sluice);
		left++;
		right++;
		sluice_open(&sluice);
		while (passed == before)
			clock_sleep_ms(1);
	}
	sluice_end(&sluice);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(torn, 0);
	assert_int_equal(left, ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_many_are_inside),
		TEST(test_closed_waits_its_time),
		TEST(test_waits_until_it_opens_or_ends),
		TEST(test_nobody_sees_half_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
