/* kluis-agent sync and copy, and what of all that lies readable on a disk. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "headquarters.h"

static int run(const char *first, const char *second)
{
	return RUN(&here, AGENT(12), NULL, first, second);
}

static void test_again_changes_nothing(void **state)
{
	static char first[CHILD_TEXT_MAX];

	(void)state;
	assert_int_equal(run("sync", NULL), 0);
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service"), 0);
	snprintf(first, sizeof(first), "%s", here.last.out);
	assert_int_equal(run("sync", "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"updated\": 0,\n    \"removed\": 0,\n    \"customers\": 2,"));
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service"), 0);
	assert_string_equal(here.last.out, first);
	assert_non_null(strstr(first, "\"name\":\"Anna Smith\""));
	assert_non_null(strstr(first, "\"name\":\"Bert\""));
}

/* A refusal is told by row and exit status. */
static void test_suspended(void **state)
{
	(void)state;
	assert_int_equal(run("sync", NULL), 0);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "suspend", "12", "--reason", "audit"), 0);
	assert_int_equal(run("sync", NULL), 3);
	assert_non_null(strstr(here.last.out, "[agreement: suspended]"));
	assert_non_null(strstr(here.last.err, "refused: "));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "resume", "12"), 0);
	assert_int_equal(run("sync", NULL), 0);
}

static void test_without_an_agreement_or_a_purpose(void **state)
{
	(void)state;
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy"), 2);
	assert_non_null(strstr(here.last.err, "--purpose NAME"));
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", "13", "Zwolle", "NL"), 0);
	const char *invitation = headquarters_invitation(&here, 13);
	assert_int_equal(RUN(&here, AGENT(13), NULL, "join", invitation), 0);
	assert_int_equal(RUN(&here, AGENT(13), NULL, "sync"), 3);
	assert_non_null(strstr(here.last.err, "no agreement is signed here; 'kluis-agent agreement sign'"));
	assert_int_equal(RUN(&here, AGENT(13), NULL, "copy", "--purpose", "service"), 3);
	assert_int_equal(RUN(&here, AGENT(13), NULL, "status"), 0);
	assert_non_null(strstr(here.last.out, "no agreement is signed here"));
}

static void test_the_broker_is_away(void **state)
{
	(void)state;
	assert_int_equal(run("sync", NULL), 0);
	assert_int_equal(headquarters_stop(&here), 0);
	assert_int_equal(run("sync", NULL), 1);
	assert_non_null(strstr(here.last.err, here.listen));
	assert_string_equal(here.last.out, "");
	/* what is here stays readable for the store's own audit */
	assert_int_equal(RUN(&here, AGENT(12), NULL, "copy", "--purpose", "service"), 0);
	assert_non_null(strstr(here.last.out, "Anna Smith"));
	headquarters_serve(&here);
	assert_int_equal(run("sync", NULL), 0);
}

/* ---- on disk ---- */

static const char *const personal[] = {"Anna Smith", "0612345678", "Kees de Vries", "4711-ANNA"};
static char found[256];
static bool is_in_the_import; /* where it has to be: the search does find things */
static unsigned files;

static int look_into(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	const char *name = path + place->base;

	if (kind != FTW_F)
		return 0;
	bool is_ours = strstr(path, "/hq/") != NULL || strstr(path, "/store-12/") != NULL;
	if (is_ours && strcmp(name, "tls.crt") != 0 && (status->st_mode & 077) != 0)
		snprintf(found, sizeof(found), "mode %o of %.200s", status->st_mode & 0777, name);
	size_t size = (size_t)status->st_size;
	char *text = malloc(size + 1);
	FILE *file = fopen(path, "r");
	assert_non_null(text);
	assert_non_null(file);
	size = fread(text, 1, size, file);
	for (size_t i = 0; i < sizeof(personal) / sizeof(personal[0]); i++)
		if (memmem(text, size, personal[i], strlen(personal[i])) == NULL)
			continue;
		else if (strcmp(name, "customers.csv") == 0)
			is_in_the_import = true;
		else
			snprintf(found, sizeof(found), "%s in %.200s", personal[i], name);
	fclose(file);
	free(text);
	files++;
	return 0;
}

/* Names, numbers and staff: sealed in both folders, in the log, and in what a lane remembers. */
static void test_nothing_personal_lies_readable(void **state)
{
	(void)state;
	const char *csv =
		headquarters_file(&here, "customers.csv", "card,name,phone\n4711-ANNA,Anna Smith,0612345678\n");
	assert_int_equal(RUN(&here, BROKER, NULL, "import", "customers", csv, "--mapping",
			     headquarters_path(&here, "customers.map")),
			 0);
	assert_int_equal(run("sync", NULL), 0);
	assert_int_equal(RUN(&here, AGENT(12), "4711-ANNA\n", "lookup", "card", TILL), 0);
	assert_null(strstr(here.last.err, "4711"));
	assert_null(strstr(here.last.err, "Anna"));
	assert_int_equal(headquarters_stop(&here), 0);
	assert_null(strstr(here.serve.err, "Anna"));
	assert_int_equal(nftw(here.folder, look_into, 16, FTW_PHYS), 0);
	assert_true(files > 12);
	assert_true(is_in_the_import);
	assert_string_equal(found, "");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_again_changes_nothing),
		TEST(test_suspended),
		TEST(test_without_an_agreement_or_a_purpose),
		TEST(test_the_broker_is_away),
		TEST(test_nothing_personal_lies_readable),
	};

	return cmocka_run_group_tests(tests, headquarters_set_up_shop, headquarters_tear_down);
}
