/* Lines that a flood cannot multiply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/log.h"

static void test_admit_writes_a_burst_and_counts_the_rest(void **state)
{
	(void)state;
	struct log_topic topic = LOG_TOPIC("topic");
	unsigned dropped = 99;
	for (int i = 0; i < LOG_BURST; i++) {
		assert_true(log_admit(&topic, 1000, &dropped));
		assert_int_equal(dropped, 0);
	}
	for (int i = 0; i < 7; i++)
		assert_false(log_admit(&topic, 1000 + LOG_WINDOW_MS - 1, &dropped));
	assert_true(log_admit(&topic, 1000 + LOG_WINDOW_MS, &dropped));
	assert_int_equal(dropped, 7);
	assert_true(log_admit(&topic, 1000 + LOG_WINDOW_MS, &dropped));
	assert_int_equal(dropped, 0);
}

static void test_topics_do_not_share(void **state)
{
	(void)state;
	struct log_topic loud = LOG_TOPIC("loud");
	struct log_topic quiet = LOG_TOPIC("quiet");
	unsigned dropped;
	while (log_admit(&loud, 0, &dropped)) {
	}
	assert_true(log_admit(&quiet, 0, &dropped));
}

/* Runs with standard error in a file, and gives what came there. */
static void capture(char *ret_text, size_t size, struct log_topic *topic, const char *argument)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	int before = dup(STDERR_FILENO);
	fflush(stderr);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	log_event(topic, "subject '%s': cause", argument);
	fflush(stderr);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	rewind(file);
	ret_text[fread(ret_text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void test_event_is_one_line(void **state)
{
	(void)state;
	struct log_topic topic = LOG_TOPIC("commit");
	char text[2048];
	capture(text, sizeof(text), &topic, "a\nforged: line\x1b[31m\x7f");
	assert_string_equal(text, "commit: subject 'a?forged: line?[31m?': cause\n");
}

static void test_event_is_cut(void **state)
{
	(void)state;
	struct log_topic topic = LOG_TOPIC("commit");
	char text[1500];
	char *argument = calloc(1, 3000);
	memset(argument, 'x', 2999);
	capture(text, sizeof(text), &topic, argument);
	free(argument);
	assert_true(strlen(text) < 1100);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admit_writes_a_burst_and_counts_the_rest),
		cmocka_unit_test(test_topics_do_not_share),
		cmocka_unit_test(test_event_is_one_line),
		cmocka_unit_test(test_event_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
