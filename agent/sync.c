#include "sync.h"

#include <stdio.h>
#include <string.h>

#include "given.h"

#define MS_PER_DAY 86400000u

uint32_t sync_purposes(const struct agreement *agreement)
{
	uint32_t purposes = 0;

	for (size_t i = 0; i < agreement->grant_count; i++)
		if ((agreement->grants[i].operations & 1u << OPERATION_SYNC) != 0)
			purposes |= 1u << agreement->grants[i].purpose;
	return purposes;
}

enum err sync_begin(const struct sync *sync, const char *purpose, uint64_t time_ms, bool anew)
{
	int32_t begun, today = (int32_t)(time_ms / MS_PER_DAY);
	bool has_window = sync->charter->visited_window_days > 0 || sync->charter->ownership_window_days > 0;

	if (!anew && !has_window)
		return ERR_OK;
	enum err err = replica_begun(sync->replica, purpose, &begun);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	return anew || begun != today ? replica_forget(sync->replica, purpose) : ERR_OK;
}

/* The broker is not believed: what it gives must be what both signed. */
static enum err check_disclosure(const struct sync *sync, int purpose, const Kluis__Disclosure *disclosure,
				 struct fault *fault)
{
	if (!disclosure->has_commitment)
		return ERR_OK;
	if (disclosure->grant >= sync->agreement->grant_count)
		return fault_set(fault, ERR_MISMATCH, "the broker named a grant that the agreement does not have");
	const struct grant *grant = &sync->agreement->grants[disclosure->grant];
	bool is_right = grant->purpose == purpose && (grant->operations & 1u << OPERATION_SYNC) != 0 &&
			(disclosure->fields & ~grant->fields) == 0;
	return is_right ? ERR_OK
			: fault_set(fault, ERR_MISMATCH, "the broker gave fields outside grant '%s'; nothing was kept",
				    grant->name);
}

static enum err check_values(const struct sync *sync, const Kluis__Disclosure *disclosure, const Kluis__Part *part,
			     struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Values *values;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(given_open(wire_slice(part->content), disclosure->fields, &arena, &values, fault));
	return given_to_copy(values, disclosure->fields, sync->charter, sync->agreement,
			     &sync->agreement->grants[disclosure->grant], fault);
}

static enum err check_page(const struct sync *sync, int purpose, const Kluis__Result *result, Kluis__Part *const *parts,
			   size_t part_count, struct fault *fault)
{
	size_t used = 0;

	for (size_t i = 0; i < result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = result->disclosures[i];
		TRY(check_disclosure(sync, purpose, disclosure, fault));
		if (!disclosure->has_commitment)
			continue;
		if (used == part_count)
			return fault_set(fault, ERR_MISMATCH, "the broker gave fewer records than it logged");
		TRY(check_values(sync, disclosure, parts[used++], fault));
	}
	return ERR_OK;
}

/* R111: it goes on from where it was asked, and ends. */
static enum err check_cursor(const Kluis__Request *request, const Kluis__Result *result, struct fault *fault)
{
	uint64_t asked = request->operations[0]->sync->cursor;
	uint64_t least = asked + (result->has_has_more && result->has_more);

	return result->has_cursor && result->cursor >= least
		       ? ERR_OK
		       : fault_set(fault, ERR_MISMATCH, "the broker's page does not go on from where it was asked");
}

static enum err verdict_of(const struct session_answer *answer, struct sync_outcome *outcome)
{
	outcome->verdict = (enum err)answer->entry.decoded->code;
	outcome->clause[0] = '\0';
	/* sent again after the access ended: the entry stands, what it gave does not come with it (R39) */
	if (answer->reply->code != ERR_OK)
		outcome->verdict = (enum err)answer->reply->code;
	if (outcome->verdict != ERR_OK)
		return outcome->verdict;
	const Kluis__Result *result = answer->entry.decoded->results[0];
	outcome->verdict = (enum err)result->code;
	if (result->clause != NULL)
		snprintf(outcome->clause, sizeof outcome->clause, "%s", result->clause);
	return outcome->verdict;
}

/* R39: the answer came late, and some customer of it is another by now. From the same cursor there is one as they are.
 */
static bool is_worth_asking(const struct session_answer *answer)
{
	static const enum err codes[] = {ERR_STATE, ERR_NOT_FOUND, ERR_ERASED, ERR_RESTRICTED, ERR_CONSENT};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (answer->reply->code == (uint32_t)codes[i])
			return true;
	}
	return false;
}

/* Nobody purges the copy or reads it while it is written. */
static enum err apply(const struct sync *sync, const struct replica_page *page, uint64_t *ret_written,
		      uint64_t *ret_removed)
{
	if (sync->lock != NULL)
		pthread_rwlock_wrlock(sync->lock);
	enum err err = replica_apply(sync->replica, page, ret_written, ret_removed);
	if (sync->lock != NULL)
		pthread_rwlock_unlock(sync->lock);
	return err;
}

