/*
 * What stores send as witnesses, and the rosters that they ask for, decided again (FORMAT.md R122, R144).
 */
#include "recompute.h"

#define WITNESS_DOMAIN "kluis/witness/v1\n"

/* Everything that decides stands in the request. */
void recompute_witness(const struct state *state, const struct step *step)
{
	const Kluis__Witness *witness = step->operation->witness;
	struct reasons reasons = {0};
	bool is_signed =
		key_verify(witness->public_key.data, WITNESS_DOMAIN, slice_text(step->entry->request->principal),
			   wire_slice(witness->signature)) == ERR_OK;

	reasons_certain(&reasons, !is_signed, ERR_SIGNATURE);
	expect_reasons(state, step, &reasons, NULL);
}

void recompute_roster(const struct state *state, const struct step *step)
{
	struct reasons reasons = {0};

	expect_reasons(state, step, &reasons, NULL);
}

/* Rounds and cosignatures leave no entry (R120): whether there was one is not for the log to say. */
void recompute_get_cosigned(const struct state *state, const struct step *step)
{
	static const enum err before_the_first[] = {ERR_NOT_FOUND, ERR_OK};
	struct reasons reasons = {0};

	reasons_possible(&reasons, before_the_first);
	expect_reasons(state, step, &reasons, NULL);
}
