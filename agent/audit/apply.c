/*
 * What each operation changes, once its result says that it was done: one row a kind (FORMAT.md R101 to R117).
 */
#include <string.h>

#include "kluis/hash.h"
#include "meeting.h"
#include "paperwork.h"
#include "state.h"

typedef enum err apply_fn(struct state *state, const struct step *step);

static enum err copy_text(struct state *state, const char *text, const char **ret_text)
{
	*ret_text = arena_text(state->arena, slice_text(text));
	return *ret_text == NULL ? ERR_MEMORY : ERR_OK;
}

/* ---- papers ---- */

/* The text under a hash, in the state's arena; a mirror that lacks it is a finding. */
static enum err load_text(struct state *state, const struct step *step, struct slice hash, struct bytes *buffer,
			  struct slice *ret_text)
{
	char name[PAPER_NAME_MAX];
	struct fault fault = {""};
	struct slice text;
	const uint8_t *copy;
	enum err err;

	mirror_paper_name(hash, name);
	err = mirror_read(state->mirror, name, buffer, &fault);
	if (err == ERR_OK)
		err = paperwork_split(bytes_slice(buffer), hash, &text, &fault);
	if (err == ERR_MEMORY)
		return err;
	*ret_text = SLICE_EMPTY;
	if (err != ERR_OK) {
		finding_add_step(state->findings, step, "%s: %s", name,
				 fault.text[0] != '\0' ? fault.text : error_text(err));
		return ERR_OK;
	}
	copy = arena_copy(state->arena, text);
	*ret_text = SLICE(copy, text.length);
	return copy == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err take_text(struct state *state, const struct step *step, struct slice hash,
			  struct paper_text **ret_paper)
{
	struct bytes buffer CLEANUP(bytes_fini) = {0};
	struct paper_text *paper = map_take(&state->papers, hash, sizeof *paper);

	bytes_init(&buffer, PAPER_MAX);
	if (paper == NULL)
		return ERR_MEMORY;
	if (paper->text.length == 0)
		TRY(load_text(state, step, hash, &buffer, &paper->text));
	*ret_paper = paper;
	return ERR_OK;
}

static enum err parse_charter(struct state *state, const struct step *step, struct paper_text *paper)
{
	struct charter *charter = arena_alloc(state->arena, sizeof *charter);
	struct fault fault = {""};
	enum err err;

	if (charter == NULL)
		return ERR_MEMORY;
	err = charter_parse(paper->text, "charter", state->arena, charter, &fault);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK)
		finding_add_step(state->findings, step, "taken up, but not a valid charter: %s", fault.text);
	else
		paper->charter = charter;
	return ERR_OK;
}

static enum err apply_charter(struct state *state, const struct step *step)
{
	struct paper_text *paper;
	struct fault fault = {""};

	TRY(take_text(state, step, wire_slice(step->operation->charter->hash), &paper));
	if (paper->charter == NULL && paper->text.length > 0)
		TRY(parse_charter(state, step, paper));
	if (paper->charter == NULL)
		return ERR_OK;
	/* which fields have values is not in the log: those that were dropped are the broker's word */
	if (state->charter != NULL && charter_may_follow(state->charter, paper->charter, 0, &fault) != ERR_OK)
		finding_add_step(state->findings, step, "taken up, but may not follow the charter in force: %s",
				 fault.text);
	state->charter = paper->charter;
	return ERR_OK;
}

/* A draft is read by the charter in force then, and keeps its meaning (R25). */
static enum err parse_agreement(struct state *state, const struct step *step, struct paper_text *paper)
{
	struct agreement *agreement = arena_alloc(state->arena, sizeof *agreement);
	struct fault fault = {""};
	enum err err;

	if (agreement == NULL)
		return ERR_MEMORY;
	err = agreement_parse(paper->text, "agreement", state->charter, state->arena, agreement, &fault);
	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK) {
		finding_add_step(state->findings, step, "drafted, but not a valid agreement: %s", fault.text);
		return ERR_OK;
	}
	paper->agreement = agreement;
	paper->agreement_charter = state->charter;
	return ERR_OK;
}

static enum err apply_draft(struct state *state, const struct step *step)
{
	const Kluis__Draft *draft = step->operation->draft;
	struct store_fact *store = state_store(state, draft->store);
	struct paper_text *paper;

	TRY(take_text(state, step, wire_slice(draft->hash), &paper));
	if (paper->agreement == NULL && paper->text.length > 0 && state->charter != NULL)
		TRY(parse_agreement(state, step, paper));
	if (paper->agreement != NULL && paper->agreement->store != draft->store)
		finding_add_step(state->findings, step, "drafted for store %u, but its text is for store %u",
				 draft->store, paper->agreement->store);
	if (store != NULL)
		store->candidate = (struct standing){.paper = paper, .state = AGREEMENT_DRAFTED};
	return ERR_OK;
}

