/* kluis-broker key rotate-master, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "kluis/keys.h"

static void test_rotate(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-master"), 0);
	assert_non_null(strstr(here.last.out, "epoch 2"));
	assert_false(headquarters_has(&here, "master.key"));
	assert_true(headquarters_has(&here, "master-2.key"));
	assert_int_equal(headquarters_stop(&here), 0);
	headquarters_serve(&here);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-master"), 0);
	assert_true(headquarters_has(&here, "master-3.key") && !headquarters_has(&here, "master-2.key"));
}

/* Killed when the key was made: it is that one that is used. */
static void test_go_on(void **state)
{
	char path[HEADQUARTERS_PATH_MAX + 32];

	(void)state;
	snprintf(path, sizeof(path), "%s/master-2.key", here.broker);
	assert_int_equal(keys_init(), ERR_OK);
	assert_int_equal(secret_bytes_create(path, NULL), ERR_OK);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-master"), 0);
	assert_non_null(strstr(here.last.out, "epoch 2"));
	assert_false(headquarters_has(&here, "master.key") || headquarters_has(&here, "master-3.key"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotate),
		TEST(test_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
