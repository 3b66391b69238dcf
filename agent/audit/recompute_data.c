/*
 * Operations on customers, decided on again (FORMAT.md section 8, R110 to R116).
 */
#include <inttypes.h>
#include <string.h>

#include "erasure.h"
#include "meeting.h"
#include "recompute.h"

/* What may be wrong with the values of a part, which the log does not hold. */
static const enum err value_reasons[] = {ERR_VALUE, ERR_FIELD, ERR_INPUT, ERR_TOO_LARGE, ERR_OK};
/* What may come of looking for a customer by a value. */
static const enum err find_reasons[] = {ERR_NOT_FOUND, ERR_AMBIGUOUS, ERR_FIELD, ERR_VALUE,
					ERR_INPUT,     ERR_TOO_LARGE, ERR_OK};
static const enum err size_reasons[] = {ERR_TOO_LARGE, ERR_INPUT, ERR_OK};

/* The customer that the result names; a finding if the log has never told of one. */
static const struct customer_fact *named_customer(const struct state *state, const struct step *step)
{
	const struct customer_fact *customer = state_customer(state, wire_slice(step->result->customer));

	if (customer == NULL)
		finding_add_step(state->findings, step, "names a customer whom no entry has registered");
	else if (customer->erased_ms != 0)
		finding_add_step(state->findings, step, "finds a customer who was erased (R150)");
	return customer != NULL && customer->erased_ms != 0 ? NULL : customer;
}

/* A customer named by pseudonym: found if the log knows it, and then in the result. */
static const struct customer_fact *requested_customer(const struct state *state, const struct step *step,
						      struct slice pseudonym)
{
	const struct customer_fact *customer = state_customer(state, pseudonym);

	if (customer == NULL || customer->erased_ms != 0) {
		expect_code(state, step, customer == NULL ? ERR_NOT_FOUND : ERR_ERASED, NULL);
		return NULL;
	}
	if (!step->result->has_customer || !slice_equal(wire_slice(step->result->customer), pseudonym)) {
		finding_add_step(state->findings, step,
				 "recorded as %s, without naming the customer that the request asks for",
				 error_name((enum err)step->result->code));
		return NULL;
	}
	return customer;
}

/* ---- disclosures ---- */

/* I4: what is disclosed lies within what the verdict allows, and is the record's latest version. */
static void check_disclosure(const struct state *state, const struct step *step, const struct gate *gate,
			     const struct customer_fact *customer, const Kluis__Disclosure *disclosure)
{
	uint64_t beyond = disclosure->fields & ~gate->verdict.fields;
	char pseudonym[2 * PSEUDONYM_SIZE + 1];

	hex_print(customer->pseudonym, pseudonym);
	if (!disclosure->has_commitment) {
		finding_add_step(state->findings, step, "withholds customer %s (%s), but the log allows it", pseudonym,
				 error_name((enum err)disclosure->withheld));
		return;
	}
	if (beyond != 0)
		finding_add_step(state->findings, step,
				 "discloses fields of customer %s that no grant allows (mask %016" PRIx64 ")",
				 pseudonym, beyond);
	if (!gate->is_controller && disclosure->grant != gate->verdict.grant)
		finding_add_step(state->findings, step,
				 "discloses customer %s under grant number %" PRIu32 ", but by the log number %" PRIu32
				 " decides",
				 pseudonym, disclosure->grant, gate->verdict.grant);
	if (disclosure->version != customer->version)
		finding_add_step(state->findings, step,
				 "discloses version %" PRIu32 " of customer %s, whose latest is %" PRIu32,
				 disclosure->version, pseudonym, customer->version);
}

static void check_tombstone(const struct state *state, const struct step *step, const struct gate *gate,
			    const struct customer_fact *customer, const Kluis__Disclosure *disclosure)
{
	char pseudonym[2 * PSEUDONYM_SIZE + 1];

	hex_print(customer->pseudonym, pseudonym);
	if (disclosure->has_commitment)
		finding_add_step(state->findings, step, "discloses customer %s, but by the log (%s: \"%s\") it may not",
				 pseudonym, error_name(gate->code), gate->clause);
	else if (disclosure->withheld != (uint32_t)gate->code)
		finding_add_step(state->findings, step, "withholds customer %s for %s, but by the log it is %s",
				 pseudonym, error_name((enum err)disclosure->withheld), error_name(gate->code));
}

/* ---- lookup ---- */

