/*
 * The checks and commitments that operation.c's table names; nobody else's.
 *
 * Threads: pure.
 */
#ifndef KLUIS_OPERATION_CHECK_H
#define KLUIS_OPERATION_CHECK_H

#include "kluis/wire.h"

/* ERR_INPUT with a fault that names the field. */
typedef enum err operation_check_fn(const Kluis__Operation *operation, struct fault *fault);
operation_check_fn check_join, check_lookup, check_sync, check_receipt, check_registration, check_update, check_consent,
	check_staff, check_accept, check_agreements, check_get_paper, check_prove, check_charter, check_open_store,
	check_invite, check_draft, check_offer, check_standing, check_restriction, check_progress, check_totals,
	check_nothing, check_read_log, check_local_access, check_lease, check_purge, check_incident,
	check_subject_request, check_rotate_key, check_witness, check_trust, check_revoke, check_master_key,
	check_rewrap, check_erase, check_watch, check_get_round, check_cosign;

struct slice join_commitment(const Kluis__Operation *operation);
struct slice lookup_commitment(const Kluis__Operation *operation);
struct slice receipt_commitment(const Kluis__Operation *operation);
struct slice registration_commitment(const Kluis__Operation *operation);
struct slice update_commitment(const Kluis__Operation *operation);
struct slice staff_commitment(const Kluis__Operation *operation);
struct slice incident_commitment(const Kluis__Operation *operation);
struct slice subject_request_commitment(const Kluis__Operation *operation);

/* Of check_text's texts, for operation_check. */
enum err check_text(const char *text, size_t minimum, size_t maximum, const char *what, struct fault *fault) MUST_USE;

#endif
