/* The lease of the copy, as the commands see it: by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "home.h"

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	headquarters_begin_shop(&here);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	return 0;
}

static int copy(void)
{
	return RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service");
}

/* Until when the lease is, in the store's own folder. */
static void set_lease(uint64_t until_ms)
{
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct fault fault = {""};
	uint8_t handle_key[KEY_SIZE] = {1};

	assert_int_equal(agent_open(&agent, headquarters_path(&here, "store-12"), &fault), ERR_OK);
	assert_int_equal(replica_set_lease(&agent.replica, "service", until_ms, 0, SLICE_ARRAY(handle_key)), ERR_OK);
}

static void test_over(void **state)
{
	(void)state;
	assert_int_equal(copy(), 0);
	assert_non_null(strstr(here.last.out, "\"customer\""));
	set_lease(1000);
	assert_int_equal(copy(), 3);
	assert_string_equal(here.last.out, "");
	assert_non_null(strstr(here.last.err, "the lease of the copy for 'service' is over; 'kluis-agent sync' asks"));
	/* offline too the next sync destroys it first */
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 1);
	assert_int_equal(access(headquarters_path(&here, "store-12/leases/service.key"), F_OK), -1);
	assert_int_equal(copy(), 3);
	assert_non_null(strstr(here.last.err, "there is no copy for 'service' yet"));
}

/* Somebody removed the key: nothing opens; the next sync purges what is left, certifies it, and makes a new copy. */
static void test_key_is_gone(void **state)
{
	(void)state;
	assert_int_equal(unlink(headquarters_path(&here, "store-12/leases/service.key")), 0);
	assert_int_equal(copy(), 3);
	assert_string_equal(here.last.out, "");
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_non_null(strstr(here.last.out, "service        2        0          2  in sync"));
	assert_non_null(strstr(here.last.err, "certified to head office: the copy for 'service', 2 customers"));
	assert_int_equal(copy(), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_null(strstr(here.last.err, "certified"));
}

static void test_suspended(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "suspend", "12"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 3);
	assert_non_null(strstr(here.last.err, "certified to head office: the copy for 'service', 2 customers"));
	assert_int_equal(access(headquarters_path(&here, "store-12/leases/service.key"), F_OK), -1);
	assert_int_equal(copy(), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 3);
	assert_null(strstr(here.last.err, "certified"));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "resume", "12"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_int_equal(copy(), 0);
	assert_non_null(strstr(here.last.out, "\"customer\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_over),
		TEST(test_key_is_gone),
		TEST(test_suspended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
