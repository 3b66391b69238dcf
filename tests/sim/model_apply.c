/*
 * What operations did, as their entries say (FORMAT.md section 9).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "franchise.h"
#include "kluis/hash.h"
#include "model.h"

static void set_consent(struct model *model, struct model_customer *customer, const Kluis__ConsentState *state)
{
	int purpose = model_purpose(state->purpose);

	if (purpose < 0)
		run_fail(model->run, "I4", "consent to a purpose that the charter lacks");
	customer->has_status[purpose] = true;
	customer->status[purpose] = state->status;
}

static void apply_registration(struct model *model, const struct model_step *step)
{
	const Kluis__Registration *registration = step->operation->registration;
	struct slice pseudonym = wire_slice(step->result->customer);
	struct model_customer *customer = model_customer(model, pseudonym);

	if (customer == NULL) {
		customer = LIST_ADD(&model->customers);
		*customer = (struct model_customer){.is_restricted = false};
		memcpy(customer->pseudonym, pseudonym.data, PSEUDONYM_SIZE);
	} else if (step->is_store || customer->is_erased) {
		run_fail(model->run, "I4", "registered somebody who was there");
	}
	if (!customer->registered.is_known && (registration->has_store || step->is_store))
		customer->registered = (struct store_day){
			.is_known = true,
			.store = step->is_store ? model->stores[step->store].number : registration->store,
			.day = registration->has_day ? registration->day : (int32_t)(step->time_ms / DAY_MS)};
	for (size_t i = 0; i < registration->n_consents; i++)
		set_consent(model, customer, registration->consents[i]);
	model_write(model, step, customer, registration->commitment);
}

static struct model_customer *customer_of(struct model *model, const struct model_step *step)
{
	struct model_customer *customer = model_customer(model, wire_slice(step->result->customer));

	if (customer == NULL)
		run_fail(model->run, "I4", "an operation on a customer who does not exist");
	if (customer->is_erased)
		run_fail(model->run, "I7", "an operation on a customer who was erased");
	return customer;
}

static void apply_update(struct model *model, const struct model_step *step)
{
	model_write(model, step, customer_of(model, step), step->operation->update->commitment);
}

static void apply_receipt(struct model *model, const struct model_step *step)
{
	const Kluis__Receipt *receipt = step->operation->receipt;
	struct model_customer *customer = customer_of(model, step);
	struct model_visit *visit = &customer->visits[model_place(model, receipt->store)];
	struct store_day at = {.is_known = true, .store = receipt->store, .day = receipt->day};
	const struct store_day *first = &customer->first, *latest = &customer->latest;

	for (size_t i = 0; i < model->receipts.count; i++)
		if (slice_equal(wire_slice(receipt->id), SLICE_ARRAY(model->receipts.items[i].id))) {
			if (!step->result->is_unchanged)
				run_fail(model->run, "I5", "a receipt's id was taken twice");
			return;
		}
	struct model_receipt *row = LIST_ADD(&model->receipts);
	*row = (struct model_receipt){
		.customer = (size_t)(customer - model->customers.items), .store = receipt->store, .day = receipt->day};
	memcpy(row->id, receipt->id.data, PSEUDONYM_SIZE);
	if (!visit->has || visit->day < receipt->day)
		*visit = (struct model_visit){.has = true, .day = receipt->day};
	if (!first->is_known || at.day < first->day || (at.day == first->day && at.store < first->store))
		customer->first = at;
	if (!latest->is_known || at.day > latest->day || (at.day == latest->day && at.store < latest->store))
		customer->latest = at;
}

static void apply_consent(struct model *model, const struct model_step *step)
{
	set_consent(model, customer_of(model, step), step->operation->consent->state);
}

static void apply_restriction(struct model *model, const struct model_step *step)
{
	customer_of(model, step)->is_restricted = step->operation->restriction->is_restricted;
}

static void apply_erase(struct model *model, const struct model_step *step)
{
	struct model_customer *customer = model_customer(model, wire_slice(step->operation->erase->customer));

	if (customer == NULL || customer->is_erased != (step->result->is_unchanged != 0))
		run_fail(model->run, "I7", "erased somebody who does not exist, or was erased");
	customer->is_erased = true;
}

/* ---- head office ---- */

