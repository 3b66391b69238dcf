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

/* Two customers, years apart, tenths that are no floats, a return; and what is refused counts for nothing. The sums are
 * done by hand. */
static void test_totals_are_what_was_rung_up(void **state)
{
	static const struct {
		const char *card, *day, *units, *amount, *cost;
	} receipts[] = {
		{"4711", "2019-12-31", "1", "0.1", "0.0001"},
		{"4712", "2019-01-01", "1", "0.2", "0.0002"},
		{"4711", "2024-02-29", "7", "99999999.9999", "0"},
		{"4712", "2024-02-29", "7.5", "99999999.9999", "0"},
		{"4711", "2026-01-01", "-2", "-4.99", "-0.0003"},
		{"4711", "2023-02-29", "1", "1000", "1000"}, /* no such day */
		{"4713", "2026-01-01", "1", "1000", "1000"}, /* nobody's card */
	};
	char input[512];

	(void)state;
	for (size_t i = 0; i < sizeof(receipts) / sizeof(receipts[0]); i++) {
		snprintf(input, sizeof(input),
			 "{\"customer\": {\"field\": \"card\", \"value\": \"%s\"}, \"day\": \"%s\", \"lines\": "
			 "[{\"product\": \"7\", \"units\": \"%s\", \"amount\": \"%s\", \"cost\": \"%s\"}]}",
			 receipts[i].card, receipts[i].day, receipts[i].units, receipts[i].amount, receipts[i].cost);
		assert_true((RUN(&here, AGENT(12), input, "receipt", TILL) == 0) == (i < 5));
	}
	assert_int_equal(RUN(&here, BROKER, NULL, "totals"), 0);
	assert_string_equal(here.last.out, "year  store  receipts  lines    units          amount     cost\n"
					   "2019     12         2      2   2.0000          0.3000   0.0003\n"
					   "2024     12         2      2  14.5000  199999999.9998   0.0000\n"
					   "2026     12         1      1  -2.0000         -4.9900  -0.0003\n");
}

static void test_totals_without_a_broker(void **state)
{
	(void)state;
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "totals"), 1);
	assert_non_null(strstr(here.last.err, "no broker answers for"));
	assert_string_equal(here.last.out, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up_shop, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_totals),
		TEST(test_totals_are_what_was_rung_up),
		TEST(test_totals_without_a_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
