#include "core/request.h"

/* One row a kind of operation; who may send it stands in proto/operation.c. */
static const struct {
	Kluis__Operation__KindCase kind;
	handler_fn *handle;
} handlers[] = {
	{KLUIS__OPERATION__KIND_JOIN, handle_join},
	{KLUIS__OPERATION__KIND_LOOKUP, handle_lookup},
	{KLUIS__OPERATION__KIND_SYNC, handle_sync},
	{KLUIS__OPERATION__KIND_RECEIPT, handle_receipt},
	{KLUIS__OPERATION__KIND_REGISTRATION, handle_registration},
	{KLUIS__OPERATION__KIND_UPDATE, handle_update},
	{KLUIS__OPERATION__KIND_CONSENT, handle_consent},
	{KLUIS__OPERATION__KIND_STAFF, handle_staff},
	{KLUIS__OPERATION__KIND_ACCEPT, handle_accept},
	{KLUIS__OPERATION__KIND_AGREEMENTS, handle_agreements},
	{KLUIS__OPERATION__KIND_GET_PAPER, handle_get_paper},
	{KLUIS__OPERATION__KIND_PROVE, handle_prove},
	{KLUIS__OPERATION__KIND_CHARTER, handle_charter},
	{KLUIS__OPERATION__KIND_OPEN_STORE, handle_open_store},
	{KLUIS__OPERATION__KIND_INVITE, handle_invite},
	{KLUIS__OPERATION__KIND_DRAFT, handle_draft},
	{KLUIS__OPERATION__KIND_OFFER, handle_offer},
	{KLUIS__OPERATION__KIND_STANDING, handle_standing},
	{KLUIS__OPERATION__KIND_RESTRICTION, handle_restriction},
	{KLUIS__OPERATION__KIND_PROGRESS, handle_progress},
	{KLUIS__OPERATION__KIND_TOTALS, handle_totals},
	{KLUIS__OPERATION__KIND_CENSUS, handle_census},
	{KLUIS__OPERATION__KIND_GET_CHECKPOINT, handle_get_checkpoint},
	{KLUIS__OPERATION__KIND_READ_LOG, handle_read_log},
	{KLUIS__OPERATION__KIND_LOCAL_ACCESS, handle_local_access},
	{KLUIS__OPERATION__KIND_LEASE, handle_lease},
	{KLUIS__OPERATION__KIND_PURGE, handle_purge},
	{KLUIS__OPERATION__KIND_INCIDENT, handle_incident},
	{KLUIS__OPERATION__KIND_SUBJECT_REQUEST, handle_subject_request},
	{KLUIS__OPERATION__KIND_NOTICES, handle_notices},
	{KLUIS__OPERATION__KIND_HOLDINGS, handle_holdings},
	{KLUIS__OPERATION__KIND_FINDINGS, handle_findings},
	{KLUIS__OPERATION__KIND_ERASE, handle_erase},
	{KLUIS__OPERATION__KIND_ERASURES, handle_erasures},
	{KLUIS__OPERATION__KIND_ROTATE_KEY, handle_rotate_key},
	{KLUIS__OPERATION__KIND_REVOKE, handle_revoke},
	{KLUIS__OPERATION__KIND_TRUST, handle_trust},
	{KLUIS__OPERATION__KIND_MASTER_KEY, handle_master_key},
	{KLUIS__OPERATION__KIND_REWRAP, handle_rewrap},
	{KLUIS__OPERATION__KIND_WATCH, handle_watch},
	{KLUIS__OPERATION__KIND_ROSTER, handle_roster},
	{KLUIS__OPERATION__KIND_WITNESS, handle_witness},
	{KLUIS__OPERATION__KIND_GET_ROUND, handle_get_round},
	{KLUIS__OPERATION__KIND_COSIGN, handle_cosign},
	{KLUIS__OPERATION__KIND_GET_COSIGNED, handle_get_cosigned},
};

handler_fn *dispatch_handler(Kluis__Operation__KindCase kind)
{
	for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
		if (handlers[i].kind == kind)
			return handlers[i].handle;
	return NULL;
}
