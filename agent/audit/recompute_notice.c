/*
 * What stores tell head office in words, decided again (FORMAT.md R133); the log does not hold the words.
 */
#include "recompute.h"

/* What may be wrong with the text. */
static const enum err text_reasons[] = {ERR_INPUT, ERR_VALUE, ERR_OK};

static void check(const struct state *state, const struct step *step, struct slice id, bool is_incident)
{
	const Kluis__Request *request = step->entry->request;
	struct reasons reasons = {0};
	bool is_employed = request->has_employee && step->store != NULL &&
			   state_employee(step->store, wire_slice(request->employee)) != NULL;
	bool is_agents_own = is_incident && !request->has_employee;

	reasons_certain(&reasons, !is_employed && !is_agents_own, ERR_NO_EMPLOYEE);
	reasons_possible(&reasons, text_reasons);
	if (!expect_reasons(state, step, &reasons, NULL))
		return;
	bool is_known = state_notice(state, step->entry->principal.store, id) != NULL;
	if ((step->result->is_unchanged != 0) != is_known)
		finding_add_step(state->findings, step, "recorded as %s, but by the log its id is %s (R133)",
				 is_known ? "new" : "unchanged", is_known ? "known already" : "new");
}

void recompute_incident(const struct state *state, const struct step *step)
{
	check(state, step, wire_slice(step->operation->incident->id), true);
}

void recompute_subject_request(const struct state *state, const struct step *step)
{
	check(state, step, wire_slice(step->operation->subject_request->id), false);
}
