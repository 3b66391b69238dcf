/*
 * Erasures and what stores certify of them, decided again (FORMAT.md R150, R153, R154).
 */
#include "erasure.h"
#include "recompute.h"

void recompute_erase(const struct state *state, const struct step *step)
{
	struct slice pseudonym = wire_slice(step->operation->erase->customer);
	const struct customer_fact *customer = state_customer(state, pseudonym);
	struct reasons reasons = {0};

	if (customer == NULL) {
		expect_code(state, step, ERR_NOT_FOUND, NULL);
		return;
	}
	if (!expect_reasons(state, step, &reasons, "controller"))
		return;
	if (!step->result->has_customer || !slice_equal(wire_slice(step->result->customer), pseudonym))
		finding_add_step(state->findings, step, "does not name whom it erases");
	if ((step->result->is_unchanged != 0) != (customer->erased_ms != 0))
		finding_add_step(state->findings, step, "recorded as %s, but by the log the customer was %s",
				 step->result->is_unchanged ? "unchanged" : "a change",
				 customer->erased_ms != 0 ? "erased before" : "not erased before");
}

void recompute_purge_customer(const struct state *state, const struct step *step)
{
	const char *purpose = step->operation->purpose;
	const struct customer_fact *customer = state_customer(state, wire_slice(step->operation->purge->customer));
	bool is_owed = purpose != NULL && step->store != NULL && customer != NULL && customer->erased_ms != 0 &&
		       erasure_owed(step->store, customer, purpose) != NULL;

	expect_code(state, step, is_owed ? ERR_OK : ERR_NOT_FOUND, NULL);
}