static enum err apply_offer(struct state *state, const struct step *step)
{
	struct paper_text *paper = state_paper(state, wire_slice(step->operation->offer->hash));
	struct store_fact *store = NULL;

	if (paper != NULL && paper->agreement != NULL)
		store = state_store(state, paper->agreement->store);
	if (store != NULL)
		store->candidate = (struct standing){.paper = paper, .state = AGREEMENT_OFFERED};
	return ERR_OK;
}

/* Whatever was current ends here. */
static void end_agreement(struct store_fact *store, uint64_t time_ms)
{
	if (store->current.paper != NULL && store->current.paper->ended_ms == 0)
		store->current.paper->ended_ms = time_ms;
}

static enum err apply_accept(struct state *state, const struct step *step)
{
	struct store_fact *store = step->store;

	if (store == NULL)
		return ERR_OK;
	end_agreement(store, step->time_ms);
	struct paper_text *paper = state_paper(state, wire_slice(step->operation->accept->agreement));
	if (paper != NULL && paper->accepted_ms == 0)
		paper->accepted_ms = step->time_ms;
	if (paper != NULL)
		paper->ended_ms = 0;
	store->current = (struct standing){.paper = paper, .state = AGREEMENT_ACTIVE};
	store->candidate = (struct standing){0};
	return ERR_OK;
}

static enum err apply_standing(struct state *state, const struct step *step)
{
	static const enum agreement_state states[] = {AGREEMENT_NONE, AGREEMENT_SUSPENDED, AGREEMENT_ACTIVE,
						      AGREEMENT_TERMINATED};
	struct store_fact *store = state_store(state, step->operation->standing->store);

	if (store == NULL || step->operation->standing->action > 3)
		return ERR_OK;
	store->current.state = states[step->operation->standing->action];
	if (store->current.state != AGREEMENT_ACTIVE)
		end_agreement(store, step->time_ms);
	else if (store->current.paper != NULL)
		store->current.paper->ended_ms = 0;
	return ERR_OK;
}

/* ---- who ---- */

static void init_store(struct state *state, struct store_fact *store)
{
	map_init(&store->employees, state->arena);
	map_init(&store->copies, state->arena);
	map_init(&store->shifts, state->arena);
}

static enum err apply_open_store(struct state *state, const struct step *step)
{
	const Kluis__OpenStore *open = step->operation->open_store;
	uint8_t key[4];
	struct store_fact *store;

	put_u32(key, open->store);
	store = map_take(&state->stores, SLICE_ARRAY(key), sizeof *store);
	if (store == NULL)
		return ERR_MEMORY;
	if (!store->is_open)
		init_store(state, store);
	store->is_open = true;
	store->number = open->store;
	TRY(copy_text(state, open->name, &store->name));
	return copy_text(state, open->country, &store->country);
}

static enum err apply_invite(struct state *state, const struct step *step)
{
	const Kluis__Invite *invite = step->operation->invite;
	struct invitation_fact *fact = map_take(&state->invitations, slice_text(invite->principal), sizeof *fact);

	if (fact == NULL)
		return ERR_MEMORY;
	fact->expires_ms = invite->expires_ms;
	fact->is_open = true;
	return ERR_OK;
}

/* The key itself is taken by principals_take; this is R28's last row. */
static enum err apply_join(struct state *state, const struct step *step)
{
	struct slice name = slice_text(step->entry->request->principal);
	struct invitation_fact *fact = map_find(&state->invitations, name);
	const struct principal_fact *principal = principals_find(&state->principals, name);
	struct store_fact *store = step->store;

	if (fact != NULL)
		fact->is_open = false;
	if (custody_begins_anew(state, step))
		store->journal = (struct journal_position){.number = 0};
	if (store == NULL || principal == NULL || !principal->has_key || store->current.state != AGREEMENT_ACTIVE)
		return ERR_OK;
	end_agreement(store, step->time_ms);
	store->candidate = (struct standing){.paper = store->current.paper, .state = AGREEMENT_OFFERED};
	store->current = (struct standing){0};
	return ERR_OK;
}

static enum err apply_staff(struct state *state, const struct step *step)
{
	const Kluis__Staff *staff = step->operation->staff;
	struct store_fact *store = step->store != NULL ? step->store : state_store(state, staff->store);
	struct employee_fact *employee;

