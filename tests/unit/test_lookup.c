/* kluis-agent staff, lookup, receipt, sync, copy, status, prove and kluis-broker staff, totals, by the programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

#define TILL "--purpose", "service", "--employee", "till-1"
#define RECEIPT                                                                                                        \
	"{\"customer\": {\"field\": \"card\", \"value\": \"4711\"}, \"day\": \"2020-02-03\","                          \
	" \"lines\": [{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3.98\", \"cost\": \"2.1\"}]}"

static struct headquarters here;

/* Two customers, a store that has signed, an employee. */
static int set_up(void **state)
{
	(void)state;
	headquarters_begin(&here);
	headquarters_store(&here, 12);
	const char *map = headquarters_file(&here, "customers.map",
					    "[customers]\npurpose = service\n[fields]\ncard = card\nname = name\n"
					    "phone = phone\n");
	const char *csv =
		headquarters_file(&here, "customers.csv", "card,name,phone\n4711,Anna Smith,0612345678\n4712,Bert,\n");
	assert_int_equal(RUN(&here, BROKER, NULL, "import", "customers", csv, "--mapping", map), 0);
	assert_int_equal(RUN(&here, AGENT(12), "Kees de Vries\n", "staff", "add", "till-1", "--role", "cashier"), 0);
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

static void test_lookup(void **state)
{
	(void)state;
	assert_int_equal(lookup("4711\n"), 0);
	assert_string_equal(here.last.out, "field  value\ncard   4711\nname   Anna Smith\nphone  ••••••5678\n");
	assert_memory_equal(here.last.err, "allowed by grant service-at-till; log entry ", 43);
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "card", TILL, "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"Anna Smith\""));
	assert_int_equal(lookup("9999\n"), 3);
	assert_non_null(strstr(here.last.err, "refused: not found"));
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

static void test_receipt_and_totals(void **state)
{
	static const struct {
		const char *input, *says;
	} bad[] = {
		{"", "not JSON"},
		{"{}", "\"day\" is missing"},
		{"{\"day\": \"2020-02-30\"}", "not a date"},
		{"{\"day\": \"2020-02-03\", \"customer\": {\"field\": \"name\", \"value\": \"x\"}}", "looked up by"},
		{"{\"day\": \"2020-02-03\", \"customer\": {\"field\": \"card\", \"value\": \"4711\"}, \"lines\": []}",
		 "1 to 1000 lines"},
		{"{\"day\": \"2020-02-03\", \"customer\": {\"field\": \"card\", \"value\": \"4711\"}, \"lines\": "
		 "[{\"product\": \"7\", \"units\": 2, \"amount\": \"1\"}]}",
		 "\"units\" is not a decimal text"},
		{"{\"day\": \"2020-02-03\", \"day\": \"2020-02-03\"}", "not JSON"},
	};

	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), RECEIPT, "receipt", TILL), 0);
	assert_memory_equal(here.last.out, "rung up; log entry ", 19);
	assert_int_equal(RUN(&here, AGENT(12), RECEIPT, "receipt", TILL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(RUN(&here, AGENT(12), bad[i].input, "receipt", TILL), 4);
		if (strstr(here.last.err, bad[i].says) == NULL)
			fail_msg("%s", here.last.err);
	}
	assert_int_equal(RUN(&here, AGENT(12), RECEIPT, "receipt"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "totals"), 0);
	assert_string_equal(here.last.out, "year  store  receipts  lines   units  amount    cost\n"
					   "2020     12         2      2  4.0000  7.9600  4.2000\n");
	assert_int_equal(RUN(&here, BROKER, NULL, "totals", "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"7.9600\""));
}

static void test_sync_copy_status(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service"), 0);
	assert_string_equal(here.last.out, "");
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_string_equal(here.last.out, "purpose  updated  removed  customers  outcome\n"
					   "service        2        0          2  in sync [grant service-at-till]\n");
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_non_null(strstr(here.last.out, "service        0        0          2  in sync"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service"), 0);
	assert_non_null(strstr(here.last.out, "\"phone\":\"••••••5678\""));
	assert_null(strstr(here.last.out, "0612345678"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy"), 2);
	/* status needs no broker */
	headquarters_stop(&here);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_non_null(strstr(here.last.out, "minimal.example/kluis/store/12"));
	assert_non_null(strstr(here.last.out, "copy for service  2"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 1);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status", "extra"), 2);
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

static void test_prove(void **state)
{
	char index[32] = "";

	(void)state;
	assert_int_equal(lookup("4711\n"), 0);
	assert_int_equal(sscanf(strstr(here.last.err, "log entry"), "log entry %31[0-9]", index), 1);
	usleep(150000); /* a checkpoint goes over it */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", index), 0);
	assert_memory_equal(here.last.out, "c2sp.org/tlog-proof@v1\n", 23);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", "0"), 3);
	assert_non_null(strstr(here.last.err, "not an operation of this principal"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", "100000"), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", "first"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lookup),
		TEST(test_refusals_name_the_clause),
		TEST(test_receipt_and_totals),
		TEST(test_sync_copy_status),
		TEST(test_staff),
		TEST(test_prove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
