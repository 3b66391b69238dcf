/* kluis-broker key list, revoke; kluis-agent key rotate, trust: by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static void test_list(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "list"), 0);
	assert_non_null(strstr(here.last.out, "log.key"));
	assert_non_null(strstr(here.last.out, "tls.crt"));
	assert_non_null(strstr(here.last.out, "master.key"));
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log"), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "list", "--json"), 0);
	assert_non_null(strstr(here.last.out, "log-2.key"));
}

static void test_revoke(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "revoke", "12"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "revoke", "13", "--reason", "none"), 3);
	assert_int_equal(
		RUN(&here, BROKER, NULL, "key", "revoke", "minimal.example/kluis/store/12", "--reason", "theft"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "show"), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "key", "rotate"), 3);
}

static void test_agent_rotates(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "trust"), 0);
	assert_non_null(strstr(here.last.out, "keys of the invitation"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "key", "rotate"), 0);
	assert_non_null(strstr(here.last.out, "minimal.example/kluis/store/12 is now"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "show"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0); /* under the agreement that the old key signed */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "key", "rotate"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_revoke),
		TEST(test_agent_rotates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
