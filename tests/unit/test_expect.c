#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "expect.h"

static struct finding_lines lines;
static struct findings findings;
static struct state facts;
static Kluis__Result result;
static struct step step;
static char clause[] = "grant a";

static int set_up(void **state)
{
	(void)state;
	findings = finding_lines_init(&lines);
	facts.findings = &findings;
	kluis__result__init(&result);
	step = (struct step){.index = 5, .result = &result};
	return 0;
}

static const enum err possible[] = {ERR_VALUE, ERR_INPUT, ERR_OK};

static void test_possible_reasons_allow_both(void **state)
{
	struct reasons reasons = {0};

	(void)state;
	reasons_possible(&reasons, possible);
	assert_true(expect_reasons(&facts, &step, &reasons, NULL));
	result.code = ERR_VALUE;
	assert_false(expect_reasons(&facts, &step, &reasons, NULL));
	assert_int_equal(lines.count, 0);
	result.code = ERR_SCOPE;
	assert_false(expect_reasons(&facts, &step, &reasons, NULL));
	assert_non_null(strstr(lines.last, "refused (scope), but the log gives no such reason"));
}

static void test_certain_reasons_forbid_permission(void **state)
{
	struct reasons reasons = {0};

	(void)state;
	reasons_certain(&reasons, false, ERR_STORE);
	assert_int_equal(reasons.certain, ERR_OK);
	reasons_certain(&reasons, true, ERR_STATE);
	reasons_certain(&reasons, true, ERR_PAPER);
	assert_false(expect_reasons(&facts, &step, &reasons, NULL));
	assert_non_null(strstr(lines.last, "it must be refused (state"));
	/* which of several reasons was looked at first is the broker's affair */
	result.code = ERR_PAPER;
	assert_false(expect_reasons(&facts, &step, &reasons, NULL));
	assert_int_equal(lines.count, 1);
}

static void test_clauses_are_compared(void **state)
{
	struct reasons reasons = {0};

	(void)state;
	assert_true(expect_reasons(&facts, &step, &reasons, "grant a"));
	assert_int_equal(lines.count, 1); /* none, where there must be one */
	result.clause = clause;
	assert_true(expect_reasons(&facts, &step, &reasons, "grant a"));
	assert_int_equal(lines.count, 1);
	assert_true(expect_reasons(&facts, &step, &reasons, NULL));
	assert_int_equal(lines.count, 2);
	/* a reason that is no grant's names none */
	reasons_possible(&reasons, possible);
	result.code = ERR_VALUE;
	assert_false(expect_reasons(&facts, &step, &reasons, "grant a"));
	assert_int_equal(lines.count, 3);
}

static void test_gate_is_exact(void **state)
{
	struct gate gate = {.code = ERR_HOURS, .clause = "grant a: hours"};

	(void)state;
	result.code = ERR_SCOPE;
	assert_false(expect_gate(&facts, &step, &gate));
	assert_non_null(strstr(lines.last, "recorded as scope, but by the log it is hours (\"grant a: hours\")"));
	result.code = ERR_HOURS;
	result.clause = gate.clause;
	assert_false(expect_gate(&facts, &step, &gate));
	assert_int_equal(lines.count, 1);
	gate.code = ERR_OK;
	assert_true(expect_gate(&facts, &step, &gate));
}

#define FRESH(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_possible_reasons_allow_both),
		FRESH(test_certain_reasons_forbid_permission),
		FRESH(test_clauses_are_compared),
		FRESH(test_gate_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
