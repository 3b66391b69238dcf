#include "kluis/operation.h"

#include "operation_check.h"

/* ---- the table ---- */

#define KIND(name) KLUIS__OPERATION__KIND_##name
#define STORE MAY_STORE
#define CONTROLLER MAY_CONTROLLER
#define AUDITOR MAY_AUDITOR
#define ALL (MAY_STORE | MAY_CONTROLLER | MAY_AUDITOR)

/* What tills and imports send most stands first: operation_row walks from the top. */
static const struct operation_row rows[] = {
	{KIND(LOOKUP), "lookup", STORE | CONTROLLER, OPERATION_LOOKUP, .check = check_lookup,
	 .commitment = lookup_commitment},
	{KIND(RECEIPT), "receipt", STORE | CONTROLLER, OPERATION_RECEIPT, .check = check_receipt,
	 .commitment = receipt_commitment},
	{KIND(SYNC), "sync", STORE, OPERATION_SYNC, .check = check_sync},
	{KIND(REGISTRATION), "registration", STORE | CONTROLLER, OPERATION_REGISTER, .check = check_registration,
	 .commitment = registration_commitment},
	{KIND(UPDATE), "update", STORE | CONTROLLER, OPERATION_UPDATE, .check = check_update,
	 .commitment = update_commitment},
	{KIND(CONSENT), "consent", STORE | CONTROLLER, OPERATION_CONSENT, .check = check_consent},
	{KIND(STAFF), "staff", STORE | CONTROLLER, -1, .check = check_staff, .commitment = staff_commitment},
	{KIND(JOIN), "join", STORE | AUDITOR, -1, .is_first_contact = true, .check = check_join,
	 .commitment = join_commitment},
	{KIND(ACCEPT), "accept", STORE, -1, .check = check_accept},
	{KIND(AGREEMENTS), "agreements", ALL, -1, .answers_data = true, .check = check_agreements},
	{KIND(GET_PAPER), "get_paper", ALL, -1, .answers_data = true, .check = check_get_paper},
	{KIND(PROVE), "prove", ALL, -1, .answers_data = true, .check = check_prove},
	{KIND(CHARTER), "charter", CONTROLLER, -1, .takes_paper = true, .check = check_charter},
	{KIND(OPEN_STORE), "open_store", CONTROLLER, -1, .check = check_open_store},
	{KIND(INVITE), "invite", CONTROLLER, -1, .check = check_invite},
	{KIND(DRAFT), "draft", CONTROLLER, -1, .takes_paper = true, .check = check_draft},
	{KIND(OFFER), "offer", CONTROLLER, -1, .check = check_offer},
	{KIND(STANDING), "standing", CONTROLLER, -1, .check = check_standing},
	{KIND(RESTRICTION), "restriction", CONTROLLER, -1, .check = check_restriction},
	{KIND(PROGRESS), "progress", CONTROLLER, -1, .check = check_progress},
	{KIND(TOTALS), "totals", CONTROLLER, -1, .answers_data = true, .check = check_totals},
	{KIND(CENSUS), "census", CONTROLLER | AUDITOR, -1, .answers_data = true, .check = check_nothing},
	{KIND(GET_CHECKPOINT), "get_checkpoint", CONTROLLER | AUDITOR, -1, .answers_data = true,
	 .check = check_nothing},
	{KIND(READ_LOG), "read_log", CONTROLLER | AUDITOR, -1, .answers_data = true, .check = check_read_log},
	{KIND(GET_COSIGNED), "get_cosigned", CONTROLLER | AUDITOR, -1, .answers_data = true, .check = check_nothing},
	{KIND(LOCAL_ACCESS), "local_access", STORE, -1, .check = check_local_access},
	{KIND(LEASE), "lease", STORE, OPERATION_SYNC, .answers_data = true, .check = check_lease},
	{KIND(PURGE), "purge", STORE, -1, .check = check_purge},
	{KIND(INCIDENT), "incident", STORE, -1, .check = check_incident, .commitment = incident_commitment},
	{KIND(SUBJECT_REQUEST), "subject_request", STORE, -1, .check = check_subject_request,
	 .commitment = subject_request_commitment},
	{KIND(ROTATE_KEY), "rotate_key", STORE, -1, .check = check_rotate_key},
	{KIND(WITNESS), "witness", STORE, -1, .check = check_witness},
	{KIND(ROSTER), "roster", STORE, -1, .answers_data = true, .check = check_nothing},
	{KIND(TRUST), "trust", CONTROLLER, -1, .takes_paper = true, .check = check_trust},
	{KIND(REVOKE), "revoke", CONTROLLER, -1, .check = check_revoke},
	{KIND(MASTER_KEY), "master_key", CONTROLLER, -1, .check = check_master_key},
	{KIND(REWRAP), "rewrap", CONTROLLER, -1, .check = check_rewrap},
	{KIND(HOLDINGS), "holdings", CONTROLLER, -1, .answers_data = true, .check = check_nothing},
	{KIND(NOTICES), "notices", CONTROLLER, -1, .answers_data = true, .check = check_nothing},
	{KIND(FINDINGS), "findings", CONTROLLER, -1, .answers_data = true, .check = check_nothing},
	{KIND(ERASE), "erase", CONTROLLER, -1, .check = check_erase},
	{KIND(ERASURES), "erasures", CONTROLLER, -1, .answers_data = true, .check = check_nothing},
	{KIND(WATCH), "watch", STORE, -1, .answers_data = true, .is_unlogged = true, .check = check_watch},
	{KIND(GET_ROUND), "get_round", STORE, -1, .answers_data = true, .is_unlogged = true, .check = check_get_round},
	{KIND(COSIGN), "cosign", STORE, -1, .is_unlogged = true, .check = check_cosign},
};

const struct operation_row *operation_row(Kluis__Operation__KindCase kind)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].kind == kind)
			return &rows[i];
	return NULL;
}

const struct operation_row *operation_rows(size_t *ret_count)
{
	*ret_count = sizeof rows / sizeof rows[0];
	return rows;
}

enum err operation_check(const Kluis__Operation *operation, struct fault *fault)
{
	const struct operation_row *row = operation_row(operation->kind_case);
	enum err err = ERR_OK;

	if (row == NULL)
		return fault_set(fault, ERR_INPUT, "operation of no kind");
	if (operation->purpose != NULL)
		err = check_text(operation->purpose, 1, NAME_MAX_, "purpose", fault);
	if (err == ERR_OK)
		err = row->check(operation, fault);
	if (err != ERR_OK)
		fault_prefix(fault, row->name);
	return err;
}