static void apply_charter(struct model *model, const struct model_step *step)
{
	model->charter = model_charter(model, wire_slice(step->operation->charter->hash));
	if (model->charter == NULL)
		run_fail(model->run, "model", "a charter that nobody wrote");
}

static void apply_open_store(struct model *model, const struct model_step *step)
{
	model->stores[model_place(model, step->operation->open_store->store)].is_open = true;
}

static void apply_invite(struct model *model, const struct model_step *step)
{
	const Kluis__Invite *invite = step->operation->invite;
	struct model_invitation *row = NULL;

	for (size_t i = 0; i < model->invitations.count; i++)
		if (strcmp(model->invitations.items[i].name, invite->principal) == 0)
			row = &model->invitations.items[i];
	if (row == NULL)
		row = LIST_ADD(&model->invitations);
	*row = (struct model_invitation){.expires_ms = invite->expires_ms, .is_open = true};
	snprintf(row->name, sizeof(row->name), "%s", invite->principal);
	memcpy(row->code_hash, invite->code_hash.data, HASH_SIZE);
}

static void use_invitation(struct model *model, const struct model_step *step)
{
	Kluis__JoinContent *content;
	uint8_t hash[HASH_SIZE];

	run_must(model->run,
		 WIRE_DECODE(JoinContent, join_content, model_content(model, step->operation->join->commitment),
			     &model->arena, &content),
		 "code");
	sha256(wire_slice(content->code), hash);
	for (size_t i = 0; i < model->invitations.count; i++) {
		struct model_invitation *row = &model->invitations.items[i];
		if (strcmp(row->name, step->entry->request->principal) != 0 || !row->is_open)
			continue;
		if (memcmp(hash, row->code_hash, HASH_SIZE) != 0 || step->time_ms >= row->expires_ms)
			run_fail(model->run, "I4", "joined by a code that is wrong or expired");
		row->is_open = false;
		return;
	}
	run_fail(model->run, "I4", "joined without an invitation that is open");
}

/* The key itself was taken before the signature was checked. */
static void apply_join(struct model *model, const struct model_step *step)
{
	use_invitation(model, step);
}

static void apply_draft(struct model *model, const struct model_step *step)
{
	const Kluis__Draft *draft = step->operation->draft;
	struct model_standing *candidate = &model->stores[model_place(model, draft->store)].candidate;

	candidate->spec = model_agreement(model, wire_slice(draft->hash));
	candidate->state = AGREEMENT_DRAFTED;
}

static void apply_offer(struct model *model, const struct model_step *step)
{
	const struct agreement_spec *spec = model_agreement(model, wire_slice(step->operation->offer->hash));
	struct model_standing *candidate = &model->stores[model_place(model, spec->store)].candidate;

	if (candidate->spec != spec || candidate->state != AGREEMENT_DRAFTED)
		run_fail(model->run, "I4", "offered what is not drafted");
	candidate->state = AGREEMENT_OFFERED;
}

static void apply_accept(struct model *model, const struct model_step *step)
{
	struct model_store *store = &model->stores[step->store];
	const struct agreement_spec *spec = model_agreement(model, wire_slice(step->operation->accept->agreement));
	const struct model_standing *current = &store->current;
	uint64_t time_s = step->time_ms / 1000;

	if (store->candidate.spec != spec || store->candidate.state != AGREEMENT_OFFERED)
		run_fail(model->run, "I4", "accepted what is not offered");
	if (current->spec != NULL && current->state == AGREEMENT_SUSPENDED)
		run_fail(model->run, "I6", "accepted while suspended");
	if (current->spec != NULL && current->state == AGREEMENT_ACTIVE && time_s < current->spec->until_s &&
	    (!spec->has_supersedes || memcmp(spec->supersedes, current->spec->hash, HASH_SIZE) != 0 ||
	     time_s < spec->from_s))
		run_fail(model->run, "I4", "an agreement was replaced by one that may not");
	store->current = (struct model_standing){.spec = spec, .state = AGREEMENT_ACTIVE};
	store->candidate = (struct model_standing){.spec = NULL};
}

