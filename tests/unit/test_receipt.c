/* kluis-agent receipt, by the programs themselves. */
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

static void test_receipt(void **state)
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
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_receipt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
