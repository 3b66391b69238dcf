/* kluis-broker key rotate-log, by the programs themselves: begun, gone on with after a kill, finished. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "kluis/keys.h"

static void test_begin_and_finish(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log", "--finish"), 3);
	assert_non_null(strstr(here.last.err, "no rotation was begun"));
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log"), 0);
	assert_non_null(strstr(here.last.out, "trust version 1"));
	assert_true(headquarters_has(&here, "log.key") && headquarters_has(&here, "log-2.key"));
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log"), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "trust"), 0);
	assert_non_null(strstr(here.last.out, "trust version 1, new here"));
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log", "--finish"), 0);
	assert_non_null(strstr(here.last.out, "trust version 2"));
	assert_false(headquarters_has(&here, "log.key"));
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log", "--finish"), 0); /* nothing is left to do */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "trust"), 0);
	assert_non_null(strstr(here.last.out, "trust version 2"));
	assert_int_equal(headquarters_stop(&here), 0);
	headquarters_serve(&here);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log"), 0);
	assert_true(headquarters_has(&here, "log-3.key"));
}

/* Killed when the key was made and nothing was entered: the same key is used. */
static void test_go_on_with_a_key_that_was_made(void **state)
{
	struct secret_key key CLEANUP(secret_key_fini) = {0};
	char path[HEADQUARTERS_PATH_MAX + 32], id[16];

	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	assert_int_equal(secret_key_new(slice_text("minimal.example/kluis/log"), &key), ERR_OK);
	snprintf(path, sizeof(path), "%s/log-2.key", here.broker);
	assert_int_equal(secret_key_write(&key, path, NULL), ERR_OK);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-log"), 0);
	snprintf(id, sizeof(id), "%08x", key.public.id);
	assert_non_null(strstr(here.last.out, id));
	assert_false(headquarters_has(&here, "log-3.key"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begin_and_finish),
		TEST(test_go_on_with_a_key_that_was_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
