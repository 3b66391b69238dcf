/* kluis-broker totals, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

#define RECEIPT                                                                                                        \
	"{\"customer\": {\"field\": \"card\", \"value\": \"4711\"}, \"day\": \"2020-02-03\","                          \
	" \"lines\": [{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3.98\", \"cost\": \"2.1\"}]}"

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

static void test_totals(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "totals"), 0);
	assert_string_equal(here.last.out, "year  store  receipts  lines  units  amount  cost\n");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(RUN(&here, AGENT(12), RECEIPT, "receipt", TILL), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "totals"), 0);
	assert_string_equal(here.last.out, "year  store  receipts  lines   units  amount    cost\n"
					   "2020     12         2      2  4.0000  7.9600  4.2000\n");
	assert_int_equal(RUN(&here, BROKER, NULL, "totals", "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"7.9600\""));
	assert_int_equal(RUN(&here, BROKER, NULL, "totals", "2020"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
