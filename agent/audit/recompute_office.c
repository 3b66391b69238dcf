/*
 * Head office's operations, papers and the log's own, decided again (FORMAT.md R26 to R29, R101 to R106, R117).
 */
#include <inttypes.h>
#include <string.h>

#include "kluis/limits.h"
#include "recompute.h"

static const enum err paper_reasons[] = {ERR_PAPER, ERR_SIGNATURE, ERR_INPUT, ERR_TOO_LARGE, ERR_OK};
static const enum err no_reasons[] = {ERR_OK};

static bool is_store(const struct step *step)
{
	return step->entry->principal.kind == PRINCIPAL_STORE;
}

/* ---- charter, stores, invitations ---- */

/* A refused charter is not kept, so why is head office's and the broker's affair. */
void recompute_charter(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};

	reasons_possible(&reasons, paper_reasons);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_open_store(const struct state *state, const struct step *step)
{
	const Kluis__OpenStore *open = step->operation->open_store;
	const struct store_fact *store = state_store(state, open->store);
	struct reasons reasons = {0};
	bool is_same =
		store != NULL && strcmp(store->name, open->name) == 0 && strcmp(store->country, open->country) == 0;

	if (expect_reasons(state, step, &reasons, NULL) && is_same != (step->result->is_unchanged != 0))
		finding_add_step(state->findings, step, "recorded as %s, but by the log it is not",
				 step->result->is_unchanged ? "unchanged" : "a change");
}

void recompute_invite(const struct state *state, const struct step *step)
{
	const char *name = step->operation->invite->principal;
	struct principal principal, controller;
	struct reasons reasons = {0};
	bool is_ours = principal_parse(slice_text(name), &principal) == ERR_OK &&
		       principal_parse(slice_text(state->controller.name), &controller) == ERR_OK &&
		       slice_equal(principal.origin, controller.origin);

	reasons_certain(&reasons, !is_ours, ERR_PRINCIPAL);
	reasons_certain(&reasons,
			is_ours && principal.kind == PRINCIPAL_STORE && state_store(state, principal.store) == NULL,
			ERR_STORE);
	reasons_certain(&reasons, step->operation->invite->expires_ms / 1000 > step->time_ms / 1000 + INVITATION_S_MAX,
			ERR_VALUE);
	expect_reasons(state, step, &reasons, NULL);
}

/* R125: what the journal of an earlier installation was committed to, and nobody will ever see. */
static void check_lost_records(const struct state *state, const struct step *step)
{
	const struct journal_position *journal = step->store == NULL ? NULL : &step->store->journal;

	if (journal != NULL && custody_begins_anew(state, step) && journal_last(journal) > journal->number)
		finding_add_step(state->findings, step,
				 "begins a new journal, though records %" PRIu64 " to %" PRIu64
				 " of the one before were never uploaded",
				 journal->number + 1, journal_last(journal));
}

/* The code itself is personal; that there was an invitation, unused and in time, is in the log. Refused ones have no
 * entry (R37). */
void recompute_join(const struct state *state, const struct step *step)
{
	const struct invitation_fact *invitation =
		map_find(&state->invitations, slice_text(step->entry->request->principal));
	struct reasons reasons = {0};
	bool is_invited = invitation != NULL && invitation->is_open && step->time_ms < invitation->expires_ms;

	reasons_certain(&reasons, !is_invited, ERR_CODE);
	if (expect_reasons(state, step, &reasons, NULL))
		check_lost_records(state, step);
}

/* ---- agreements ---- */

static bool is_paper(const struct standing *standing, struct slice hash)
{
	return standing->paper != NULL && slice_equal(standing->paper->hash, hash);
}

void recompute_draft(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};

	reasons_certain(&reasons, state_store(state, step->operation->draft->store) == NULL, ERR_STORE);
	reasons_possible(&reasons, paper_reasons);
	expect_reasons(state, step, &reasons, NULL);
}

/* The signature that an operation gives for a paper, by the key of who sends it. */
static bool is_signed(const struct paper_text *paper, const struct public_key *key, ProtobufCBinaryData signature)
{
	return key_verify(key->key, "", paper->text, wire_slice(signature)) == ERR_OK;
}

