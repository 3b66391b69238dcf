/*
 * Stores that run themselves, decided again: local accesses, leases, purges, and head office's lists of them
 * (FORMAT.md R123 to R129, R134).
 */
#include <inttypes.h>
#include <string.h>

#include "access.h"
#include "recompute.h"

/* ---- local accesses ---- */

static void say_findings(const struct state *state, const struct step *step, uint32_t findings, const char *what,
			 uint64_t number)
{
	uint8_t room[500];
	struct bytes text = {.data = room, .capacity = sizeof room, .maximum = sizeof room};

	if (findings != 0 && findings_print(findings, &text) == ERR_OK)
		finding_add_step(state->findings, step, "%s %" PRIu64 ": %.*s", what, number, (int)text.length,
				 (const char *)room);
}

/* The log's own findings, made again. */
static void compare_findings(const struct state *state, const struct step *step, uint32_t findings)
{
	if (step->result->findings != findings)
		finding_add_step(state->findings, step,
				 "records findings %" PRIu32 ", but by the log they are %" PRIu32 " (R126)",
				 step->result->findings, findings);
}

static enum err judge(const struct state *state, const struct step *step, struct slice encoded,
		      struct journal_position *position, uint32_t *findings, struct arena *arena)
{
	const Kluis__JournalRecord *record;
	struct journal_facts facts;
	struct hash hash;
	uint32_t own;

	TRY(journal_record_decode(encoded, arena, &record, NULL));
	custody_facts(state, step, record, &facts);
	journal_record_hash(encoded, &hash);
	own = journal_judge(position, record, &hash, &facts);
	journal_advance(position, record, &hash, step->time_ms);
	say_findings(state, step, own, "journal record", record->number);
	*findings |= own;
	return access_check(state, step, record, &facts, arena);
}

static bool is_one_malformed(const Kluis__LocalAccess *access, struct arena *arena, uint64_t *ret_last)
{
	const Kluis__JournalRecord *record;

	for (size_t i = 0; i < access->n_records; i++) {
		if (journal_record_decode(wire_slice(access->records[i]), arena, &record, NULL) != ERR_OK)
			return true;
		*ret_last = record->number;
	}
	return false;
}

static enum err judge_all(const struct state *state, const struct step *step, uint64_t last, struct arena *arena)
{
	const Kluis__LocalAccess *access = step->operation->local_access;
	struct journal_position position = step->store->journal;
	struct journal_request request;
	uint32_t findings = 0;

	for (size_t i = 0; i < access->n_records; i++)
		TRY(judge(state, step, wire_slice(access->records[i]), &position, &findings, arena));
	custody_request(state, step, &request);
	request.brings = last;
	uint32_t of_end = journal_commit(&position, access->end, &request);
	say_findings(state, step, of_end, "journal's end at record", access->end->number);
	compare_findings(state, step, findings | of_end);
	return ERR_OK;
}

void recompute_local_access(const struct state *state, const struct step *step)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint64_t last = 0;

	if (step->store == NULL) {
		finding_add_step(state->findings, step, "is of a store that was never opened");
		return;
	}
	arena_init(&arena, REQUEST_ARENA_MAX);
	if (is_one_malformed(step->operation->local_access, &arena, &last)) {
		expect_code(state, step, ERR_INPUT, NULL);
		return;
	}
	expect_code(state, step, ERR_OK, NULL);
	if (step->result->code != ERR_OK)
		return;
	if (!step->result->has_findings || !step->result->has_cursor || step->result->cursor != last)
		finding_add_step(state->findings, step, "does not say that it took the journal up to record %" PRIu64,
				 last);
	if (judge_all(state, step, last, &arena) != ERR_OK)
		finding_add_step(state->findings, step, "could not be judged: no memory");
}

/* ---- leases ---- */

/* R127. */
static uint64_t lease_until(const struct gate *gate)
{
	const struct agreement *agreement = gate->input.agreement;
	int purpose = charter_purpose(gate->input.charter, gate->input.purpose);
	uint32_t grants = agreement_grants_for(agreement, OPERATION_SYNC, (uint8_t)purpose);
	uint64_t until_s = agreement->until_s;

	for (size_t i = 0; i < agreement->grant_count; i++) {
		uint64_t end_s = gate->input.time_s + agreement->grants[i].lease_s;

		if ((grants >> i & 1) != 0 && end_s < until_s)
			until_s = end_s;
	}
	return until_s * 1000;
}

static void judge_end(const struct state *state, const struct step *step, const struct journal_request *request)
{
	const Kluis__JournalEnd *end = step->operation->lease->end;
	struct journal_position position = step->store->journal;
	uint32_t findings = journal_commit(&position, end, request);

	say_findings(state, step, findings, "journal's end at record", end->number);
	compare_findings(state, step, findings);
}

void recompute_lease(const struct state *state, const struct step *step)
{
	struct journal_request request;
	struct gate gate;

	gate_standing(state, step, OPERATION_SYNC, &gate);
	if (!expect_gate(state, step, &gate))
		return;
	custody_request(state, step, &request);
	bool is_due = journal_may_lease(&step->store->journal, &request);
	expect_code(state, step, is_due ? ERR_OK : ERR_STATE, is_due ? gate.clause : NULL);
	if (step->result->code != ERR_OK)
		return;
	if (!step->result->has_until_ms || step->result->until_ms != lease_until(&gate))
		finding_add_step(state->findings, step,
				 "lasts until %" PRIu64 ", but by its grants until %" PRIu64 " (R127)",
				 step->result->until_ms, lease_until(&gate));
	judge_end(state, step, &request);
}

/* ---- purges ---- */

void recompute_purge(const struct state *state, const struct step *step)
{
	const char *purpose = step->operation->purpose;
	const struct copy_fact *copy =
		step->store == NULL || purpose == NULL ? NULL : custody_copy(step->store, purpose);

	if (step->operation->purge->has_customer) {
		recompute_purge_customer(state, step);
		return;
	}
	expect_code(state, step, copy != NULL && copy->is_held ? ERR_OK : ERR_NOT_FOUND, NULL);
}

/* ---- lists for head office ---- */

void recompute_list(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};

	expect_reasons(state, step, &reasons, NULL);
}
