/* kluis-broker key rotate-certificate, by the programs themselves: a store that was told goes on, one that was not is
 * locked out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static void test_begin_and_finish(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	headquarters_store(&here, 13);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-certificate", "--finish"), 3);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-certificate"), 0);
	assert_true(headquarters_has(&here, "tls-2.crt") && headquarters_has(&here, "tls-2.key"));
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-certificate"), 3);
	assert_int_equal(RUN(&here, AGENT(13), NULL, "agreement", "show"), 0); /* the old one is shown still */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "trust"), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-certificate", "--finish"), 0);
	assert_false(headquarters_has(&here, "tls.key") || headquarters_has(&here, "tls.crt"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "trust"), 0);
	assert_non_null(strstr(here.last.out, "trust version 2, new here"));
	assert_int_not_equal(RUN(&here, AGENT(13), NULL, "agreement", "show"), 0);
	assert_int_equal(headquarters_stop(&here), 0);
	headquarters_serve(&here);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "show"), 0);
	headquarters_store(&here, 14); /* invited with the certificate of now */
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begin_and_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
