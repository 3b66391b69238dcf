#include "recompute.h"

static const struct {
	Kluis__Operation__KindCase kind;
	recompute_fn *recompute;
} rows[] = {
	{KLUIS__OPERATION__KIND_LOOKUP, recompute_lookup},
	{KLUIS__OPERATION__KIND_SYNC, recompute_sync},
	{KLUIS__OPERATION__KIND_RECEIPT, recompute_receipt},
	{KLUIS__OPERATION__KIND_REGISTRATION, recompute_registration},
	{KLUIS__OPERATION__KIND_UPDATE, recompute_update},
	{KLUIS__OPERATION__KIND_CONSENT, recompute_consent},
	{KLUIS__OPERATION__KIND_RESTRICTION, recompute_restriction},
	{KLUIS__OPERATION__KIND_CHARTER, recompute_charter},
	{KLUIS__OPERATION__KIND_OPEN_STORE, recompute_open_store},
	{KLUIS__OPERATION__KIND_INVITE, recompute_invite},
	{KLUIS__OPERATION__KIND_JOIN, recompute_join},
	{KLUIS__OPERATION__KIND_DRAFT, recompute_draft},
	{KLUIS__OPERATION__KIND_OFFER, recompute_offer},
	{KLUIS__OPERATION__KIND_ACCEPT, recompute_accept},
	{KLUIS__OPERATION__KIND_STANDING, recompute_standing},
	{KLUIS__OPERATION__KIND_STAFF, recompute_staff},
	{KLUIS__OPERATION__KIND_AGREEMENTS, recompute_agreements},
	{KLUIS__OPERATION__KIND_GET_PAPER, recompute_get_paper},
	{KLUIS__OPERATION__KIND_PROVE, recompute_prove},
	{KLUIS__OPERATION__KIND_PROGRESS, recompute_progress},
	{KLUIS__OPERATION__KIND_TOTALS, recompute_totals},
	{KLUIS__OPERATION__KIND_CENSUS, recompute_census},
	{KLUIS__OPERATION__KIND_GET_CHECKPOINT, recompute_get_checkpoint},
	{KLUIS__OPERATION__KIND_READ_LOG, recompute_read_log},
	{KLUIS__OPERATION__KIND_LOCAL_ACCESS, recompute_local_access},
	{KLUIS__OPERATION__KIND_LEASE, recompute_lease},
	{KLUIS__OPERATION__KIND_PURGE, recompute_purge},
	{KLUIS__OPERATION__KIND_ROTATE_KEY, recompute_rotate_key},
	{KLUIS__OPERATION__KIND_REVOKE, recompute_revoke},
	{KLUIS__OPERATION__KIND_TRUST, recompute_trust},
	{KLUIS__OPERATION__KIND_MASTER_KEY, recompute_master_key},
	{KLUIS__OPERATION__KIND_REWRAP, recompute_rewrap},
	{KLUIS__OPERATION__KIND_INCIDENT, recompute_incident},
	{KLUIS__OPERATION__KIND_SUBJECT_REQUEST, recompute_subject_request},
	{KLUIS__OPERATION__KIND_HOLDINGS, recompute_list},
	{KLUIS__OPERATION__KIND_NOTICES, recompute_list},
	{KLUIS__OPERATION__KIND_FINDINGS, recompute_list},
	{KLUIS__OPERATION__KIND_ERASE, recompute_erase},
	{KLUIS__OPERATION__KIND_ERASURES, recompute_list},
	{KLUIS__OPERATION__KIND_WITNESS, recompute_witness},
	{KLUIS__OPERATION__KIND_ROSTER, recompute_roster},
	{KLUIS__OPERATION__KIND_GET_COSIGNED, recompute_get_cosigned},
};

/* What no operation but lookup and sync does: hand out personal data. */
static void check_no_disclosure(const struct state *state, const struct step *step)
{
	bool may_disclose = step->operation->kind_case == KLUIS__OPERATION__KIND_LOOKUP ||
			    step->operation->kind_case == KLUIS__OPERATION__KIND_SYNC;

	if (!may_disclose && step->result->n_disclosures > 0)
		finding_add_step(state->findings, step, "discloses %zu customers, which this operation never does",
				 step->result->n_disclosures);
}

void recompute(const struct state *state, const struct step *step)
{
	unsigned principal = 1u << step->entry->principal.kind;

	check_no_disclosure(state, step);
	if (step->row != NULL && step->row->is_unlogged) {
		finding_add_step(state->findings, step, "is of a kind that leaves no entry (R120)");
		return;
	}
	if (step->row == NULL || (step->row->may & principal) == 0) {
		expect_code(state, step, ERR_FORBIDDEN, NULL);
		return;
	}
	if (state->charter == NULL && step->operation->kind_case != KLUIS__OPERATION__KIND_CHARTER) {
		expect_code(state, step, ERR_STATE, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].kind == step->operation->kind_case)
			rows[i].recompute(state, step);
}
