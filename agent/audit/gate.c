#include "gate.h"

#include <stdio.h>
#include <string.h>

struct slice step_purpose(const struct step *step)
{
	return step->operation->purpose == NULL ? SLICE_EMPTY : slice_text(step->operation->purpose);
}

static void set(struct gate *gate, enum err code, const char *clause)
{
	gate->code = code;
	snprintf(gate->clause, sizeof gate->clause, "%s", clause);
}

static void set_verdict(struct gate *gate)
{
	gate->code = gate->verdict.code;
	verdict_clause(&gate->input, &gate->verdict, gate->clause);
}

static void controller_standing(const struct state *state, const struct step *step, enum operation operation,
				struct gate *gate)
{
	gate->is_controller = true;
	gate->verdict.fields = UINT64_MAX;
	set(gate, ERR_OK, "controller");
	if (operation == OPERATION_LOOKUP && charter_purpose(state->charter, step_purpose(step)) < 0)
		set(gate, ERR_PURPOSE, "");
}

/* A role that the agreement's charter does not have is in no grant's staff. */
static void take_employee(const struct step *step, struct decide_input *input)
{
	const Kluis__Request *request = step->entry->request;
	const struct employee_fact *employee = NULL;
	int role;

	if (step->store != NULL && request->has_employee)
		employee = state_employee(step->store, wire_slice(request->employee));
	if (employee == NULL || input->charter == NULL)
		return;
	role = charter_role(input->charter, slice_text(employee->role));
	input->has_employee = true;
	input->role = role < 0 ? ROLES_MAX : (uint32_t)role;
}

static bool is_out_of_force(const struct verdict *verdict)
{
	return !verdict->has_grant && verdict->code >= ERR_NO_AGREEMENT && verdict->code <= ERR_TERMINATED;
}

static bool names_agreement(const struct step *step, const struct agreement *agreement)
{
	const Kluis__Request *request = step->entry->request;

	return agreement != NULL && request->has_agreement &&
	       slice_equal(wire_slice(request->agreement), SLICE_ARRAY(agreement->hash));
}

void gate_standing(const struct state *state, const struct step *step, enum operation operation, struct gate *ret_gate)
{
	const struct standing none = {0};
	const struct standing *current = step->store == NULL ? &none : &step->store->current;

	*ret_gate = (struct gate){0};
	if (step->entry->principal.kind != PRINCIPAL_STORE) {
		controller_standing(state, step, operation, ret_gate);
		return;
	}
	ret_gate->input = (struct decide_input){.state = current->state,
						.operation = operation,
						.purpose = step_purpose(step),
						.time_s = step->time_ms / 1000};
	if (current->paper != NULL) {
		ret_gate->input.agreement = current->paper->agreement;
		ret_gate->input.charter = current->paper->agreement_charter;
	}
	take_employee(step, &ret_gate->input);
	decide(&ret_gate->input, &ret_gate->verdict);
	set_verdict(ret_gate);
	if (!is_out_of_force(&ret_gate->verdict) && !names_agreement(step, ret_gate->input.agreement))
		set(ret_gate, ERR_OTHER_AGREEMENT, "agreement");
}

void gate_facts(const struct state *state, const struct step *step, const struct customer_fact *customer,
		struct customer_facts *ret_facts)
{
	uint32_t store = step->entry->principal.store;
	const struct visit_fact *visit = customer_visit_at(customer, store);
	const struct consent_fact *consent = customer_consent_to(customer, step_purpose(step));
	struct customer_facts facts = {.is_restricted = customer->is_restricted};

	facts.is_registered_here = customer->history.registered.is_known && customer->history.registered.store == store;
	facts.has_visited = visit != NULL;
	facts.last_visit_day = visit == NULL ? 0 : visit->day;
	facts.has_owner = ownership_owner(state->charter, &customer->history, day_of_ms(step->time_ms), &facts.owner);
	facts.has_consented = consent != NULL && consent_status_is_valid(consent->status);
	*ret_facts = facts;
}

static void take_uses(const struct state *state, const struct customer_fact *customer, struct decide_input *input)
{
	int purpose = charter_purpose(input->charter, input->purpose);
	uint32_t grants;

	if (purpose < 0 || !operation_is_counted(input->operation))
		return;
	grants = agreement_grants_for(input->agreement, input->operation, (uint8_t)purpose);
	for (uint32_t i = 0; i < input->agreement->grant_count; i++)
		if ((grants >> i & 1) != 0 && input->agreement->grants[i].per_day > 0)
			input->use[i] = state_use(state, input->agreement, i, input->time_s, customer->pseudonym);
}

void gate_over_facts(struct gate *gate, const struct customer_facts *facts)
{
	if (gate->is_controller)
		return;
	gate->facts = *facts;
	gate->input.customer = &gate->facts;
	decide(&gate->input, &gate->verdict);
	set_verdict(gate);
}

void gate_over(const struct state *state, const struct step *step, const struct customer_fact *customer,
	       struct gate *gate)
{
	struct customer_facts facts;

	if (gate->is_controller)
		return;
	gate_facts(state, step, customer, &facts);
	take_uses(state, customer, &gate->input);
	gate_over_facts(gate, &facts);
}
