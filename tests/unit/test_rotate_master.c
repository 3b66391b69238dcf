/* kluis-broker key rotate-master, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"
#include "kluis/keys.h"

static struct headquarters here;

static int set_up(void **state)
{
	(void)state;
	headquarters_begin(&here);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	headquarters_end(&here);
	return 0;
}

static bool is_there(const char *name)
{
	char path[HEADQUARTERS_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", here.broker, name);
	return access(path, F_OK) == 0;
}

static void test_rotate(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-master"), 0);
	assert_non_null(strstr(here.last.out, "epoch 2"));
	assert_false(is_there("master.key"));
	assert_true(is_there("master-2.key"));
	assert_int_equal(headquarters_stop(&here), 0);
	headquarters_serve(&here);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "key", "rotate-master"), 0);
	assert_true(is_there("master-3.key") && !is_there("master-2.key"));
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
	assert_false(is_there("master.key") || is_there("master-3.key"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotate),
		TEST(test_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
