/* kluis-agent receipt: what is rung up, and every way in which the JSON can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "headquarters.h"

#define CUSTOMER "\"customer\": {\"field\": \"card\", \"value\": \"4711\"}"
#define DAY "\"day\": \"2026-02-03\""
#define LINE "{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3.98\"}"
#define GOOD "{" CUSTOMER ", " DAY ", \"lines\": [" LINE "]}"
#define WITH_LINE(line) "{" CUSTOMER ", " DAY ", \"lines\": [" line "]}"
#define WITH_DAY(day) "{" CUSTOMER ", \"day\": " day ", \"lines\": [" LINE "]}"
#define WITH_CUSTOMER(customer) "{\"customer\": " customer ", " DAY ", \"lines\": [" LINE "]}"

static int ring(const char *json)
{
	return RUN(&here, AGENT(12), json, "receipt", "--purpose", "service", "--employee", "till-1");
}

static const char *totals(void)
{
	assert_int_equal(RUN(&here, BROKER, NULL, "totals"), 0);
	return here.last.out;
}

static char before[CHILD_TEXT_MAX];

static void remember_totals(void)
{
	snprintf(before, sizeof(before), "%s", totals());
}

static void test_rung_up(void **state)
{
	(void)state;
	assert_int_equal(ring(GOOD), 0);
	assert_memory_equal(here.last.out, "rung up; log entry ", 19);
	assert_null(strstr(here.last.out, "4711"));
	/* the amount's column may be wider */
	assert_non_null(strstr(totals(), "2026     12         1      1  2.0000  "));
	assert_non_null(strstr(here.last.out, " 3.9800  0.0000\n"));
}

/* A return is a receipt with minus signs; nothing here is a float. */
static void test_exact_and_signed_amounts(void **state)
{
	(void)state;
	assert_int_equal(ring("{" CUSTOMER ", \"day\": \"2025-02-03\", \"lines\": [{\"product\": \"7\", \"units\": "
			      "\"3\", \"amount\": \"0.1\"}, "
			      "{\"product\": \"8\", \"units\": \"1\", \"amount\": \"0.2\", \"cost\": \"0.0001\"}, "
			      "{\"product\": \"7\", \"units\": \"-1\", \"amount\": \"-0.3001\"}]}"),
			 0);
	assert_non_null(strstr(totals(), "\n2025     12         1      3  3.0000  -0.0001  0.0001\n"));
}

/* Refused before anything leaves the store, with what is wrong by name, and nothing is rung up. */
static void test_wrong_json(void **state)
{
	static const struct {
		const char *input, *says;
	} rows[] = {
		{"[]", "the receipt is missing or not an object"},
		{"{\"day\"", "standard input:1: not JSON"},
		{GOOD "{}", "not JSON"},
		{GOOD "\x01", "not JSON"},
		{WITH_DAY("\"2026-02-29\""), "\"day\" is not a date YYYY-MM-DD"},
		{WITH_DAY("\"2026-04-31\""), "\"day\" is not a date"},
		{WITH_DAY("20260203"), "\"day\" is missing or not a text"},
		{WITH_CUSTOMER("\"4711\""), "the customer is missing or not an object"},
		{WITH_CUSTOMER("{\"field\": \"card\", \"vallue\": \"4711\"}"),
		 "unknown key \"vallue\" in the customer"},
		{WITH_CUSTOMER("{\"field\": \"card\"}"), "\"value\" is missing"},
		{WITH_CUSTOMER("{\"field\": \"card\", \"value\": 4711}"), "\"value\" is missing or not a text"},
		{WITH_CUSTOMER("{\"field\": \"colour\", \"value\": \"4711\"}"), "\"field\" is not one"},
		{WITH_CUSTOMER("{\"field\": \"name\", \"value\": \"Bert\"}"), "\"field\" is not one"},
		{"{" CUSTOMER ", " DAY "}", "\"lines\" has to hold 1 to 1000 lines"},
		{"{" CUSTOMER ", " DAY ", \"lines\": " LINE "}", "\"lines\" has to hold"},
		{WITH_LINE("7"), "a line is missing or not an object"},
		{WITH_LINE("{\"units\": \"2\", \"amount\": \"3.98\"}"), "\"product\" is missing"},
		{WITH_LINE("{\"product\": \"7\", \"amount\": \"3.98\"}"), "\"units\" is not a decimal text"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\"}"), "\"amount\" is not a decimal text"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": 3.98}"), "\"amount\" is not"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3,98\"}"), "\"amount\" is not"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3.98001\"}"), "\"amount\" is not"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": \"1e3\"}"), "\"amount\" is not"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": \"99999999999999999999\"}"),
		 "\"amount\" is not"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": \"\"}"), "\"amount\" is not"},
		{WITH_LINE("{\"product\": \"7\", \"units\": \"2\", \"amount\": \"1\", \"cost\": \"cheap\"}"),
		 "\"cost\" is not"},
	};

	(void)state;
	remember_totals();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = ring(rows[i].input);
		if (status != 4 || strstr(here.last.err, rows[i].says) == NULL)
			fail_msg("%d for %s: %s", status, rows[i].input, here.last.err);
		assert_null(strstr(here.last.err, "4711"));
		assert_string_equal(here.last.out, "");
	}
	assert_string_equal(totals(), before);
}

static void test_too_many_lines(void **state)
{
	static char input[256 * 1024 + 2];
	size_t length = 0;

	(void)state;
	remember_totals();
	length += (size_t)snprintf(input, sizeof(input), "{" CUSTOMER ", " DAY ", \"lines\": [" LINE);
	for (size_t i = 0; i < 1000; i++)
		length += (size_t)snprintf(input + length, sizeof(input) - length, "," LINE);
	snprintf(input + length, sizeof(input) - length, "]}");
	assert_int_equal(ring(input), 4);
	assert_non_null(strstr(here.last.err, "1 to 1000 lines"));
	memset(input, ' ', sizeof(input) - 1);
	assert_int_equal(ring(input), 4);
	assert_non_null(strstr(here.last.err, "more than 262144 bytes"));
	assert_string_equal(totals(), before);
}

static void test_who_rings_up_for_whom(void **state)
{
	(void)state;
	remember_totals();
	assert_int_equal(RUN(&here, AGENT(12), GOOD, "receipt", "--purpose", "service", "--employee", "nobody"), 3);
	assert_non_null(strstr(here.last.err, "'nobody' is not on the roster"));
	assert_int_equal(
		RUN(&here, AGENT(12), GOOD, "receipt", "--purpose", "direct-marketing", "--employee", "till-1"), 3);
	assert_int_equal(RUN(&here, AGENT(12), GOOD, "receipt", "--purpose", "service"), 2);
	assert_int_equal(RUN(&here, AGENT(12), GOOD, "receipt", "--employee", "till-1"), 2);
	assert_int_equal(ring(WITH_CUSTOMER("{\"field\": \"card\", \"value\": \"9999\"}")), 3);
	assert_null(strstr(here.last.err, "9999"));
	assert_string_equal(totals(), before);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rung_up),	   TEST(test_exact_and_signed_amounts), TEST(test_wrong_json),
		TEST(test_too_many_lines), TEST(test_who_rings_up_for_whom),
	};

	return cmocka_run_group_tests(tests, headquarters_set_up_shop, headquarters_tear_down);
}
