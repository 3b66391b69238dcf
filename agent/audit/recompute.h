/*
 * Every decision of the log made again and compared (FORMAT.md sections 8 and 9): one function a kind of
 * operation. Data operations are in recompute_data.c, head office's and papers' in recompute_office.c, those
 * of stores that run themselves in recompute_custody.c, erasures in recompute_erasure.c, what they tell in
 * recompute_notice.c, keys in recompute_keys.c.
 *
 * Threads: one.
 */
#ifndef AUDIT_RECOMPUTE_H
#define AUDIT_RECOMPUTE_H

#include "expect.h"

/* Compares one operation's result with what the state before it gives; differences are findings. */
void recompute(const struct state *state, const struct step *step);

/* One function for a kind; principal and charter have been checked. */
typedef void recompute_fn(const struct state *state, const struct step *step);

recompute_fn recompute_lookup, recompute_sync, recompute_receipt, recompute_registration, recompute_update,
	recompute_consent, recompute_restriction;
recompute_fn recompute_charter, recompute_open_store, recompute_invite, recompute_join, recompute_draft,
	recompute_offer, recompute_accept, recompute_standing, recompute_staff, recompute_agreements,
	recompute_get_paper, recompute_prove, recompute_progress, recompute_totals, recompute_census,
	recompute_get_checkpoint, recompute_read_log;
recompute_fn recompute_local_access, recompute_lease, recompute_purge, recompute_list;
recompute_fn recompute_erase, recompute_purge_customer;
recompute_fn recompute_incident, recompute_subject_request;
recompute_fn recompute_witness, recompute_roster, recompute_get_cosigned;
recompute_fn recompute_rotate_key, recompute_revoke, recompute_trust, recompute_master_key, recompute_rewrap;

#endif
