/* kluis-broker store, agreement draft, sign, show, list, suspend, resume, terminate, charter, by the program itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "headquarters.h"
#include "kluis/arena.h"
#include "text.h"

static int draft(const char *csv, const char *which, const char *number)
{
	const char *template = headquarters_template(&here);
	const char *values = headquarters_file(&here, "values.csv", csv);

	return RUN(&here, BROKER, NULL, "agreement", "draft", "--template", template, "--values", values, "--from",
		   "2026-01-01", "--until", "2028-01-01", which, number);
}

static void open_store(const char *number)
{
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", number, "Zeist", "NL"), 0);
}

static const char *agreement_of(const char *number)
{
	RUN(&here, BROKER, NULL, "agreement", "show", number);
	return here.last.out;
}

static void test_store_open_and_list(void **state)
{
	(void)state;
	open_store("12");
	open_store("12"); /* again changes nothing */
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "list"), 0);
	assert_non_null(strstr(here.last.out, "Zeist"));
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "list", "--json"), 0);
	assert_non_null(strstr(here.last.out, "\"Zeist\""));
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", "12", "Zeist"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", "x", "Zeist", "NL"), 2);
	assert_int_not_equal(RUN(&here, BROKER, NULL, "store", "open", "12", "Zeist", "nl"), 0);
}

static void test_draft_sign_show(void **state)
{
	(void)state;
	open_store("12");
	open_store("13");
	assert_int_equal(draft("store_id\n12\n13\n", "--all", NULL), 0);
	assert_non_null(strstr(here.last.out, "2 agreements drafted"));
	assert_non_null(strstr(agreement_of("12"), "; store 12, drafted since"));
	assert_non_null(strstr(here.last.out, "store   = 12"));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "sign", "--all"), 0);
	assert_non_null(strstr(here.last.out, "2 agreements signed"));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "sign", "--all"), 0);
	assert_non_null(strstr(here.last.out, "no store has a draft to sign"));
	assert_non_null(strstr(agreement_of("13"), "; store 13, offered since"));
	assert_non_null(strstr(here.last.out, "— minimal.example/kluis/controller "));
	/* the same draft once more, signed before: it is offered anew */
	assert_int_equal(draft("store_id\n13\n", "--store", "13"), 0);
	assert_non_null(strstr(agreement_of("13"), "drafted since"));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "sign", "--store", "13"), 0);
	assert_non_null(strstr(agreement_of("13"), "offered since"));
}

static void test_draft_that_cannot_be(void **state)
{
	(void)state;
	open_store("12");
	assert_int_equal(draft("store_id\n99\n", "--all", NULL), 3);
	assert_non_null(strstr(here.last.err, "values.csv:2: store 99 is not known"));
	assert_int_equal(draft("store_id\n12\n", "--store", "13"), 3);
	assert_non_null(strstr(here.last.err, "has no row for store 13"));
	assert_int_equal(draft("number\n12\n", "--all", NULL), 4);
	assert_non_null(strstr(here.last.err, "has no column 'store_id'"));
	assert_int_equal(draft("store_id,x\n12\n", "--all", NULL), 4);
	assert_non_null(strstr(here.last.err, "1 cells instead of 2"));
	assert_int_equal(draft("", "--all", NULL), 4);
	assert_int_equal(draft("store_id\n12\n", "--json", NULL), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "draft", "--all"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "sign"), 2);
	agreement_of("12");
	assert_int_equal(here.last.status, 3);
	agreement_of("77");
	assert_int_equal(here.last.status, 3);
}

static void test_draft_with_a_wrong_template(void **state)
{
	const char *template = headquarters_file(&here, "wrong.template", "[agreement]\nstore = ${shop}\n");
	const char *values = headquarters_file(&here, "values.csv", "store_id\n12\n");

	(void)state;
	open_store("12");
	assert_int_equal(
		RUN(&here, BROKER, NULL, "agreement", "draft", "--template", template, "--values", values, "--all"), 4);
	assert_non_null(strstr(here.last.err, "wrong.template:2"));
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "draft", "--template", template, "--values", values,
			     "--all", "--from", "yesterday"),
			 2);
}

static int stand(const char *what)
{
	return RUN(&here, BROKER, NULL, "agreement", what, "12", "--reason", "art. 28(3)(h)");
}

static void test_suspend_resume_terminate(void **state)
{
	(void)state;
	headquarters_store(&here, 12);
	assert_int_equal(stand("resume"), 3);
	assert_non_null(strstr(here.last.err, "not possible in the present state"));
	assert_int_equal(stand("suspend"), 0);
	assert_non_null(strstr(agreement_of("12"), "suspended since"));
	assert_int_equal(stand("suspend"), 3);
	assert_int_equal(stand("resume"), 0);
	assert_non_null(strstr(agreement_of("12"), "active since"));
	assert_non_null(strstr(here.last.out, "— minimal.example/kluis/store/12 "));
	assert_int_equal(stand("terminate"), 0);
	assert_int_equal(stand("resume"), 3);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "suspend", "99"), 3);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "suspend"), 2);
	assert_int_equal(RUN(&here, BROKER, NULL, "agreement", "suspend", "12x"), 2);
}

static void test_charter_update(void **state)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	(void)state;
	arena_init(&arena, 1 << 20);
	const char *first = text_of_file(&arena, "broker/examples/minimal/charter.ini");
	const char *second = text_replace(&arena, first, "version = 1", "version = 2");
	const char *path = headquarters_file(&here, "second.ini", second);
	assert_int_equal(RUN(&here, BROKER, NULL, "charter", "update", path), 0);
	assert_string_equal(here.last.out, "charter version 2 is in force\n");
	assert_int_equal(RUN(&here, BROKER, NULL, "charter", "show"), 0);
	assert_memory_equal(here.last.out, second, strlen(second));
	assert_non_null(strstr(here.last.out, "\n\n— minimal.example/kluis/controller "));
	assert_int_equal(RUN(&here, BROKER, NULL, "charter", "update", path), 4); /* the same version */
	path = headquarters_file(&here, "bad.ini",
				 text_replace(&arena, second, "lookup   = yes", "lookup   = perhaps"));
	assert_int_equal(RUN(&here, BROKER, NULL, "charter", "update", path), 4);
	assert_non_null(strstr(here.last.err, "bad.ini:"));
	assert_int_equal(RUN(&here, BROKER, NULL, "charter", "update"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, headquarters_set_up, headquarters_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_store_open_and_list),	     TEST(test_draft_sign_show),
		TEST(test_draft_that_cannot_be),     TEST(test_draft_with_a_wrong_template),
		TEST(test_suspend_resume_terminate), TEST(test_charter_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
