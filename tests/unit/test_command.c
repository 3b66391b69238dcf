/* Subcommands: words, options, arguments, exit statuses. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "kluis/command.h"

enum { SET_COUNT = 0x100, SET_LOUD };

struct settings {
	uint64_t count;
	bool is_loud;
};

static enum err take(void *target, int key, const char *value, struct fault *fault)
{
	struct settings *settings = target;

	if (key == SET_COUNT)
		return command_number("count", value, 1, 9, &settings->count, fault);
	settings->is_loud = true;
	return ERR_OK;
}

static enum err say(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;

	(void)fault;
	printf("count=%d loud=%d arguments=%d", (int)settings->count, settings->is_loud, arguments->count);
	for (int i = 0; i < arguments->count; i++)
		printf(" <%s>", arguments->items[i]);
	puts("");
	return ERR_OK;
}

static enum err refuse(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)target, (void)arguments;
	return fault_set(fault, ERR_SUSPENDED, "refused: %s", error_text(ERR_SUSPENDED));
}

static enum err fail_silently(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)target, (void)arguments, (void)fault;
	return ERR_INPUT;
}

/* What it says goes nowhere, and so does not reach the file that it opened. */
static enum err open_and_say(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	int file = open(arguments->items[0], O_RDWR);

	(void)target, (void)fault;
	fprintf(stderr, "overwritten");
	return file > STDERR_FILENO && getchar() == EOF ? ERR_OK : ERR_INPUT;
}

static const struct argp_option options[] = {
	{"count", SET_COUNT, "NUMBER", 0, "How often", 0}, {"loud", SET_LOUD, NULL, 0, "Shout", 0}, {0}};
static const struct command commands[] = {
	{"say", "TEXT [MORE]", 1, 2, "Say something", NULL, options, say},
	{"say twice", NULL, 0, 0, "Say nothing twice", "A longer text.", options, say},
	{"refuse", NULL, 0, 0, "Be refused", NULL, options, refuse},
	{"fail", NULL, 0, 0, "Fail", NULL, options, fail_silently},
	{"open", "FILE", 1, 1, "Open a file", NULL, options, open_and_say},
};

static struct child child;

struct line {
	char *words[8];
	int count;
};

static int run_line(void *context)
{
	struct line *line = context;
	struct settings settings = {.count = 1};
	const struct program program = {.name = "kluis-test",
					.summary = "kluis-test is for tests.",
					.manual = "kluis-test(1)",
					.commands = commands,
					.command_count = 5,
					.settings = &settings,
					.take = take};

	return command_main(&program, line->count, line->words);
}

/* Words separated by blanks. */
static int run(const char *text)
{
	static char copy[256];
	struct line line = {.count = 0};
	char *rest = copy;

	snprintf(copy, sizeof(copy), "kluis-test %s", text);
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		if (word[0] != '\0')
			line.words[line.count++] = word;
	child_call(&child, run_line, &line);
	return child.status;
}

static void test_words_and_arguments(void **state)
{
	static const struct {
		const char *line, *out;
	} rows[] = {
		{"say a", "count=1 loud=0 arguments=1 <a>\n"},
		{"say a b", "count=1 loud=0 arguments=2 <a> <b>\n"},
		{"say twice", "count=1 loud=0 arguments=0\n"}, /* the longer words win */
		{"say twicely", "count=1 loud=0 arguments=1 <twicely>\n"},
		{"say --count 3 a --loud", "count=3 loud=1 arguments=1 <a>\n"},
		{"say a --count=9", "count=9 loud=0 arguments=1 <a>\n"},
		{"say -- --loud", "count=1 loud=0 arguments=1 <--loud>\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run(rows[i].line), 0);
		assert_string_equal(child.out, rows[i].out);
		assert_string_equal(child.err, "");
	}
}

static void test_wrong_usage_is_2_and_runs_nothing(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{"", "Usage: kluis-test COMMAND"},
		{"sing", "unknown command 'sing'"},
		{"sa a", "unknown command 'sa'"},
		{"twice", "unknown command 'twice'"},
		{"say", "missing argument: TEXT [MORE]"},
		{"say a b c", "too many arguments, from 'c' on"},
		{"say twice c", "too many arguments, from 'c' on"},
		{"say a --shout", "shout"},
		{"say a --count", "count"},
		{"say a --count 10", "--count: '10' is not a whole number from 1 to 9"},
		{"say a --count 0", "--count: '0' is not"},
		{"say a --count -1", "--count: '-1' is not"},
		{"say a --count 1x", "--count: '1x' is not"},
		{"say a --count 99999999999999999999999", "is not a whole number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run(rows[i].line), 2);
		assert_string_equal(child.out, "");
		if (strstr(child.err, rows[i].says) == NULL)
			fail_msg("'%s' says: %s", rows[i].line, child.err);
	}
}

static void test_failures_have_their_status_and_one_line(void **state)
{
	(void)state;
	assert_int_equal(run("refuse"), 3);
	assert_string_equal(child.err, "kluis-test: refuse: refused: store is suspended\n");
	assert_int_equal(run("fail"), 4);
	assert_string_equal(child.err, "kluis-test: fail: malformed input\n");
}

static void test_help_and_version(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(run(i == 0 ? "--help" : "help"), 0);
		for (size_t j = 0; j < 5; j++)
			assert_non_null(strstr(child.out, commands[j].summary));
		assert_non_null(strstr(child.out, "kluis-test(1)"));
	}
	assert_int_equal(run("--version"), 0);
	assert_memory_equal(child.out, "kluis-test ", 11);
	assert_int_equal(run("say twice --help"), 0);
	assert_non_null(strstr(child.out, "Say nothing twice"));
	assert_non_null(strstr(child.out, "A longer text."));
	assert_non_null(strstr(child.out, "--count"));
}

static int close_output(void *context)
{
	fclose(stdout);
	stdout = fopen("/dev/full", "w");
	return run_line(context);
}

/* What could not be written is a failure, not silence. */
static void test_full_output(void **state)
{
	char name[] = "kluis-test", word[] = "say", argument[] = "a";
	struct line line = {{name, word, argument, NULL}, 3};

	(void)state;
	child_call(&child, close_output, &line);
	assert_int_equal(child.status, 1);
	assert_non_null(strstr(child.err, "standard output"));
}

static int close_all(void *context)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	return run_line(context);
}

/* A file that a command opens is never what it writes its messages to. */
static void test_closed_descriptors(void **state)
{
	char name[] = "kluis-test", word[] = "open", path[] = "/tmp/kluis-test-XXXXXX", text[8] = "";
	struct line line = {{name, word, path, NULL}, 3};
	int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	child_call(&child, close_all, &line);
	assert_int_equal(child.status, 0);
	assert_int_equal(read(file, text, sizeof(text)), 0);
	close(file);
	unlink(path);
}

static void test_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t number;
	} good[] = {{"0", 0}, {"007", 7}, {"18446744073709551615", UINT64_MAX}};
	static const char *const bad[] = {"", " 1", "+1", "-0", "1 ", "0x1", "1e3", "18446744073709551616"};
	uint64_t number = 42;
	struct fault fault = {""};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(command_number("n", bad[i], 0, UINT64_MAX, &number, &fault), ERR_USAGE);
	assert_int_equal(number, 42);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(command_number("n", good[i].text, 0, UINT64_MAX, &number, &fault), ERR_OK);
		assert_true(number == good[i].number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_arguments),
		cmocka_unit_test(test_wrong_usage_is_2_and_runs_nothing),
		cmocka_unit_test(test_failures_have_their_status_and_one_line),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_full_output),
		cmocka_unit_test(test_closed_descriptors),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
