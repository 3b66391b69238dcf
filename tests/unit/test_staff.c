/* kluis-agent staff and kluis-broker staff remove, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static struct headquarters here;

static int set_up(void **state)
{
	(void)state;
	headquarters_begin_shop(&here);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	headquarters_end(&here);
	return 0;
}

static int lookup(const char *value)
{
	return RUN(&here, AGENT(12), value, "lookup", "card", TILL);
}

static void test_staff(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list"), 0);
	assert_non_null(strstr(here.last.out, "till-1  cashier  Kees de Vries  "));
	char pseudonym[33] = "";
	assert_int_equal(sscanf(strstr(here.last.out, "de Vries"), "de Vries %32[0-9a-f]", pseudonym), 1);
	assert_int_equal(strlen(pseudonym), 32);
	/* another role: no name is asked for, the pseudonym stays */
	assert_int_equal(RUN(&here, AGENT(12), "", "staff", "add", "till-1", "--role", "manager"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list", "--json"), 0);
	assert_non_null(strstr(here.last.out, pseudonym));
	assert_non_null(strstr(here.last.out, "\"manager\""));
	assert_int_equal(RUN(&here, AGENT(12), "Jan\n", "staff", "add", "till-2", "--role", "captain"), 4);
	assert_int_equal(RUN(&here, AGENT(12), "Jan\n", "staff", "add", "Till 2", "--role", "cashier"), 2);
	assert_int_equal(RUN(&here, AGENT(12), "\n", "staff", "add", "till-2", "--role", "cashier"), 2);
	assert_int_equal(RUN(&here, AGENT(12), "Jan\n", "staff", "add", "till-2"), 2);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-2"), 3);
	/* head office's brake: the handle is still there, the broker refuses */
	assert_int_equal(RUN(&here, BROKER, NULL, "staff", "remove", "12", pseudonym), 0);
	assert_int_equal(lookup("4711\n"), 3);
	assert_non_null(strstr(here.last.err, "[grant service-at-till: employee]"));
	assert_int_equal(RUN(&here, BROKER, NULL, "staff", "remove", "12", pseudonym), 3);
	assert_int_equal(RUN(&here, BROKER, NULL, "staff", "remove", "12", "kees"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "staff", "remove", "12"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_staff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
