/* The core opened in place, for what needs no running broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/local.h"
#include "headquarters.h"

static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	headquarters_begin(&here);
	fault.text[0] = '\0';
	return 0;
}

static void test_local_while_the_broker_is_stopped(void **state)
{
	static struct local local;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Census ask = KLUIS__CENSUS__INIT;

	(void)state;
	operation.kind_case = KLUIS__OPERATION__KIND_CENSUS;
	operation.census = &ask;
	assert_int_equal(local_open(&local, here.broker, false, &fault), ERR_IN_USE); /* it is served */
	headquarters_stop(&here);
	fault.text[0] = '\0';
	assert_int_equal(local_open(&local, here.broker, true, &fault), ERR_EXISTS);
	fault.text[0] = '\0';
	assert_int_equal(local_open(&local, here.broker, false, &fault), ERR_OK);
	uint64_t size = core_size(local.core);
	assert_int_equal(local_call(&local, &operation, SLICE_EMPTY, &fault), ERR_OK);
	assert_int_equal(core_size(local.core), size + 1);
	local_close(&local);
	assert_int_equal(local_open(&local, here.folder, false, &fault), ERR_NOT_FOUND);
	local_close(&local);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_local_while_the_broker_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