void recompute_offer(const struct state *state, const struct step *step)
{
	static const enum err of_old_charter[] = {ERR_PAPER, ERR_OK};
	const Kluis__Offer *offer = step->operation->offer;
	const struct paper_text *paper = state_paper(state, wire_slice(offer->hash));
	const struct store_fact *store = NULL;
	struct reasons reasons = {0};

	if (paper != NULL && paper->agreement != NULL)
		store = state_store(state, paper->agreement->store);
	bool is_candidate = store != NULL && is_paper(&store->candidate, wire_slice(offer->hash));
	reasons_certain(&reasons, !is_candidate, ERR_NOT_FOUND);
	reasons_certain(&reasons, is_candidate && store->candidate.state != AGREEMENT_DRAFTED, ERR_STATE);
	reasons_certain(&reasons, is_candidate && !is_signed(paper, &state->controller, offer->signature),
			ERR_SIGNATURE);
	if (paper == NULL || paper->agreement_charter != state->charter)
		reasons_possible(&reasons, of_old_charter);
	expect_reasons(state, step, &reasons, NULL);
}

/* R29. */
static enum err may_replace(const struct standing *current, const struct agreement *next, uint64_t time_s)
{
	bool names_it;

	if (current->paper == NULL || current->paper->agreement == NULL)
		return ERR_OK;
	if (current->state == AGREEMENT_SUSPENDED)
		return ERR_SUSPENDED;
	if (current->state != AGREEMENT_ACTIVE || time_s >= current->paper->agreement->until_s)
		return ERR_OK;
	names_it = next->has_supersedes && slice_equal(SLICE_ARRAY(next->supersedes), current->paper->hash);
	return names_it && next->from_s <= time_s ? ERR_OK : ERR_STATE;
}

static void candidate_reasons(const struct state *state, const struct step *step, struct reasons *reasons)
{
	const struct standing *candidate = &step->store->candidate;
	const struct principal_fact *principal =
		principals_find(&state->principals, slice_text(step->entry->request->principal));
	enum err replaces = ERR_OK;

	reasons_certain(reasons, candidate->state != AGREEMENT_OFFERED, ERR_STATE);
	if (candidate->paper->agreement != NULL)
		replaces = may_replace(&step->store->current, candidate->paper->agreement, step->time_ms / 1000);
	reasons_certain(reasons, replaces != ERR_OK, replaces);
	reasons_certain(reasons,
			principal == NULL ||
				!is_signed(candidate->paper, &principal->key, step->operation->accept->signature),
			ERR_SIGNATURE);
}

void recompute_accept(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};
	bool is_candidate = step->store != NULL &&
			    is_paper(&step->store->candidate, wire_slice(step->operation->accept->agreement));

	reasons_certain(&reasons, !is_candidate, ERR_NOT_FOUND);
	if (is_candidate)
		candidate_reasons(state, step, &reasons);
	expect_reasons(state, step, &reasons, NULL);
}

/* R28: from which state each action is possible. */
static bool is_possible(uint32_t action, enum agreement_state state)
{
	if (action == 2)
		return state == AGREEMENT_SUSPENDED;
	return state == AGREEMENT_ACTIVE || (action == 3 && state == AGREEMENT_SUSPENDED);
}

void recompute_standing(const struct state *state, const struct step *step)
{
	const Kluis__Standing *standing = step->operation->standing;
	const struct store_fact *store = state_store(state, standing->store);
	struct reasons reasons = {0};

	reasons_certain(&reasons, store == NULL, ERR_STORE);
	reasons_certain(&reasons, store != NULL && !is_possible(standing->action, store->current.state), ERR_STATE);
	expect_reasons(state, step, &reasons, NULL);
}

/* ---- staff ---- */

void recompute_staff(const struct state *state, const struct step *step)
{
	const Kluis__Staff *staff = step->operation->staff;
	const struct store_fact *store = is_store(step) ? step->store : state_store(state, staff->store);
	bool is_other =
		is_store(step) ? staff->has_store && staff->store != step->entry->principal.store : !staff->has_store;
	bool is_removal = staff->role[0] == '\0';
	struct reasons reasons = {0};

	reasons_certain(&reasons, is_other || store == NULL, ERR_STORE);
	reasons_certain(&reasons,
			is_removal && store != NULL && state_employee(store, wire_slice(staff->employee)) == NULL,
			ERR_NOT_FOUND);
	reasons_certain(&reasons, !is_removal && charter_role(state->charter, slice_text(staff->role)) < 0, ERR_FIELD);
	expect_reasons(state, step, &reasons, NULL);
}

