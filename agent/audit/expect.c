#include "expect.h"

#include <assert.h>
#include <string.h>

void reasons_certain(struct reasons *reasons, bool holds, enum err code)
{
	if (!holds)
		return;
	assert(reasons->count < REASONS_MAX);
	reasons->codes[reasons->count++] = code;
	if (reasons->certain == ERR_OK)
		reasons->certain = code;
}

void reasons_possible(struct reasons *reasons, const enum err *codes)
{
	for (; *codes != ERR_OK; codes++) {
		assert(reasons->count < REASONS_MAX);
		reasons->codes[reasons->count++] = *codes;
	}
}

static bool is_among(const struct reasons *reasons, uint32_t code)
{
	for (size_t i = 0; i < reasons->count; i++)
		if ((uint32_t)reasons->codes[i] == code)
			return true;
	return false;
}

static const char *name_of(uint32_t code)
{
	return code == ERR_OK ? "permitted" : error_name((enum err)code);
}

static void check_clause(const struct state *state, const struct step *step, const char *clause)
{
	const char *said = step->result->clause;

	if (clause == NULL && said != NULL)
		finding_add_step(state->findings, step, "names the clause \"%s\" where none decides", said);
	else if (clause != NULL && (said == NULL || strcmp(said, clause) != 0))
		finding_add_step(state->findings, step, "names the clause \"%s\", but by the log it is \"%s\"",
				 said == NULL ? "" : said, clause);
}

bool expect_reasons(const struct state *state, const struct step *step, const struct reasons *reasons,
		    const char *clause)
{
	uint32_t code = step->result->code;

	if (code != ERR_OK) {
		if (!is_among(reasons, code))
			finding_add_step(state->findings, step, "refused (%s), but the log gives no such reason",
					 name_of(code));
		else
			/* only what a grant lacks names it (R113) */
			check_clause(state, step, code == ERR_NOT_GRANTED_FIELD ? clause : NULL);
		return false;
	}
	if (reasons->certain != ERR_OK) {
		finding_add_step(state->findings, step, "permitted, but by the log it must be refused (%s: %s)",
				 name_of(reasons->certain), error_text(reasons->certain));
		return false;
	}
	check_clause(state, step, clause);
	return true;
}

void expect_code(const struct state *state, const struct step *step, enum err code, const char *clause)
{
	if (step->result->code != (uint32_t)code)
		finding_add_step(state->findings, step, "recorded as %s%s%s%s, but by the log it is %s%s%s%s",
				 name_of(step->result->code), step->result->clause == NULL ? "" : " (\"",
				 step->result->clause == NULL ? "" : step->result->clause,
				 step->result->clause == NULL ? "" : "\")", name_of(code), clause == NULL ? "" : " (\"",
				 clause == NULL ? "" : clause, clause == NULL ? "" : "\")");
	else
		check_clause(state, step, clause);
}

bool expect_gate(const struct state *state, const struct step *step, const struct gate *gate)
{
	if (gate->code == ERR_OK)
		return true;
	expect_code(state, step, gate->code, gate->clause[0] == '\0' ? NULL : gate->clause);
	return false;
}
