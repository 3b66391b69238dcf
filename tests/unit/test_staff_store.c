/* kluis-agent staff: the roster that the store keeps, and the broker that hears of it at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "headquarters.h"

static int look_up(const char *handle)
{
	return RUN(&here, AGENT(12), "4711\n", "lookup", "card", "--purpose", "service", "--employee", handle);
}

static int add(const char *handle, const char *name, const char *role)
{
	return RUN(&here, AGENT(12), name, "staff", "add", handle, "--role", role);
}

static const char *roster(void)
{
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list"), 0);
	return here.last.out;
}

static void test_added_may_look_up_at_once(void **state)
{
	(void)state;
	assert_int_equal(look_up("till-2"), 3);
	assert_int_equal(add("till-2", "Jan\n", "cashier"), 0);
	assert_int_equal(look_up("till-2"), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-2"), 0);
	assert_int_equal(look_up("till-2"), 3);
	assert_non_null(strstr(here.last.err, "'till-2' is not on the roster; 'kluis-agent staff list' shows it"));
	assert_null(strstr(roster(), "till-2"));
	assert_non_null(strstr(here.last.out, "till-1"));
}

/* Another role: no name is asked for, and the log knows the same person. */
static void test_another_role(void **state)
{
	char first[33] = "", second[33] = "";

	(void)state;
	assert_int_equal(add("till-5", "Kees Mulder\n", "cashier"), 0);
	assert_int_equal(sscanf(strstr(roster(), "Mulder"), "Mulder %32[0-9a-f]", first), 1);
	assert_int_equal(strlen(first), 32);
	assert_int_equal(add("till-5", "", "manager"), 0);
	assert_non_null(strstr(roster(), "till-5  manager  Kees Mulder  "));
	assert_int_equal(sscanf(strstr(here.last.out, "Mulder"), "Mulder %32[0-9a-f]", second), 1);
	assert_string_equal(first, second);
	assert_int_equal(RUN(&here, AGENT(12), "Jan\n", "staff", "add", "till-2"), 2);
	assert_non_null(strstr(here.last.err, "say --role NAME"));
}

/* The same handle for somebody else is another person to the log. */
static void test_a_handle_may_be_given_again(void **state)
{
	char first[33] = "", second[33] = "";

	(void)state;
	assert_int_equal(add("till-6", "Kees Smit\n", "cashier"), 0);
	assert_int_equal(sscanf(strstr(roster(), "Smit"), "Smit %32[0-9a-f]", first), 1);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-6"), 0);
	assert_int_equal(add("till-6", "Anna Vries\n", "cashier"), 0);
	assert_int_equal(sscanf(strstr(roster(), "Anna Vries"), "Anna Vries %32[0-9a-f]", second), 1);
	assert_string_not_equal(first, second);
	assert_int_equal(look_up("till-6"), 0);
}

/* Without a broker: refused here at once, and the broker hears it when it is said again. */
static void test_remove_while_the_broker_is_away(void **state)
{
	char pseudonym[33] = "";

	(void)state;
	assert_int_equal(add("till-7", "Kees Bos\n", "cashier"), 0);
	assert_int_equal(sscanf(strstr(roster(), "Bos"), "Bos %32[0-9a-f]", pseudonym), 1);
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-7"), 1);
	headquarters_serve(&here);
	assert_int_equal(look_up("till-7"), 3);
	assert_non_null(strstr(here.last.err, "is not on the roster"));
	assert_non_null(strstr(roster(), "(leaving)"));
	/* nobody comes to work under a name that is not gone yet */
	assert_int_equal(add("till-7", "Anna\n", "cashier"), 3);
	assert_non_null(strstr(here.last.err, "first 'kluis-agent staff remove till-7' again"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-7"), 0);
	assert_null(strstr(roster(), "till-7"));
	/* the broker has really heard it */
	assert_int_equal(RUN(&here, BROKER, NULL, "staff", "remove", "12", pseudonym), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-7"), 3);
}

static void test_remove_whom_head_office_has_removed(void **state)
{
	char pseudonym[33] = "";

	(void)state;
	assert_int_equal(add("till-8", "Kees Vos\n", "cashier"), 0);
	assert_int_equal(sscanf(strstr(roster(), "Vos"), "Vos %32[0-9a-f]", pseudonym), 1);
	assert_int_equal(RUN(&here, BROKER, NULL, "staff", "remove", "12", pseudonym), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", "till-8"), 0);
	assert_string_equal(here.last.err, "");
	assert_null(strstr(roster(), "till-8"));
}

/* What is refused, by the broker or before, leaves the roster as it was. */
static void test_add_refused_leaves_the_roster(void **state)
{
	static char before[CHILD_TEXT_MAX], name[1100];

	(void)state;
	snprintf(before, sizeof(before), "%s", roster());
	assert_int_equal(add("till-2", "Jan\n", "captain"), 4);
	assert_non_null(strstr(here.last.err, "refused: "));
	assert_int_equal(add("till-1", "", "captain"), 4);
	assert_int_equal(add("till-2", "J\xff\n", "cashier"), 2);
	assert_int_equal(add("till-2", "J\x1b[2Jan\n", "cashier"), 2);
	assert_int_equal(add("till-2", "", "cashier"), 2);
	assert_non_null(strstr(here.last.err, "one line on standard input"));
	memset(name, 'n', sizeof(name) - 1);
	name[1025] = '\n';
	assert_int_equal(add("till-2", name, "cashier"), 2);
	assert_non_null(strstr(here.last.err, "longer than 1024 bytes"));
	assert_string_equal(roster(), before);
	name[1024] = '\n';
	assert_int_equal(add("till-2", name, "cashier"), 0);
}

static void test_handles_that_cannot_be(void **state)
{
	static char long_handle[1000];

	(void)state;
	memset(long_handle, 'a', sizeof(long_handle) - 1);
	assert_int_equal(add(long_handle, "Jan\n", "cashier"), 2);
	assert_non_null(strstr(here.last.err, "a handle is up to 64 of"));
	assert_int_equal(add("", "Jan\n", "cashier"), 2);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", long_handle), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "remove", ""), 3);
	assert_int_equal(look_up(long_handle), 3);
	assert_int_equal(look_up(""), 3);
}

/* The name is nobody's business but the store's and head office's. */
static void test_add_says_no_name(void **state)
{
	(void)state;
	assert_int_equal(add("till-2", "Jan Janssen\n", "cashier"), 0);
	assert_null(strstr(here.last.out, "Janssen"));
	assert_null(strstr(here.last.err, "Janssen"));
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_added_may_look_up_at_once),
		TEST(test_another_role),
		TEST(test_a_handle_may_be_given_again),
		TEST(test_remove_while_the_broker_is_away),
		TEST(test_remove_whom_head_office_has_removed),
		TEST(test_add_refused_leaves_the_roster),
		TEST(test_handles_that_cannot_be),
		TEST(test_add_says_no_name),
	};

	return cmocka_run_group_tests(tests, headquarters_set_up_shop, headquarters_tear_down);
}