/* ---- reading ---- */

void recompute_agreements(const struct state *state, const struct step *step)
{
	const Kluis__Agreements *agreements = step->operation->agreements;
	uint32_t store = is_store(step) ? step->entry->principal.store : agreements->store;
	bool is_other = is_store(step) ? agreements->has_store && agreements->store != store : !agreements->has_store;
	struct reasons reasons = {0};

	reasons_certain(&reasons, is_other || state_store(state, store) == NULL, ERR_STORE);
	expect_reasons(state, step, &reasons, NULL);
}

static bool is_zeros(struct slice hash)
{
	static const uint8_t zeros[HASH_SIZE];

	return slice_equal(hash, SLICE_ARRAY(zeros));
}

/* A store sees its own agreements, charters and the broker's keys (R117). */
void recompute_get_paper(const struct state *state, const struct step *step)
{
	static const enum err of_stores[] = {ERR_NOT_FOUND, ERR_OK};
	struct slice asked = wire_slice(step->operation->get_paper->hash);
	/* an empty hash asks for the charter in force, zeros for the trust */
	struct slice hash = asked.length > 0 ? asked : SLICE_ARRAY(state->charter->hash);
	const struct paper_text *paper = is_zeros(asked) ? state->trust : state_paper(state, hash);
	struct reasons reasons = {0};
	bool is_others = paper != NULL && paper->agreement != NULL && is_store(step) &&
			 paper->agreement->store != step->entry->principal.store;

	reasons_certain(&reasons, paper == NULL || is_others, ERR_NOT_FOUND);
	/* which of its old papers a store is still shown is not laid down */
	reasons_possible(&reasons, is_store(step) ? of_stores : no_reasons);
	expect_reasons(state, step, &reasons, NULL);
}

/* How far the latest checkpoint went is not in the log. */
void recompute_prove(const struct state *state, const struct step *step)
{
	static const enum err of_checkpoint[] = {ERR_NOT_FOUND, ERR_OK};
	static const enum err of_others[] = {ERR_FORBIDDEN, ERR_OK};
	struct reasons reasons = {0};

	reasons_certain(&reasons, step->operation->prove->index >= step->index, ERR_NOT_FOUND);
	reasons_possible(&reasons, of_checkpoint);
	if (is_store(step))
		reasons_possible(&reasons, of_others);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_progress(const struct state *state, const struct step *step)
{
	const Kluis__Progress *progress = step->operation->progress;
	const struct import_fact *known = map_find(&state->imports, wire_slice(progress->import));
	uint64_t rows = known == NULL ? 0 : known->rows;
	struct reasons reasons = {0};

	reasons_certain(&reasons, progress->has_rows && progress->rows < rows, ERR_STATE);
	if (!expect_reasons(state, step, &reasons, NULL))
		return;
	if (progress->has_rows)
		rows = progress->rows;
	if (!step->result->has_rows || step->result->rows != rows)
		finding_add_step(state->findings, step, "answers %" PRIu64 " rows, but by the log it is %" PRIu64,
				 step->result->rows, rows);
}

/* Statistics: nobody is disclosed and nothing rests on them. */
void recompute_totals(const struct state *state, const struct step *step)
{
	static const enum err of_page[] = {ERR_INPUT, ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_OK};
	struct reasons reasons = {0};

	reasons_possible(&reasons, of_page);
	if (step->result->code != ERR_OK)
		expect_reasons(state, step, &reasons, NULL);
}

void recompute_census(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};

	expect_reasons(state, step, &reasons, NULL);
}

void recompute_get_checkpoint(const struct state *state, const struct step *step)
{
	static const enum err of_none[] = {ERR_NOT_FOUND, ERR_OK};
	struct reasons reasons = {0};

	reasons_possible(&reasons, of_none);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_read_log(const struct state *state, const struct step *step)
{
	static const enum err of_snapshot[] = {ERR_NOT_FOUND, ERR_OK};
	const Kluis__ReadLog *read = step->operation->read_log;
	struct reasons reasons = {0};

	reasons_certain(&reasons, read->from >= read->size || read->size > step->index, ERR_NOT_FOUND);
	/* it is read on a snapshot, in which the log may still have been shorter */
	reasons_possible(&reasons, of_snapshot);
	expect_reasons(state, step, &reasons, NULL);
}