static void apply_standing(struct model *model, const struct model_step *step)
{
	const Kluis__Standing *standing = step->operation->standing;
	struct model_standing *current = &model->stores[model_place(model, standing->store)].current;
	static const enum agreement_state to[] = {AGREEMENT_NONE, AGREEMENT_SUSPENDED, AGREEMENT_ACTIVE,
						  AGREEMENT_TERMINATED};
	enum agreement_state from = current->spec == NULL ? AGREEMENT_NONE : current->state;
	bool is_right = standing->action == 1	? from == AGREEMENT_ACTIVE
			: standing->action == 2 ? from == AGREEMENT_SUSPENDED
						: from == AGREEMENT_ACTIVE || from == AGREEMENT_SUSPENDED;

	if (!is_right)
		run_fail(model->run, "I4", "standing %u from state %d", standing->action, (int)from);
	current->state = to[standing->action];
}

static void apply_staff(struct model *model, const struct model_step *step)
{
	const Kluis__Staff *staff = step->operation->staff;
	struct model_store *store = &model->stores[step->is_store ? step->store : model_place(model, staff->store)];
	struct model_employee *employee = model_employee(store, wire_slice(staff->employee));

	if (employee == NULL) {
		employee = LIST_ADD(&store->employees);
		*employee = (struct model_employee){.is_there = false};
		memcpy(employee->pseudonym, staff->employee.data, PSEUDONYM_SIZE);
	}
	employee->is_there = staff->role[0] != '\0';
	employee->role = strcmp(staff->role, spec_roles[1]) == 0;
}

/* Who signed the entry was the old one. */
static void apply_rotate_key(struct model *model, const struct model_step *step)
{
	struct model_principal *principal = model_principal(model, step->entry->request->principal);

	memcpy(principal->key, step->operation->rotate_key->public_key.data, KEY_SIZE);
}

static void apply_revoke(struct model *model, const struct model_step *step)
{
	struct model_principal *principal = model_principal(model, step->operation->revoke->principal);

	if (principal == NULL)
		run_fail(model->run, "R142", "revoked somebody without a key");
	principal->is_revoked = true;
}

void model_apply(struct model *model, const struct model_step *step)
{
	static const struct {
		Kluis__Operation__KindCase kind;
		void (*apply)(struct model *model, const struct model_step *step);
	} rows[] = {
		{KLUIS__OPERATION__KIND_REGISTRATION, apply_registration},
		{KLUIS__OPERATION__KIND_UPDATE, apply_update},
		{KLUIS__OPERATION__KIND_RECEIPT, apply_receipt},
		{KLUIS__OPERATION__KIND_CONSENT, apply_consent},
		{KLUIS__OPERATION__KIND_RESTRICTION, apply_restriction},
		{KLUIS__OPERATION__KIND_ERASE, apply_erase},
		{KLUIS__OPERATION__KIND_CHARTER, apply_charter},
		{KLUIS__OPERATION__KIND_OPEN_STORE, apply_open_store},
		{KLUIS__OPERATION__KIND_INVITE, apply_invite},
		{KLUIS__OPERATION__KIND_JOIN, apply_join},
		{KLUIS__OPERATION__KIND_DRAFT, apply_draft},
		{KLUIS__OPERATION__KIND_OFFER, apply_offer},
		{KLUIS__OPERATION__KIND_ACCEPT, apply_accept},
		{KLUIS__OPERATION__KIND_STANDING, apply_standing},
		{KLUIS__OPERATION__KIND_STAFF, apply_staff},
		{KLUIS__OPERATION__KIND_REVOKE, apply_revoke},
		{KLUIS__OPERATION__KIND_ROTATE_KEY, apply_rotate_key},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].kind == step->operation->kind_case)
			rows[i].apply(model, step);
}
