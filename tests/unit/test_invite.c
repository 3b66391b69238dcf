/* kluis-broker invite, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static struct headquarters here;

static int set_up(void **state)
{
	(void)state;
	headquarters_begin(&here);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	headquarters_end(&here);
	return 0;
}

static int join(int store, const char *invitation)
{
	return RUN(&here, AGENT(store), NULL, "join", invitation);
}

static void open_store(const char *number)
{
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", number, "Zeist", "NL"), 0);
}

static unsigned mode_of(const char *name)
{
	struct stat status;

	return stat(headquarters_path(&here, name), &status) == 0 ? status.st_mode & 07777 : 0;
}

static void test_invite_whom_and_where(void **state)
{
	const char *out = headquarters_path(&here, "out");

	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", out), 3);
	assert_non_null(strstr(here.last.err, "unknown store"));
	assert_int_not_equal(access(out, F_OK), 0); /* nothing that would never be good */
	open_store("12");
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", out), 0);
	assert_int_equal(mode_of("out"), 0600);
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", out), 3); /* never over another */
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "shop", "12", "--out", out), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "012", "--out", out), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "auditor", "A b", "--out", out), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", out, "--days", "91"), 2);
	const char *auditor = headquarters_path(&here, "auditor");
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "auditor", "rekenkamer", "--out", auditor), 0);
	assert_int_equal(join(12, auditor), 2);
	assert_non_null(strstr(here.last.err, "auditors join with kluis-audit"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_invite_whom_and_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