	if (store == NULL)
		return ERR_OK;
	if (staff->role[0] == '\0') {
		map_remove(&store->employees, wire_slice(staff->employee));
		return custody_shift(state, step, store, wire_slice(staff->employee), NULL);
	}
	employee = map_take(&store->employees, wire_slice(staff->employee), sizeof *employee);
	if (employee == NULL)
		return ERR_MEMORY;
	TRY(copy_text(state, staff->role, &employee->role));
	return custody_shift(state, step, store, wire_slice(staff->employee), employee->role);
}

/* ---- customers ---- */

static enum err take_customer(struct state *state, struct slice pseudonym, struct customer_fact **ret_customer)
{
	*ret_customer = map_take(&state->customers, pseudonym, sizeof **ret_customer);
	return *ret_customer == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err set_consent(struct state *state, struct customer_fact *customer, const Kluis__ConsentState *given)
{
	struct consent_fact *consent = customer_consent_to(customer, slice_text(given->purpose));

	if (consent == NULL) {
		consent = arena_alloc(state->arena, sizeof *consent);
		if (consent == NULL)
			return ERR_MEMORY;
		TRY(copy_text(state, given->purpose, &consent->purpose));
		consent->next = customer->consents;
		customer->consents = consent;
	}
	consent->status = given->status;
	return ERR_OK;
}

/* R113: a store registers for itself; what is known already stays. */
static void set_registered(const struct step *step, struct customer_fact *customer)
{
	const Kluis__Registration *registration = step->operation->registration;
	const struct principal *principal = &step->entry->principal;
	bool is_store = principal->kind == PRINCIPAL_STORE;

	if (customer->history.registered.is_known || (!registration->has_store && !is_store))
		return;
	customer->history.registered =
		(struct store_day){.is_known = true,
				   .store = registration->has_store ? registration->store : principal->store,
				   .day = registration->has_day ? registration->day : day_of_ms(step->time_ms)};
}

static enum err apply_registration(struct state *state, const struct step *step)
{
	const Kluis__Registration *registration = step->operation->registration;
	struct customer_fact *customer;

	if (!step->result->has_customer)
		return ERR_OK;
	TRY(take_customer(state, wire_slice(step->result->customer), &customer));
	TRY(meeting_take(state, customer, step));
	if (step->result->has_version)
		customer->version = step->result->version;
	if (step->result->is_unchanged)
		return ERR_OK;
	set_registered(step, customer);
	for (size_t i = 0; i < registration->n_consents; i++)
		TRY(set_consent(state, customer, registration->consents[i]));
	return ERR_OK;
}

static enum err apply_update(struct state *state, const struct step *step)
{
	struct customer_fact *customer;

	TRY(take_customer(state, wire_slice(step->operation->update->customer), &customer));
	TRY(meeting_take(state, customer, step));
	if (step->result->has_version)
		customer->version = step->result->version;
	return ERR_OK;
}

static enum err apply_consent(struct state *state, const struct step *step)
{
	struct customer_fact *customer;

	TRY(take_customer(state, wire_slice(step->operation->consent->customer), &customer));
	return set_consent(state, customer, step->operation->consent->state);
}

static enum err apply_restriction(struct state *state, const struct step *step)
{
	struct customer_fact *customer;

	TRY(take_customer(state, wire_slice(step->operation->restriction->customer), &customer));
	customer->is_restricted = step->operation->restriction->is_restricted;
	return ERR_OK;
}

static enum err add_visit(struct state *state, struct customer_fact *customer, uint32_t store, int32_t day)
{
	struct visit_fact *visit = customer->visits;

	while (visit != NULL && visit->store != store)
		visit = visit->next;
	if (visit == NULL) {
		visit = arena_alloc(state->arena, sizeof *visit);
		if (visit == NULL)
			return ERR_MEMORY;
		*visit = (struct visit_fact){.store = store, .day = day, .next = customer->visits};
		customer->visits = visit;
	}
	if (visit->day < day)
		visit->day = day;
	return ERR_OK;
}

static enum err apply_receipt(struct state *state, const struct step *step)
{
	const Kluis__Receipt *receipt = step->operation->receipt;
	struct customer_fact *customer;
	struct receipt_fact *fact;

	if (!step->result->has_customer || step->result->is_unchanged)
		return ERR_OK;
	TRY(take_customer(state, wire_slice(step->result->customer), &customer));
	fact = map_take(&state->receipts, wire_slice(receipt->id), sizeof *fact);
	if (fact == NULL)
		return ERR_MEMORY;
	fact->customer = customer;
	fact->store = receipt->store;
	fact->day = receipt->day;
	history_add_receipt(&customer->history, receipt->store, receipt->day);
	return add_visit(state, customer, receipt->store, receipt->day);
}

/* The grant that the entry says it was, as far as the log has it. */
static enum err apply_lookup(struct state *state, const struct step *step)
{
	const struct paper_text *paper = step->store == NULL ? NULL : step->store->current.paper;
	uint32_t grant;

