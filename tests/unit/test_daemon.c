/* The daemon as a process: what commands do on a folder while it runs, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <signal.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "headquarters.h"
#include "kluis/clock.h"

static pid_t daemon_pid;

static void start_daemon(void)
{
	char path[HEADQUARTERS_PATH_MAX + 64], folder[HEADQUARTERS_PATH_MAX];
	snprintf(folder, sizeof folder, "%s", headquarters_path(&here, "store-12"));
	snprintf(path, sizeof path, "%s/till.port", folder);
	unlink(path);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		execl(TEST_BINARIES "/kluis-agent", "kluis-agent", "run", "--data", folder, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 400 && access(path, R_OK) != 0; i++)
		clock_sleep_ms(50);
	assert_int_equal(access(path, R_OK), 0);
}

static int stop_daemon(void)
{
	int status = 0;
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, &status, 0);
	daemon_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int begin(void **state)
{
	(void)state;
	headquarters_begin_shop(&here);
	headquarters_file(&here, "store-12/run.ini", "[till]\nlisten = 127.0.0.1:0\n");
	start_daemon();
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (daemon_pid > 0)
		stop_daemon();
	headquarters_end(&here);
	return 0;
}

/* RUN on store 12, asked again until the text is in what it prints. */
static void until_status_says(const char *text)
{
	for (int i = 0; i < 400; i++) {
		assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
		if (strstr(here.last.out, text) != NULL)
			return;
		clock_sleep_ms(50);
	}
	fail_msg("'%s' is not in '%s'", text, here.last.out);
}

static void test_status_is_the_running_daemons(void **state)
{
	(void)state;
	until_status_says("copy for service  2, open until");
	until_status_says("online            yes");
	assert_null(strstr(here.last.out, "Anna"));
	assert_int_equal(stop_daemon(), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_non_null(strstr(here.last.out, "running           no"));
	start_daemon();
}

static void test_staff_is_changed_by_the_running_daemon(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), "Willem Till\n", "staff", "add", "willem", "--role", "cashier"), 0);
	assert_non_null(strstr(here.last.err, "kluis-agent staff pin willem"));
	assert_int_equal(RUN(&here, AGENT(12), "8642\n", "staff", "pin", "willem"), 0);
	assert_int_equal(RUN(&here, AGENT(12), "1111\n", "staff", "pin", "willem"), 4);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list"), 0);
	assert_non_null(strstr(here.last.out, "willem"));
	assert_non_null(strstr(here.last.out, "set"));
	assert_int_equal(RUN(&here, AGENT(12), "X\n", "staff", "add", "other", "--role", "emperor"), 4);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "willem"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "willem"), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list"), 0);
	assert_null(strstr(here.last.out, "willem"));
}

static void test_lists_are_empty_and_say_what_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "alarms"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "alarms", "seen", "5"), 3);
	assert_non_null(strstr(here.last.err, "there is no alarm 5"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "outbox", "list"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "outbox", "retry", "5"), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "outbox", "discard", "x"), 2);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "agreement", "sign", "--yes"), 3);
	assert_int_equal(stop_daemon(), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "alarms"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "outbox", "list", "--json"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "alarms", "seen", "5"), 3);
	start_daemon();
}

static void test_a_folder_has_one_daemon(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "run"), 1);
	assert_non_null(strstr(here.last.err, "another agent, or a command, works in"));
}

static void test_what_run_ini_cannot_say_is_refused(void **state)
{
	(void)state;
	assert_int_equal(stop_daemon(), 0);
	headquarters_file(&here, "store-12/run.ini", "[till]\nlisten = 0.0.0.0:80\n");
	assert_int_equal(RUN(&here, AGENT(12), NULL, "run"), 4);
	assert_non_null(strstr(here.last.err, "run.ini:2"));
	headquarters_file(&here, "store-12/run.ini", "[till]\nlisten = 127.0.0.1:0\n");
	start_daemon();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_is_the_running_daemons),
		cmocka_unit_test(test_staff_is_changed_by_the_running_daemon),
		cmocka_unit_test(test_lists_are_empty_and_say_what_is_not_there),
		cmocka_unit_test(test_a_folder_has_one_daemon),
		cmocka_unit_test(test_what_run_ini_cannot_say_is_refused),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
