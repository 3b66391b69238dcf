/* The trust in force as head office reads it, and the version after it, entered in a broker that serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/succession.h"
#include "headquarters.h"

static void test_read_enter_read(void **state)
{
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	static struct trust before, next, after;
	struct fault fault = {""};
	uint32_t number;

	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	arena_init(&arena, 16 * PAPER_MAX);
	assert_int_equal(office_open(&office, here.broker, &fault), ERR_OK);
	assert_int_equal(succession_read(&office, &arena, &before, &fault), ERR_OK);
	assert_int_equal(before.version, 0);
	assert_string_equal(before.origin, "minimal.example/kluis");
	assert_int_equal(succession_log_number(here.broker, &before.logs[0], &number, &fault), ERR_OK);
	assert_int_equal(number, 1);
	next = before;
	assert_int_equal(succession_enter(&office, &before, &next, &fault), ERR_OK);
	assert_int_equal(next.version, 1);
	/* a second file says that the broker should be asked */
	struct secret_key key CLEANUP(secret_key_fini) = {0};
	char path[HEADQUARTERS_PATH_MAX + 32];
	snprintf(path, sizeof(path), "%s/log-2.key", here.broker);
	assert_int_equal(secret_key_new(slice_text("minimal.example/kluis/log"), &key), ERR_OK);
	assert_int_equal(secret_key_write(&key, path, &fault), ERR_OK);
	assert_int_equal(succession_read(&office, &arena, &after, &fault), ERR_OK);
	assert_int_equal(after.version, 1);
	assert_true(public_key_equal(&after.logs[0], &before.logs[0]));
	before.logs[0].key[0] ^= 1;
	assert_int_equal(succession_log_number(here.broker, &before.logs[0], &number, &fault), ERR_OK);
	assert_int_equal(number, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_enter_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