static void check_lookup_found(const struct state *state, const struct step *step, const struct gate *gate,
			       const struct customer_fact *customer)
{
	struct reasons reasons = {0};

	reasons_possible(&reasons, size_reasons);
	if (!expect_reasons(state, step, &reasons, gate->clause))
		return;
	if (step->result->n_disclosures != 1 ||
	    !slice_equal(wire_slice(step->result->disclosures[0]->customer), customer->pseudonym))
		finding_add_step(state->findings, step, "does not disclose exactly the customer that was found");
	else
		check_disclosure(state, step, gate, customer, step->result->disclosures[0]);
}

static void check_lookup_not_found(const struct state *state, const struct step *step)
{
	const struct charter_field *field = charter_field_by_number(state->charter, step->operation->lookup->field);
	struct reasons reasons = {0};

	reasons_possible(&reasons, find_reasons);
	reasons_certain(&reasons, field == NULL || !field->is_lookup, ERR_FIELD);
	if (expect_reasons(state, step, &reasons, NULL))
		finding_add_step(state->findings, step, "permitted without naming a customer");
}

void recompute_lookup(const struct state *state, const struct step *step)
{
	const struct customer_fact *customer;
	struct gate gate;

	gate_standing(state, step, OPERATION_LOOKUP, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	if (!step->result->has_customer) {
		check_lookup_not_found(state, step);
		return;
	}
	customer = named_customer(state, step);
	if (customer == NULL)
		return;
	gate_over(state, step, customer, &gate);
	if (expect_gate(state, step, &gate))
		check_lookup_found(state, step, &gate, customer);
}

/* ---- sync ---- */

/* R152: nothing but a tombstone, and that only for a copy that had the customer. */
static void check_page_erased(const struct state *state, const struct step *step, const struct customer_fact *customer,
			      const Kluis__Disclosure *disclosure)
{
	char pseudonym[2 * PSEUDONYM_SIZE + 1];

	hex_print(customer->pseudonym, pseudonym);
	if (disclosure->has_commitment)
		finding_add_step(state->findings, step, "discloses customer %s, who was erased (R150)", pseudonym);
	else if (disclosure->withheld != ERR_ERASED)
		finding_add_step(state->findings, step, "withholds customer %s for %s, but by the log it is erased",
				 pseudonym, error_name((enum err)disclosure->withheld));
	else if (step->store == NULL || erasure_owed(step->store, customer, step->operation->purpose) == NULL)
		finding_add_step(state->findings, step,
				 "tells of the erasure of customer %s, whom this copy never had (R152)", pseudonym);
}

static void check_page_customer(const struct state *state, const struct step *step, const struct gate *standing,
				const Kluis__Disclosure *disclosure)
{
	const struct customer_fact *customer = state_customer(state, wire_slice(disclosure->customer));
	struct gate gate = *standing;

	if (customer == NULL) {
		if (disclosure->has_commitment || disclosure->withheld != ERR_NOT_FOUND)
			finding_add_step(state->findings, step, "names a customer whom no entry has registered");
		return;
	}
	if (customer->erased_ms != 0) {
		check_page_erased(state, step, customer, disclosure);
		return;
	}
	gate_over(state, step, customer, &gate);
	if (gate.code == ERR_OK)
		check_disclosure(state, step, &gate, customer, disclosure);
	else
		check_tombstone(state, step, &gate, customer, disclosure);
	if (gate.code != ERR_OK && step->operation->sync->cursor == 0)
		finding_add_step(state->findings, step, "a tombstone in a first copy (R111)");
}

static void check_page(const struct state *state, const struct step *step, const struct gate *gate)
{
	const Kluis__Sync *sync = step->operation->sync;
	const Kluis__Result *result = step->result;

	if (!result->has_cursor || result->cursor < sync->cursor)
		finding_add_step(state->findings, step, "its cursor goes back from %" PRIu64 " to %" PRIu64,
				 sync->cursor, result->cursor);
	if (result->n_disclosures > sync->count)
		finding_add_step(state->findings, step, "has %zu customers where %" PRIu32 " were asked for",
				 result->n_disclosures, sync->count);
	for (size_t i = 0; i < result->n_disclosures; i++)
		check_page_customer(state, step, gate, result->disclosures[i]);
}

void recompute_sync(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};
	struct gate gate;

	gate_standing(state, step, OPERATION_SYNC, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	reasons_possible(&reasons, size_reasons);
	if (expect_reasons(state, step, &reasons, gate.clause))
		check_page(state, step, &gate);
}

/* ---- receipts ---- */

/* Reasons beside the decision; what its lines hold is not in the log. */
static void receipt_reasons(const struct state *state, const struct step *step, const struct customer_fact *customer,
			    struct reasons *reasons)
{
	static const enum err of_lines[] = {ERR_VALUE, ERR_TOO_LARGE, ERR_INPUT, ERR_OK};
	static const enum err of_same_id[] = {ERR_EXISTS, ERR_OK};
	const Kluis__Receipt *receipt = step->operation->receipt;
	const struct receipt_fact *known = map_find(&state->receipts, wire_slice(receipt->id));
	bool is_store = step->entry->principal.kind == PRINCIPAL_STORE;

	reasons_certain(reasons,
			is_store ? receipt->store != step->entry->principal.store
				 : state_store(state, receipt->store) == NULL,
			ERR_STORE);
	reasons_certain(reasons, receipt->day > day_of_ms(step->time_ms) + 1, ERR_VALUE);
	reasons_possible(reasons, of_lines);
	if (known == NULL)
		return;
	reasons_certain(reasons,
			known->customer != customer || known->store != receipt->store || known->day != receipt->day,
			ERR_EXISTS);
	reasons_possible(reasons, of_same_id);
}

static void check_receipt(const struct state *state, const struct step *step, const struct customer_fact *customer,
			  const struct gate *gate)
{
	struct reasons reasons = {0};
	bool is_known = map_find(&state->receipts, wire_slice(step->operation->receipt->id)) != NULL;

	receipt_reasons(state, step, customer, &reasons);
	if (expect_reasons(state, step, &reasons, gate->clause) && is_known != (step->result->is_unchanged != 0))
		finding_add_step(state->findings, step, "recorded as %s, but its id was %s",
				 is_known ? "new" : "unchanged", is_known ? "used before" : "not used before");
}

void recompute_receipt(const struct state *state, const struct step *step)
{
	const Kluis__Receipt *receipt = step->operation->receipt;
	const struct customer_fact *customer;
	struct customer_facts facts;
	struct reasons reasons = {0};
	struct gate gate;

	gate_standing(state, step, OPERATION_RECEIPT, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	if (!step->result->has_customer) {
		customer = receipt->has_customer ? state_customer(state, wire_slice(receipt->customer)) : NULL;
		reasons_possible(&reasons, find_reasons);
		reasons_certain(&reasons, customer != NULL && customer->erased_ms != 0, ERR_ERASED);
		if (expect_reasons(state, step, &reasons, NULL))
			finding_add_step(state->findings, step, "permitted without naming a customer");
		return;
	}
	customer = receipt->has_customer ? requested_customer(state, step, wire_slice(receipt->customer))
					 : named_customer(state, step);
	if (customer == NULL)
		return;
	gate_facts(state, step, customer, &facts);
	facts.has_visited = true; /* R88: the receipt is itself a visit */
	facts.last_visit_day = day_of_ms(step->time_ms);
	gate_over_facts(&gate, &facts);
	if (expect_gate(state, step, &gate))
		check_receipt(state, step, customer, &gate);
}

/* ---- registrations and updates ---- */

static void check_version(const struct state *state, const struct step *step, uint32_t latest)
{
	if (step->result->has_version && step->result->version != latest + 1)
		finding_add_step(state->findings, step, "writes version %" PRIu32 " after version %" PRIu32,
				 step->result->version, latest);
}

static void field_reasons(const struct step *step, const struct gate *gate, struct reasons *reasons)
{
	reasons_certain(reasons,
			!gate->is_controller && step->result->has_fields &&
				(step->result->fields & ~gate->verdict.fields) != 0,
			ERR_NOT_GRANTED_FIELD);
	reasons_possible(reasons, value_reasons);
}

static void consent_reasons(const struct state *state, const Kluis__Registration *registration, struct reasons *reasons)
{
	bool is_unknown = false;

	for (size_t i = 0; i < registration->n_consents; i++)
		is_unknown |= charter_purpose(state->charter, slice_text(registration->consents[i]->purpose)) < 0;
	reasons_certain(reasons, is_unknown, ERR_PURPOSE);
}

static void registration_reasons(const struct state *state, const struct step *step, const struct gate *gate,
				 struct reasons *reasons)
{
	static const enum err of_identifier[] = {ERR_EXISTS, ERR_OK};
	const Kluis__Registration *registration = step->operation->registration;
	bool is_other =
		!gate->is_controller && registration->has_store && registration->store != step->entry->principal.store;
	bool is_unknown =
		gate->is_controller && registration->has_store && state_store(state, registration->store) == NULL;

	reasons_certain(reasons, is_other || is_unknown, ERR_STORE);
	reasons_certain(reasons, registration->has_day && registration->day > day_of_ms(step->time_ms) + 1, ERR_VALUE);
	field_reasons(step, gate, reasons);
	consent_reasons(state, registration, reasons);
	const struct customer_fact *holder = state_customer(state, wire_slice(registration->customer));
	reasons_certain(reasons, holder != NULL, holder != NULL && holder->erased_ms != 0 ? ERR_ERASED : ERR_EXISTS);
	reasons_possible(reasons, of_identifier);
}

static void check_registered(const struct state *state, const struct step *step, const struct gate *gate)
{
	struct slice asked = wire_slice(step->operation->registration->customer);
	const struct customer_fact *customer = NULL;

	if (!step->result->has_customer) {
		finding_add_step(state->findings, step, "permitted without naming a customer");
		return;
	}
	if (slice_equal(wire_slice(step->result->customer), asked)) {
		if (!step->result->has_version || step->result->version != 1)
			finding_add_step(state->findings, step, "a new customer does not begin with version 1 (R113)");
		return;
	}
	if (!gate->is_controller)
		finding_add_step(state->findings, step,
				 "writes another customer than the one that it registers (R113)");
	customer = named_customer(state, step);
	if (customer != NULL)
		check_version(state, step, customer->version);
}

void recompute_registration(const struct state *state, const struct step *step)
{
	const Kluis__Registration *registration = step->operation->registration;
	struct customer_facts facts = {.is_registered_here = true};
	struct reasons reasons = {0};
	struct gate gate;

	gate_standing(state, step, OPERATION_REGISTER, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	for (size_t i = 0; i < registration->n_consents; i++)
		if (slice_equal(slice_text(registration->consents[i]->purpose), step_purpose(step)))
			facts.has_consented = consent_status_is_valid(registration->consents[i]->status);
	gate_over_facts(&gate, &facts);
	if (!expect_gate(state, step, &gate))
		return;
	registration_reasons(state, step, &gate, &reasons);
	if (expect_reasons(state, step, &reasons, gate.clause))
		check_registered(state, step, &gate);
}

/* R131: which of two changes of one field stands is for their times to say. */
static void check_lost(const struct state *state, const struct step *step, const struct customer_fact *customer)
{
	uint64_t lost = step->result->has_version ? meeting_lost(customer, step) : 0;

	if (step->result->lost != lost || (step->result->has_lost != 0) != (lost != 0))
		finding_add_step(state->findings, step,
				 "records as lost the fields of mask %016" PRIx64
				 ", but by the log they are %016" PRIx64 " (R131)",
				 step->result->lost, lost);
}

void recompute_update(const struct state *state, const struct step *step)
{
	static const enum err of_identifier[] = {ERR_EXISTS, ERR_OK};
	const struct customer_fact *customer;
	struct reasons reasons = {0};
	struct gate gate;

	gate_standing(state, step, OPERATION_UPDATE, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	customer = requested_customer(state, step, wire_slice(step->operation->update->customer));
	if (customer == NULL)
		return;
	gate_over(state, step, customer, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	field_reasons(step, &gate, &reasons);
	reasons_possible(&reasons, of_identifier);
	if (!expect_reasons(state, step, &reasons, gate.clause))
		return;
	if (!step->result->has_version && !step->result->is_unchanged)
		finding_add_step(state->findings, step, "permitted without a new version (R114)");
	check_version(state, step, customer->version);
	check_lost(state, step, customer);
}

/* ---- consent and restriction ---- */

static void check_unchanged(const struct state *state, const struct step *step, bool is_unchanged)
{
	if ((step->result->is_unchanged != 0) != is_unchanged)
		finding_add_step(state->findings, step, "recorded as %s, but by the log it %s",
				 step->result->is_unchanged ? "unchanged" : "a change",
				 is_unchanged ? "was so already" : "was otherwise before");
}

void recompute_consent(const struct state *state, const struct step *step)
{
	const Kluis__ConsentState *given = step->operation->consent->state;
	const struct customer_fact *customer;
	const struct consent_fact *known;
	struct reasons reasons = {0};
	struct gate gate;

	gate_standing(state, step, OPERATION_CONSENT, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	customer = requested_customer(state, step, wire_slice(step->operation->consent->customer));
	if (customer == NULL)
		return;
	gate_over(state, step, customer, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	reasons_certain(&reasons, charter_purpose(state->charter, slice_text(given->purpose)) < 0, ERR_PURPOSE);
	reasons_possible(&reasons, size_reasons);
	if (!expect_reasons(state, step, &reasons, gate.clause))
		return;
	known = customer_consent_to(customer, slice_text(given->purpose));
	check_unchanged(state, step, known != NULL && known->status == given->status);
}

void recompute_restriction(const struct state *state, const struct step *step)
{
	const struct customer_fact *customer =
		requested_customer(state, step, wire_slice(step->operation->restriction->customer));
	struct reasons reasons = {0};

	if (customer == NULL)
		return;
	if (expect_reasons(state, step, &reasons, "controller"))
		check_unchanged(state, step,
				customer->is_restricted == (step->operation->restriction->is_restricted != 0));
}
