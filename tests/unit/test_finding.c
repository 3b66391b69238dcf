#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"

static struct finding_lines lines;

static void test_finding_names_the_place_first(void **state)
{
	struct findings findings = finding_lines_init(&lines);
	struct fault fault = {""};

	(void)state;
	assert_int_equal(finding_status(&findings, &fault), ERR_OK);
	finding_add(&findings, "papers/12", "has %d faults", 3);
	assert_string_equal(lines.last, "papers/12: has 3 faults");
	assert_int_equal(finding_status(&findings, &fault), ERR_FINDING);
	assert_string_equal(fault.text, "1 finding");
}

/* The file is named as it stands in a tree of that size. */
static void test_finding_names_the_file_of_an_entry(void **state)
{
	struct findings findings = finding_lines_init(&lines);

	(void)state;
	findings.size = 600;
	finding_add_entry(&findings, 3, "odd");
	assert_string_equal(lines.last, "entry 3 (tile/entries/000): odd");
	finding_add_entry(&findings, 599, "odd");
	assert_string_equal(lines.last, "entry 599 (tile/entries/002.p/88): odd");
	findings.size = 0;
	finding_add_entry(&findings, 256000, "odd");
	assert_string_equal(lines.last, "entry 256000 (tile/entries/x001/000): odd");
	assert_int_equal(findings.count, 3);
}

static void test_finding_is_cut_where_it_is_long(void **state)
{
	struct findings findings = finding_lines_init(&lines);
	static char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	finding_add(&findings, text, "%s", text);
	assert_true(strlen(lines.last) < 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding_names_the_place_first),
		cmocka_unit_test(test_finding_names_the_file_of_an_entry),
		cmocka_unit_test(test_finding_is_cut_where_it_is_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
