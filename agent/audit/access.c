#include "access.h"

#include <inttypes.h>
#include <string.h>

#include "erasure.h"
#include "kluis/clock.h"

/* One record on its way through the checks. */
struct access {
	const struct state *state;
	const struct step *step;
	const Kluis__JournalRecord *record;
	const struct journal_facts *facts;
	struct arena *arena;
};

static bool is_before(uint64_t time_ms, uint64_t than_ms)
{
	return time_ms + JOURNAL_TOLERANCE_MS < than_ms;
}

#define COMPLAIN(access, format, ...)                                                                                  \
	finding_add_step((access)->state->findings, (access)->step, "journal record %" PRIu64 ": " format,             \
			 (access)->record->number, __VA_ARGS__)

/* ---- what was shown ---- */

static const struct delivered *find_delivered(const struct access *access, const struct delivery_fact *fact)
{
	struct slice customer = wire_slice(access->record->customer);
	const struct delivery *delivery = fact == NULL ? NULL : fact->deliveries;

	for (; delivery != NULL; delivery = delivery->next) {
		if (delivery->store != access->step->store->number ||
		    strcmp(delivery->purpose, access->record->purpose) != 0)
			continue;
		for (size_t i = 0; i < delivery->count; i++)
			if (slice_equal(SLICE_ARRAY(delivery->items[i].customer), customer))
				return &delivery->items[i];
	}
	return NULL;
}

static void check_shown(const struct access *access)
{
	const Kluis__JournalRecord *record = access->record;
	const struct delivery_fact *fact = custody_delivery(access->state, record->entry);
	const struct delivered *delivered = find_delivered(access, fact);
	char customer[2 * PSEUDONYM_SIZE + 1];

	hex_print(wire_slice(record->customer), customer);
	if (delivered == NULL) {
		COMPLAIN(access,
			 "shows customer %s, whom entry %" PRIu64 " did not disclose to this store for purpose %s",
			 customer, record->entry, record->purpose);
		return;
	}
	uint64_t certified_ms =
		erasure_certified_ms(access->state, access->step, wire_slice(record->customer), record->purpose);
	if (certified_ms != 0 && is_before(certified_ms, record->time_ms))
		COMPLAIN(access, "shows customer %s, who was erased and whom the store had certified to be gone",
			 customer);
	if (record->version != delivered->version)
		COMPLAIN(access,
			 "shows version %" PRIu32 " of customer %s, but entry %" PRIu64 " disclosed version %" PRIu32,
			 record->version, customer, record->entry, delivered->version);
	if ((record->fields & ~delivered->fields) != 0)
		COMPLAIN(access,
			 "shows fields of customer %s that entry %" PRIu64 " did not disclose (mask %016" PRIx64 ")",
			 customer, record->entry, record->fields & ~delivered->fields);
	if (is_before(record->time_ms, fact->time_ms))
		COMPLAIN(access, "shows customer %s before entry %" PRIu64 " had disclosed it", customer,
			 record->entry);
}

/* ---- by what right ---- */

/* The agreement that the record names, if the store ever had it then. */
static const struct paper_text *find_agreement(const struct access *access)
{
	const struct paper_text *paper = state_paper(access->state, wire_slice(access->record->agreement));
	bool is_ours = paper != NULL && paper->agreement != NULL && paper->accepted_ms != 0 &&
		       paper->agreement->store == access->step->store->number;

	if (!is_ours) {
		COMPLAIN(access, "%s", "acts under an agreement that this store never had");
		return NULL;
	}
	if (is_before(access->record->time_ms, paper->accepted_ms))
		COMPLAIN(access, "%s", "acts under an agreement that was not in force yet");
	/* a store without contact may go on until its lease ends; this one had seen the log past the end */
	if (paper->ended_ms != 0 && is_before(paper->ended_ms, access->record->time_ms) &&
	    access->facts->tree_ms > paper->ended_ms)
		COMPLAIN(access, "%s", "acts under an agreement that had ended, in contact with head office");
	return paper;
}

/* The record's grant alone, so that it is the one that decides: which one let the customer pass, a store knows. */
static enum err only_grant(const struct access *access, const struct agreement *agreement, struct agreement **ret_one)
{
	struct agreement *one = arena_alloc(access->arena, sizeof *one);

	if (one == NULL)
		return ERR_MEMORY;
	*one = *agreement;
	one->grants[0] = agreement->grants[access->record->grant];
	one->grant_count = 1;
	*ret_one = one;
	return ERR_OK;
}

static void take_role(const struct access *access, struct decide_input *input)
{
	const char *role = custody_role(access->step->store, wire_slice(access->record->employee),
					access->record->time_ms, access->facts->tree_ms);
	int number = role == NULL ? -1 : charter_role(input->charter, slice_text(role));

	input->has_employee = role != NULL;
	input->role = number < 0 ? ROLES_MAX : (uint32_t)number;
}

static enum err check_grant(const struct access *access, const struct paper_text *paper)
{
	const Kluis__JournalRecord *record = access->record;
	struct agreement *one;
	struct verdict verdict;
	char clause[CLAUSE_MAX + 1], when[25];

	if (record->grant >= paper->agreement->grant_count) {
		COMPLAIN(access, "names grant number %" PRIu32 ", which its agreement does not have", record->grant);
		return ERR_OK;
	}
	TRY(only_grant(access, paper->agreement, &one));
	struct decide_input input = {.charter = paper->agreement_charter,
				     .agreement = one,
				     .state = AGREEMENT_ACTIVE,
				     .operation = OPERATION_LOOKUP,
				     .purpose = slice_text(record->purpose),
				     .time_s = record->time_ms / 1000};
	take_role(access, &input);
	decide(&input, &verdict);
	verdict_clause(&input, &verdict, clause);
	time_print(record->time_ms, when);
	if (verdict.code != ERR_OK)
		COMPLAIN(access, "was not allowed at %s: %s (%s)", when, clause, error_text(verdict.code));
	else if ((record->fields & ~verdict.fields) != 0)
		COMPLAIN(access, "shows fields that %s does not allow (mask %016" PRIx64 ")", clause,
			 record->fields & ~verdict.fields);
	return ERR_OK;
}

/* ---- within a lease ---- */

/* Where there never was one there is nothing to be outside of; later than the last one is FINDING_LATE's. */
static void check_lease(const struct access *access)
{
	const struct copy_fact *copy = custody_copy(access->step->store, access->record->purpose);
	uint64_t time_ms = access->record->time_ms;
	char when[25];

	if (copy == NULL || copy->leases == NULL || (copy->until_ms != 0 && time_ms > copy->until_ms))
		return;
	for (const struct lease_span *span = copy->leases; span != NULL; span = span->before)
		if (!is_before(time_ms, span->from_ms) && !is_before(span->until_ms, time_ms))
			return;
	time_print(time_ms, when);
	COMPLAIN(access, "was read at %s, outside every lease for purpose %s", when, access->record->purpose);
}

enum err access_check(const struct state *state, const struct step *step, const Kluis__JournalRecord *record,
		      const struct journal_facts *facts, struct arena *arena)
{
	struct access access = {.state = state, .step = step, .record = record, .facts = facts, .arena = arena};
	const struct paper_text *paper;

	if (record->code != ERR_OK)
		return ERR_OK;
	check_shown(&access);
	check_lease(&access);
	paper = find_agreement(&access);
	return paper == NULL ? ERR_OK : check_grant(&access, paper);
}
