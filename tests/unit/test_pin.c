/* kluis-agent staff pin: where a PIN comes from, and where it does not show. */
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static const char *roster(void)
{
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list", "--json"), 0);
	return here.last.out;
}

static int pin(const char *handle, const char *input)
{
	return RUN(&here, AGENT(12), input, "staff", "pin", handle);
}

static void test_nobody_has_one_by_default(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), "Jan\n", "staff", "add", "jan", "--role", "cashier"), 0);
	assert_non_null(strstr(here.last.err, "no PIN is set yet"));
	assert_non_null(strstr(here.last.err, "kluis-agent staff pin jan"));
	assert_non_null(strstr(roster(), "\"none\""));
	assert_null(strstr(here.last.out, "\"set\""));
}

static void test_from_standard_input(void **state)
{
	(void)state;
	assert_int_equal(pin("till-1", "4711\n"), 0);
	assert_string_equal(here.last.out, "");
	assert_string_equal(here.last.err, "");
	assert_non_null(strstr(roster(), "\"set\""));
	assert_null(strstr(here.last.out, "4711"));
	/* another role, the same PIN: nothing to say */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "add", "till-1", "--role", "manager"), 0);
	assert_string_equal(here.last.err, "");
}

static void test_what_is_refused(void **state)
{
	char longer[100];

	(void)state;
	assert_int_equal(pin("till-1", ""), 2);
	assert_non_null(strstr(here.last.err, "one line on standard input"));
	assert_int_equal(pin("till-1", "471\n"), 4);
	assert_non_null(strstr(here.last.err, "4 to 64 characters"));
	assert_int_equal(pin("till-1", "5555\n"), 4);
	assert_null(strstr(here.last.err, "5555"));
	memset(longer, '7', sizeof longer);
	memcpy(longer, "68", 2);
	snprintf(longer + 65, 3, "\n");
	assert_int_equal(pin("till-1", longer), 4);
	assert_int_equal(pin("nobody", "4711\n"), 3);
	assert_non_null(strstr(here.last.err, "'nobody' is not on the roster"));
	/* never an option or an argument */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "pin", "till-1", "4711"), 2);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "pin", "till-1", "--pin", "4711"), 2);
}

/* ---- at a terminal ---- */

static void await(int terminal, char *seen, size_t size, const char *text)
{
	size_t length = strlen(seen);

	while (strstr(seen, text) == NULL) {
		ssize_t got = read(terminal, seen + length, size - length - 1);
		assert_true(got > 0);
		length += (size_t)got;
		seen[length] = '\0';
	}
}

/* Types two lines when asked; the exit status. seen: all that the terminal showed. */
static int type(const char *first, const char *second, char *seen, size_t size)
{
	int terminal, status;
	char data[HEADQUARTERS_PATH_MAX];

	snprintf(data, sizeof data, "%s", headquarters_path(&here, "store-12"));
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		execl(TEST_BINARIES "/kluis-agent", "kluis-agent", "staff", "pin", "till-1", "--data", data, NULL);
		_exit(99);
	}
	seen[0] = '\0';
	await(terminal, seen, size, "PIN of till-1: ");
	assert_int_equal(write(terminal, first, strlen(first)), strlen(first));
	await(terminal, seen, size, "once more: ");
	assert_int_equal(write(terminal, second, strlen(second)), strlen(second));
	size_t length = strlen(seen);
	ssize_t got;
	while ((got = read(terminal, seen + length, size - length - 1)) > 0)
		length += (size_t)got;
	seen[length] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(terminal);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void test_typed_twice_and_not_shown(void **state)
{
	char seen[1024];

	(void)state;
	assert_int_equal(type("8264\n", "8264\n", seen, sizeof seen), 0);
	assert_null(strstr(seen, "8264"));
	assert_int_equal(type("8264\n", "8265\n", seen, sizeof seen), 4);
	assert_null(strstr(seen, "826"));
	assert_non_null(strstr(seen, "two different PINs"));
	/* the key that interrupts: refused as every control character is, the terminal is as it was */
	assert_int_equal(type("82\x03\n", "82\x03\n", seen, sizeof seen), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_has_one_by_default),
		cmocka_unit_test(test_from_standard_input),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_typed_twice_and_not_shown),
	};

	return cmocka_run_group_tests(tests, headquarters_set_up_shop, headquarters_tear_down);
}
