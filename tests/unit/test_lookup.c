/* kluis-agent lookup, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static int lookup(const char *value)
{
	return RUN(&here, AGENT(12), value, "lookup", "card", TILL);
}

static void test_lookup(void **state)
{
	(void)state;
	assert_int_equal(lookup("4711\n"), 0);
	assert_string_equal(here.last.out, "field  value\ncard   4711\nname   Anna Smith\nphone  ••••••5678\n");
	assert_memory_equal(here.last.err, "allowed by grant service-at-till; log entry ", 43);
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "card", TILL, "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"Anna Smith\""));
	assert_int_equal(lookup("9999\n"), 3);
	assert_non_null(strstr(here.last.err, "refused: no customer has this card"));
	assert_int_equal(RUN(&here, AGENT(12), "Anna\n", "lookup", "name", TILL), 4);
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "colour", TILL), 4);
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "card", "--purpose", "direct-marketing",
			     "--employee", "till-1"),
			 3);
	assert_non_null(strstr(here.last.err, "[no grant for purpose direct-marketing]"));
	assert_int_equal(
		RUN(&here, AGENT(12), "4711\n", "lookup", "card", "--purpose", "service", "--employee", "nobody"), 3);
	assert_non_null(strstr(here.last.err, "'nobody' is not on the roster"));
	/* usage: a value is read from standard input only */
	assert_int_equal(lookup(""), 2);
	assert_int_equal(lookup("\n"), 2);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "lookup", "card", "4711", TILL), 2);
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "card"), 2);
	assert_int_equal(RUN(&here, AGENT(99), "4711\n", "lookup", "card", TILL), 3);
	assert_non_null(strstr(here.last.err, "'kluis-agent join INVITATION' makes one"));
}

static void test_refusals_name_the_clause(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "suspend", "12"), 0);
	assert_int_equal(lookup("4711\n"), 3);
	assert_non_null(strstr(here.last.err, "[agreement: suspended] (log entry "));
	assert_string_equal(here.last.out, "");
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 3);
	assert_non_null(strstr(here.last.out, "agreement: suspended"));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "resume", "12"), 0);
	assert_int_equal(lookup("4711\n"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up_shop, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lookup),
		TEST(test_refusals_name_the_clause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
