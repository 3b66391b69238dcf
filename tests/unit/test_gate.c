#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "gate.h"

static const struct customer_fact *found(const struct state *state, const struct step *step)
{
	return state_customer(state, wire_slice(step->result->customer));
}

static void see_permitted(const struct state *state, const struct step *step)
{
	struct gate gate;

	gate_standing(state, step, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_OK);
	assert_false(gate.is_controller);
	gate_over(state, step, found(state, step), &gate);
	assert_int_equal(gate.code, ERR_OK);
	assert_string_equal(gate.clause, "grant service");
	assert_int_equal(gate.verdict.fields, 7); /* card, name, phone */
}

static void see_out_of_scope(const struct state *state, const struct step *step)
{
	struct gate gate;

	gate_standing(state, step, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_OK);
	gate_over(state, step, found(state, step), &gate);
	assert_int_equal(gate.code, ERR_SCOPE);
	assert_string_equal(gate.clause, "grant service: customers");
}

static void see_suspended(const struct state *state, const struct step *step)
{
	struct gate gate;

	gate_standing(state, step, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_SUSPENDED);
	assert_string_equal(gate.clause, "agreement: suspended");
}

/* The same request, had it named another agreement. */
static void see_other_agreement(const struct state *state, const struct step *step)
{
	Kluis__Request request = *step->entry->request;
	struct entry entry = *step->entry;
	struct step other = *step;
	struct gate gate;

	request.has_agreement = false;
	entry.request = &request;
	other.entry = &entry;
	gate_standing(state, &other, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_OTHER_AGREEMENT);
	assert_string_equal(gate.clause, "agreement");
}

/* ... or no employee, or one who is on no roster. */
static void see_no_employee(const struct state *state, const struct step *step)
{
	static uint8_t nobody[PSEUDONYM_SIZE];
	Kluis__Request request = *step->entry->request;
	struct entry entry = *step->entry;
	struct step other = *step;
	struct gate gate;

	entry.request = &request;
	other.entry = &entry;
	request.employee = wire_data(SLICE_ARRAY(nobody));
	gate_standing(state, &other, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_NO_EMPLOYEE);
	request.has_employee = false;
	gate_standing(state, &other, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_NO_EMPLOYEE);
}

/* Head office needs no grant, but a purpose to look somebody up. */
static void see_head_office(const struct state *state, const struct step *step)
{
	static char service[] = "service";
	Kluis__Operation operation = *step->operation;
	struct step other = *step;
	struct gate gate;

	other.operation = &operation;
	gate_standing(state, &other, OPERATION_REGISTER, &gate);
	assert_true(gate.is_controller);
	assert_int_equal(gate.code, ERR_OK);
	assert_string_equal(gate.clause, "controller");
	gate_standing(state, &other, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_PURPOSE);
	operation.purpose = service;
	gate_standing(state, &other, OPERATION_LOOKUP, &gate);
	assert_int_equal(gate.code, ERR_OK);
}

static void test_gate_decides_by_the_log_s_facts(void **state)
{
	size_t lookup = audit_log_find(story, KLUIS__OPERATION__KIND_LOOKUP, 0);

	(void)state;
	audit_log_look(story, lookup, see_permitted);
	audit_log_look(story, lookup, see_other_agreement);
	audit_log_look(story, lookup, see_no_employee);
	audit_log_look(story, lookup + 1, see_out_of_scope);
	audit_log_look(story, audit_log_find(story, KLUIS__OPERATION__KIND_STANDING, 0) + 1, see_suspended);
	audit_log_look(story, audit_log_find(story, KLUIS__OPERATION__KIND_REGISTRATION, 0), see_head_office);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_gate_decides_by_the_log_s_facts)};

	return cmocka_run_group_tests(tests, audit_log_set_up, audit_log_tear_down);
}
