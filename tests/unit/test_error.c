/* The list of codes, and faults: first cause kept, cut to fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/error.h"

struct row {
	enum err code;
	unsigned number;
	int status;
	const char *name;
};

/* Numbers stand in entries for ever (FORMAT.md R9): the list again, by hand. */
static const struct row rows[] = {
	{ERR_OK, 0, 0, "ok"},
	{ERR_MEMORY, 1, 1, "memory"},
	{ERR_CLOCK, 8, 1, "clock"},
	{ERR_CERTIFICATE, 13, 1, "certificate"},
	{ERR_NOT_FOUND, 20, 3, "not_found"},
	{ERR_STATE, 23, 3, "state"},
	{ERR_USAGE, 30, 2, "usage"},
	{ERR_INPUT, 31, 4, "input"},
	{ERR_TOO_LARGE, 32, 4, "too_large"},
	{ERR_COMMITMENT, 33, 4, "commitment"},
	{ERR_SIGNATURE, 38, 4, "signature"},
	{ERR_PRINCIPAL, 50, 3, "principal"},
	{ERR_SEQUENCE, 52, 3, "sequence"},
	{ERR_REUSED, 53, 3, "reused"},
	{ERR_ACKNOWLEDGEMENT, 54, 3, "acknowledgement"},
	{ERR_STORE, 56, 3, "store"},
	{ERR_NO_AGREEMENT, 70, 3, "no_agreement"},
	{ERR_OTHER_AGREEMENT, 71, 3, "other_agreement"},
	{ERR_NO_GRANT_OPERATION, 77, 3, "no_grant_operation"},
	{ERR_CONSENT, 84, 3, "consent"},
	{ERR_NOT_GRANTED_FIELD, 86, 3, "not_granted_field"},
	{ERR_PROOF, 100, 5, "proof"},
	{ERR_FINDING, 103, 5, "finding"},
};

static void test_error_numbers_never_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal((unsigned)rows[i].code, rows[i].number);
		assert_int_equal(error_exit_status(rows[i].code), rows[i].status);
		assert_string_equal(error_name(rows[i].code), rows[i].name);
	}
}

/* The list is walked by number: no two rows share one, each has a text and a name that --json may print. */
static void test_error_list_is_whole(void **state)
{
	size_t known = 0, listed = 0;

	(void)state;
#define COUNT(name, number, status, text) listed++;
	ERR_LIST(COUNT)
#undef COUNT
	for (unsigned number = 0; number < 1000; number++) {
		const char *name = error_name((enum err)number);

		if (!error_is_known(number))
			continue;
		known++;
		assert_true(strlen(error_text((enum err)number)) > 1);
		assert_true(strlen(name) > 1);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		assert_in_range(error_exit_status((enum err)number), 0, 5);
		assert_int_equal(error_exit_status((enum err)number) == 0, number == 0);
	}
	assert_int_equal(known, listed);
}

static void test_error_text_of_an_unknown_number(void **state)
{
	(void)state;
	assert_false(error_is_known(14));
	assert_false(error_is_known(UINT32_MAX));
	assert_string_equal(error_text((enum err)14), "unknown error");
	assert_string_equal(error_name((enum err)14), "unknown");
	assert_int_equal(error_exit_status((enum err)14), 1);
}

static void test_fault_set_keeps_the_innermost_cause(void **state)
{
	struct fault fault = {0};

	(void)state;
	assert_int_equal(fault_set(&fault, ERR_INPUT, "line %d", 3), ERR_INPUT);
	assert_int_equal(fault_set(&fault, ERR_PAPER, "outer"), ERR_PAPER);
	assert_string_equal(fault.text, "line 3");
	fault_prefix(&fault, "charter.ini");
	assert_string_equal(fault.text, "charter.ini: line 3");
}

static void test_fault_set_without_a_fault(void **state)
{
	(void)state;
	assert_int_equal(fault_set(NULL, ERR_IO, "nobody %s", "reads"), ERR_IO);
	fault_prefix(NULL, "x");
}

static void test_fault_is_cut_to_fit(void **state)
{
	struct fault fault = {0};
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(fault_set(&fault, ERR_INPUT, "%s", text), ERR_INPUT);
	assert_int_equal(strlen(fault.text), sizeof(fault.text) - 1);
	fault_prefix(&fault, "file");
	assert_int_equal(strlen(fault.text), sizeof(fault.text) - 1);
	assert_memory_equal(fault.text, "file: xxx", 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_numbers_never_change),
		cmocka_unit_test(test_error_list_is_whole),
		cmocka_unit_test(test_error_text_of_an_unknown_number),
		cmocka_unit_test(test_fault_set_keeps_the_innermost_cause),
		cmocka_unit_test(test_fault_set_without_a_fault),
		cmocka_unit_test(test_fault_is_cut_to_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