	TRY(custody_deliver(state, step));
	if (paper == NULL || paper->agreement == NULL || step->result->n_disclosures == 0)
		return ERR_OK;
	grant = step->result->disclosures[0]->grant;
	if (grant >= paper->agreement->grant_count || paper->agreement->grants[grant].per_day == 0)
		return ERR_OK;
	return state_count_use(state, paper->agreement, grant, step->time_ms / 1000,
			       wire_slice(step->result->disclosures[0]->customer));
}

static enum err apply_progress(struct state *state, const struct step *step)
{
	const Kluis__Progress *progress = step->operation->progress;
	struct import_fact *fact;

	if (!progress->has_rows)
		return ERR_OK;
	fact = map_take(&state->imports, wire_slice(progress->import), sizeof *fact);
	if (fact == NULL)
		return ERR_MEMORY;
	fact->rows = progress->rows;
	fact->is_done = progress->has_is_done && progress->is_done;
	return ERR_OK;
}

/* ---- keys ---- */

static enum err apply_trust(struct state *state, const struct step *step)
{
	struct paper_text *paper;

	TRY(take_text(state, step, wire_slice(step->operation->trust->hash), &paper));
	state->trust = paper;
	return ERR_OK;
}

/* The key itself is taken by principals_take; an invitation from before is void (R142). */
static enum err apply_revoke(struct state *state, const struct step *step)
{
	struct invitation_fact *fact = map_find(&state->invitations, slice_text(step->operation->revoke->principal));

	if (fact != NULL)
		fact->is_open = false;
	return ERR_OK;
}

static enum err apply_master_key(struct state *state, const struct step *step)
{
	state->epoch = step->operation->master_key->epoch;
	state->is_rewrapping = step->operation->master_key->action == 1 && !step->result->is_unchanged;
	return ERR_OK;
}

static enum err apply_notice(struct state *state, const struct step *step)
{
	const Kluis__Operation *operation = step->operation;
	bool is_incident = operation->kind_case == KLUIS__OPERATION__KIND_INCIDENT;

	return state_take_notice(state, step->entry->principal.store,
				 wire_slice(is_incident ? operation->incident->id : operation->subject_request->id));
}

/* ---- the table: kinds that are not in it change nothing ---- */

static const struct {
	Kluis__Operation__KindCase kind;
	apply_fn *apply;
} rows[] = {
	{KLUIS__OPERATION__KIND_CHARTER, apply_charter},
	{KLUIS__OPERATION__KIND_OPEN_STORE, apply_open_store},
	{KLUIS__OPERATION__KIND_INVITE, apply_invite},
	{KLUIS__OPERATION__KIND_JOIN, apply_join},
	{KLUIS__OPERATION__KIND_DRAFT, apply_draft},
	{KLUIS__OPERATION__KIND_OFFER, apply_offer},
	{KLUIS__OPERATION__KIND_ACCEPT, apply_accept},
	{KLUIS__OPERATION__KIND_STANDING, apply_standing},
	{KLUIS__OPERATION__KIND_STAFF, apply_staff},
	{KLUIS__OPERATION__KIND_REGISTRATION, apply_registration},
	{KLUIS__OPERATION__KIND_UPDATE, apply_update},
	{KLUIS__OPERATION__KIND_CONSENT, apply_consent},
	{KLUIS__OPERATION__KIND_RESTRICTION, apply_restriction},
	{KLUIS__OPERATION__KIND_RECEIPT, apply_receipt},
	{KLUIS__OPERATION__KIND_LOOKUP, apply_lookup},
	{KLUIS__OPERATION__KIND_PROGRESS, apply_progress},
	{KLUIS__OPERATION__KIND_TRUST, apply_trust},
	{KLUIS__OPERATION__KIND_REVOKE, apply_revoke},
	{KLUIS__OPERATION__KIND_MASTER_KEY, apply_master_key},
	{KLUIS__OPERATION__KIND_SYNC, apply_sync},
	{KLUIS__OPERATION__KIND_LEASE, apply_lease},
	{KLUIS__OPERATION__KIND_PURGE, apply_purge},
	{KLUIS__OPERATION__KIND_ERASE, apply_erase},
	{KLUIS__OPERATION__KIND_INCIDENT, apply_notice},
	{KLUIS__OPERATION__KIND_SUBJECT_REQUEST, apply_notice},
	{KLUIS__OPERATION__KIND_LOCAL_ACCESS, apply_local_access},
};

enum err state_apply(struct state *state, const struct step *step)
{
	if (step->result->code != ERR_OK)
		return ERR_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].kind == step->operation->kind_case)
			return rows[i].apply(state, step);
	return ERR_OK;
}
