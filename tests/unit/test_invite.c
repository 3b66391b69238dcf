/* kluis-broker invite, by the programs themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "headquarters.h"

static int join(int store, const char *invitation)
{
	return RUN(&here, AGENT(store), NULL, "join", invitation);
}

static void open_store(const char *number)
{
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", number, "Zeist", "NL"), 0);
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
	assert_int_equal(headquarters_mode(&here, "out"), 0600);
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

static void read_paper(const char *path, char ret_text[static 8192])
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	ret_text[fread(ret_text, 1, 8191, file)] = '\0';
	fclose(file);
}

/* The code stands in the paper alone, and each paper has its own. */
static void test_invite_tells_nobody_the_code(void **state)
{
	static char text[8192], other[8192];

	(void)state;
	open_store("12");
	const char *first = headquarters_invitation(&here, 12);
	assert_non_null(strstr(here.last.out, "lets minimal.example/kluis/store/12 in until 20"));
	read_paper(first, text);
	char *code = strstr(text, "code = ");
	assert_non_null(code);
	code += 7;
	code[strcspn(code, "\n")] = '\0';
	assert_true(strlen(code) >= 22); /* 128 bits, however written */
	assert_null(strstr(here.last.out, code));
	assert_string_equal(here.last.err, "");
	read_paper(headquarters_invitation(&here, 12), other);
	assert_null(strstr(other, code));
}

/* Nothing is written when the broker cannot be told, and the broker hears of nothing that cannot be written. */
static void test_invite_whole_or_not_at_all(void **state)
{
	const char *out = headquarters_path(&here, "out"), *nowhere = headquarters_path(&here, "no/out");

	(void)state;
	open_store("12");
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", nowhere), 3);
	assert_non_null(strstr(here.last.err, "no/out"));
	assert_int_equal(headquarters_stop(&here), 0);
	assert_non_null(strstr(here.serve.err, "stopped, 2 entries in the log")); /* charter, store */
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", out), 1);
	assert_non_null(strstr(here.last.err, "no broker answers for"));
	assert_int_not_equal(access(out, F_OK), 0);
	headquarters_serve(&here);
	assert_int_equal(RUN(&here, BROKER, NULL, "invite", "store", "12", "--out", out), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_invite_whom_and_where),
		TEST(test_invite_tells_nobody_the_code),
		TEST(test_invite_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
