#include "replay.h"

#include <inttypes.h>

#include "kluis/table.h"
#include "recompute.h"

#define FACTS_MAX ((size_t)16 << 30)

struct replay {
	struct state state;
	struct arena facts, entries;
	replay_step_fn *take;
	void *context;
	struct progress progress;
	uint64_t last_ms; /* of the entries so far */
};

static enum err take_operation(struct replay *replay, struct step *step, struct fault *fault)
{
	const struct entry *entry = step->entry;
	enum err err;

	step->operation = entry->request->operations[step->number];
	step->result = entry->decoded->results[step->number];
	step->row = operation_row(step->operation->kind_case);
	TRY(replay->take(replay->context, &replay->state, step, fault));
	err = state_apply(&replay->state, step);
	if (err != ERR_OK)
		return fault_set(fault, err, "no memory for the facts of the log");
	return ERR_OK;
}

static enum err take_steps(struct replay *replay, uint64_t index, const struct entry *entry, struct fault *fault)
{
	struct step step = {.index = index, .time_ms = entry->decoded->time_ms, .entry = entry};

	if (entry->principal.kind == PRINCIPAL_STORE)
		step.store = state_store(&replay->state, entry->principal.store);
	if (entry->decoded->code != ERR_OK)
		return replay->take(replay->context, &replay->state, &step, fault);
	for (step.number = 0; step.number < entry->request->n_operations; step.number++)
		TRY(take_operation(replay, &step, fault));
	return ERR_OK;
}

static enum err take_entry(void *context, uint64_t index, struct slice bytes, struct fault *fault)
{
	struct replay *replay = context;
	struct entry entry;
	struct fault cause = {""};
	enum err err = entry_open(bytes, &replay->entries, &entry, &cause);

	if (err != ERR_OK)
		return fault_set(fault, err == ERR_MEMORY ? err : ERR_CORRUPT,
				 "entry %" PRIu64 " is not well-formed: %s", index, cause.text);
	err = principals_take(&replay->state.principals, index, &entry, replay->state.findings);
	if (err != ERR_OK)
		return fault_set(fault, err, "no memory for the facts of the log");
	TRY(take_steps(replay, index, &entry, fault));
	err = chronicle_add(&replay->state.chronicle, &entry.leaf, entry.decoded->time_ms);
	if (err != ERR_OK)
		return fault_set(fault, err, "no memory for the facts of the log");
	replay->last_ms = entry.decoded->time_ms;
	arena_reset(&replay->entries);
	progress_show(&replay->progress, index);
	return ERR_OK;
}

static void replay_fini(struct replay *replay)
{
	progress_end(&replay->progress);
	state_fini(&replay->state);
	arena_fini(&replay->entries);
	arena_fini(&replay->facts);
}

static enum err walk(struct replay *replay, const struct mirror *mirror, const struct public_key *controller,
		     struct findings *findings, struct fault *fault)
{
	arena_init(&replay->facts, FACTS_MAX);
	arena_init(&replay->entries, REQUEST_ARENA_MAX);
	findings->size = mirror->checkpoint.size;
	state_init(&replay->state, mirror, controller, findings, &replay->facts);
	progress_begin(&replay->progress, "entries", mirror->checkpoint.size);
	return mirror_each(mirror, take_entry, replay, fault);
}

enum err replay_each(const struct mirror *mirror, const struct public_key *controller, struct findings *findings,
		     replay_step_fn *take, void *context, struct fault *fault)
{
	struct replay replay CLEANUP(replay_fini) = {.take = take, .context = context};

	return walk(&replay, mirror, controller, findings, fault);
}

/* ---- checking ---- */

static enum err check_step(void *context, const struct state *state, const struct step *step, struct fault *fault)
{
	struct replay_counts *counts = context;
	uint32_t code = step->entry->decoded->code;

	(void)fault;
	counts->entries += step->number == 0;
	counts->operations += step->operation != NULL;
	if (step->operation == NULL) {
		counts->refused++;
		/* that it really was a reuse, or a wrong acknowledgement, principals_take has seen to */
		if (code != ERR_REUSED && code != ERR_ACKNOWLEDGEMENT)
			finding_add_entry(state->findings, step->index,
					  "refused whole (%s), which takes no entry (R36, R37)",
					  error_name((enum err)code));
		return ERR_OK;
	}
	counts->refused += step->result->code != ERR_OK;
	for (size_t i = 0; i < step->result->n_disclosures; i++)
		counts->disclosures += step->result->disclosures[i]->has_commitment != 0;
	recompute(state, step);
	return ERR_OK;
}

enum err replay_check(const struct mirror *mirror, const struct public_key *controller, struct findings *findings,
		      void (*tell)(const char *line), struct replay_counts *ret_counts, struct fault *fault)
{
	struct replay_counts counts = {0};
	struct replay replay CLEANUP(replay_fini) = {.take = check_step, .context = &counts};

	TRY(walk(&replay, mirror, controller, findings, fault));
	erasure_count(&replay.state, replay.last_ms, tell, &counts.erasures);
	*ret_counts = counts;
	return ERR_OK;
}