static enum err take_answer(const struct sync *sync, const char *purpose, const struct session_answer *answer,
			    struct sync_outcome *outcome, struct fault *fault)
{
	uint64_t written, removed;

	outcome->has_more = false;
	if (!answer->has_entry)
		return fault_set(fault, ERR_MISMATCH, "the broker answered without an entry");
	if (verdict_of(answer, outcome) != ERR_OK) {
		if (is_worth_asking(answer))
			*outcome = (struct sync_outcome){
				.written = outcome->written, .removed = outcome->removed, .has_more = true};
		return ERR_OK;
	}
	outcome->entry_ms = answer->entry.decoded->time_ms;
	const Kluis__Personal *personal = answer->reply->personal;
	struct replica_page page = {
		.purpose = purpose,
		.agreement = sync->agreement->hash,
		.entry_index = answer->index,
		.day = (int32_t)(answer->entry.decoded->time_ms / MS_PER_DAY),
		.result = answer->entry.decoded->results[0],
		.parts = personal == NULL ? NULL : personal->parts,
		.part_count = personal == NULL ? 0 : personal->n_parts,
	};
	TRY(check_cursor(answer->entry.request, page.result, fault));
	TRY(check_page(sync, charter_purpose(sync->charter, slice_text(purpose)), page.result, page.parts,
		       page.part_count, fault));
	TRY(apply(sync, &page, &written, &removed));
	outcome->written += written;
	outcome->removed += removed;
	outcome->has_more = page.result->has_has_more && page.result->has_more;
	return ERR_OK;
}

/* Is the answer one to a Sync for this purpose, under this agreement, from where the copy stands? */
static enum err is_for_us(const struct sync *sync, const char *purpose, const struct session_answer *answer,
			  bool *ret_is_ours)
{
	uint64_t cursor;
	const Kluis__Request *request = answer->entry.request;

	*ret_is_ours = false;
	if (!answer->has_entry || answer->entry.decoded->code != ERR_OK)
		return ERR_OK;
	TRY(replica_cursor(sync->replica, purpose, sync->agreement->hash, &cursor));
	const Kluis__Operation *operation = request->operations[0];
	*ret_is_ours = request->n_operations == 1 && operation->kind_case == KLUIS__OPERATION__KIND_SYNC &&
		       operation->purpose != NULL && strcmp(operation->purpose, purpose) == 0 &&
		       operation->sync->cursor == cursor && request->has_agreement &&
		       slice_equal(wire_slice(request->agreement), SLICE_ARRAY(sync->agreement->hash));
	return ERR_OK;
}

static enum err resume(const struct sync *sync, const char *purpose, struct arena *arena, struct sync_outcome *outcome,
		       bool *ret_is_done, struct fault *fault)
{
	struct session_answer answer = {0};

	*ret_is_done = false;
	if (!sync->session->has_pending)
		return ERR_OK;
	enum err err = session_resume(sync->session, sync->tries, arena, &answer, fault);
	if (sync->session->has_pending)
		return err;
	if (err != ERR_OK) { /* refused without an entry, or not to be used any more: asked anew */
		if (fault != NULL)
			fault->text[0] = '\0';
		return ERR_OK;
	}
	TRY(is_for_us(sync, purpose, &answer, ret_is_done));
	return *ret_is_done ? take_answer(sync, purpose, &answer, outcome, fault) : ERR_OK;
}

enum err sync_page(const struct sync *sync, const char *purpose, uint64_t time_ms, struct sync_outcome *outcome,
		   struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct session_answer answer = {0};
	Kluis__Operation operation = KLUIS__OPERATION__INIT, *operations = &operation;
	Kluis__Sync ask = KLUIS__SYNC__INIT;
	char name[NAME_MAX_ + 1];
	bool is_done;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	TRY(resume(sync, purpose, &arena, outcome, &is_done, fault));
	if (is_done)
		return ERR_OK;
	snprintf(name, sizeof name, "%s", purpose);
	TRY(replica_cursor(sync->replica, purpose, sync->agreement->hash, &ask.cursor));
	ask.count = DISCLOSURES_MAX;
	operation.purpose = name;
	operation.kind_case = KLUIS__OPERATION__KIND_SYNC;
	operation.sync = &ask;
	struct session_request request = {.agreement = SLICE_ARRAY(sync->agreement->hash),
					  .operations = &operations,
					  .operation_count = 1,
					  .time_ms = time_ms};
	TRY(session_call(sync->session, &request, sync->tries, &arena, &answer, fault));
	return take_answer(sync, purpose, &answer, outcome, fault);
}
