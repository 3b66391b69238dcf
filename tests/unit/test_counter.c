/* Commands of employees: where the PIN comes from, what standard input has to be, and without a daemon. (With one:
 * tests/scenario/64-tills.sh.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/counter.h"
#include "kluis/arena.h"

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	setvbuf(stdin, NULL, _IONBF, 0); /* or it keeps what it read ahead of another file */
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Standard input from now on. */
static void give(const char *text, size_t length)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	rewind(file);
	assert_int_not_equal(dup2(fileno(file), STDIN_FILENO), -1);
	fclose(file);
	rewind(stdin);
}

#define GIVE(text) give(text, sizeof(text) - 1)

static void test_values(void **state)
{
	json_t *values = NULL;

	(void)state;
	GIVE("card=1001\r\nname=Ann = Smith\n\nphone=\n");
	assert_int_equal(counter_read_values(&arena, &values, NULL), ERR_OK);
	json_t *expected = json_pack("[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]", "field", "card", "value", "1001", "field",
				     "name", "value", "Ann = Smith", "field", "phone", "value", "");
	assert_true(json_equal(values, expected));
	json_decref(expected);
	json_decref(values);
}

static void test_values_that_are_none(void **state)
{
	json_t *values = NULL;
	struct fault fault = {""};

	(void)state;
	GIVE("name=Ann\n0612345678\n");
	assert_int_equal(counter_read_values(&arena, &values, &fault), ERR_INPUT);
	assert_string_equal(fault.text, "standard input:2: not FIELD=VALUE");
	GIVE("=Ann\n");
	assert_int_equal(counter_read_values(&arena, &values, NULL), ERR_INPUT);
	GIVE("name=\xff\n");
	assert_int_equal(counter_read_values(&arena, &values, NULL), ERR_INPUT);
	GIVE("name=A\0B\n");
	assert_int_equal(counter_read_values(&arena, &values, NULL), ERR_INPUT);
	GIVE("\n");
	assert_int_equal(counter_read_values(&arena, &values, NULL), ERR_USAGE);
	assert_null(values);
}

static void test_words(void **state)
{
	static char many[70000];
	char *words = NULL;

	(void)state;
	GIVE("I want\nmy data\n\n");
	assert_int_equal(counter_read_words("request", &arena, &words, NULL), ERR_OK);
	assert_string_equal(words, "I want\nmy data");
	memset(many, 'x', sizeof many);
	give(many, sizeof many);
	assert_int_equal(counter_read_words("request", &arena, &words, NULL), ERR_TOO_LARGE);
	GIVE("");
	assert_int_equal(counter_read_words("request", &arena, &words, NULL), ERR_USAGE);
}

static void test_a_line(void **state)
{
	char *line = NULL;

	(void)state;
	GIVE("4711\nmore\n");
	assert_int_equal(counter_read_line("card", &arena, &line, NULL), ERR_OK);
	assert_string_equal(line, "4711");
	GIVE("\n");
	assert_int_equal(counter_read_line("card", &arena, &line, NULL), ERR_USAGE);
}

static void test_without_a_daemon(void **state)
{
	struct counter counter = {0};
	struct agent_options options = {.data = "/nonexistent"};
	struct fault fault = {""};

	(void)state;
	assert_int_equal(counter_open(&counter, &options, NULL), ERR_USAGE);
	options.employee = "anna";
	assert_int_equal(counter_open(&counter, &options, &fault), ERR_STATE);
	assert_string_equal(fault.text, "the daemon is not running; start it with 'kluis-agent run'");
	memset(counter.pin, '7', sizeof counter.pin);
	counter_close(&counter);
	for (size_t i = 0; i < sizeof counter.pin; i++)
		assert_int_equal(counter.pin[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values), TEST(test_values_that_are_none), TEST(test_words),
		TEST(test_a_line), TEST(test_without_a_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
