/* kluis-agent sync, copy, status and prove, by the programs themselves. */
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

static void test_sync_copy_status(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service"), 3);
	assert_string_equal(here.last.out, "");
	assert_non_null(strstr(here.last.err, "there is no copy for 'service' yet; 'kluis-agent sync' makes it"));
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

static void test_prove(void **state)
{
	char index[32] = "";

	(void)state;
	assert_int_equal(lookup("4711\n"), 0);
	assert_int_equal(sscanf(strstr(here.last.err, "log entry"), "log entry %31[0-9]", index), 1);
	/* once a checkpoint goes over it */
	for (int i = 0; i < 100 && RUN(&here, AGENT(12), NULL, "prove", index) != 0; i++)
		usleep(100000);
	assert_int_equal(here.last.status, 0);
	assert_memory_equal(here.last.out, "c2sp.org/tlog-proof@v1\n", 23);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", "0"), 3);
	assert_non_null(strstr(here.last.err, "not an operation of this principal"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", "100000"), 3);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "prove", "first"), 2);
}

/* What it says without asking: who, where, under what, until when; nothing about customers but their number. */
static void test_status_offline(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "sync"), 0);
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_string_equal(here.last.err, "");
	assert_non_null(strstr(here.last.out, here.listen));
	assert_null(strstr(here.last.out, "Anna"));
	assert_null(strstr(here.last.out, "Kees"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status", "--json"), 0);
	assert_int_equal(here.last.out[0], '{');
	assert_non_null(strstr(here.last.out, "\"purpose\": \"service\""));
	assert_int_equal(RUN(&here, AGENT(13), NULL, "status"), 3);
	assert_non_null(strstr(here.last.err, "is not an agent's folder; 'kluis-agent join INVITATION' makes one"));
}

/* An agreement.note that somebody changed is no agreement. */
static void test_status_of_an_altered_agreement(void **state)
{
	const char *note = headquarters_path(&here, "store-12/agreement.note");

	(void)state;
	assert_int_equal(truncate(note, 1000), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "status"), 0);
	assert_non_null(strstr(here.last.out, "agreement.note"));
	assert_null(strstr(here.last.out, "until"));
	assert_int_equal(RUN(&here, AGENT(12), "4711\n", "lookup", "card", TILL), 4);
	assert_null(strstr(here.last.out, "Anna"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up_shop, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync_copy_status),
		TEST(test_prove),
		TEST(test_status_offline),
		TEST(test_status_of_an_altered_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
