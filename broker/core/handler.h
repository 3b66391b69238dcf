/*
 * One operation on its way through the core. core.c opens the envelope and walks
 * its operations; each kind has a handler in handle_<kind>.c, named in the
 * table in dispatch.c. A handler fills in its result and collects effects; it
 * answers the input's faults by refuse() and returns an error only when the
 * world failed.
 */
#ifndef KLUIS_HANDLER_H
#define KLUIS_HANDLER_H

#include "core/core.h"
#include "core/view.h"
#include "kluis/agreement.h"
#include "kluis/decide.h"
#include "kluis/entry.h"
#include "kluis/operation.h"
#include "rows.pb-c.h"

struct core;
struct papers;
struct vault;

/* A list in an arena that grows. */
struct part_list {
	Kluis__Part **items;
	size_t count, capacity;
	size_t bytes; /* of a reply */
};
struct data_list {
	ProtobufCBinaryData *items;
	size_t count, capacity;
	size_t bytes;
};

struct context {
	/* the same for the whole request */
	struct core *core;
	const struct vault *vault;
	struct papers *papers;
	const struct core_keys *keys;
	struct view *view;
	struct arena *arena;
	const struct envelope *envelope;
	uint64_t time_ms;
	const struct charter *charter;		 /* in force; NULL before the first entry */
	const Rows__Store *store;		 /* of a store principal, NULL else or if not opened */
	const struct agreement *agreement;	 /* its current one, NULL if none */
	const struct charter *agreement_charter; /* that agreement's own charter */
	enum agreement_state agreement_state;
	const Rows__Employee *employee; /* named and on the roster, else NULL */
	struct part_list parts;		/* of the reply */
	uint32_t findings;		/* bits that copies_add_finding put down, for the broker's log */
	bool is_again;			/* it has its entry (R34): only the data that it answers with counts */
	bool waits;			/* it has nothing new to say and may wait for news */
	struct core_wait wait;

	/* this operation's */
	const Kluis__Operation *operation;
	const struct operation_row *row;
	const Kluis__Part *part; /* opens its commitment, NULL if it has none */
	struct slice paper;	 /* its paper, empty if it has none */
	Kluis__Result *result;
	struct data_list data; /* items of its Data */
};

typedef enum err handler_fn(struct context *context);

/* Sets the result's code and clause (NULL: none; copied) and drops disclosures; returns ERR_OK so that a handler
 * ends with `return refuse(context, ERR_X, NULL)`. Effects of this operation must not have been put before it:
 * check first, then change. */
enum err refuse(struct context *context, enum err code, const char *clause);
enum err permit(struct context *context, const char *clause); /* clause only */

/* Appends to lists; ERR_MEMORY, ERR_TOO_LARGE when a reply would be over its bound. */
enum err context_add_part(struct context *context, Kluis__Part *part) MUST_USE;
enum err context_add_item(struct context *context, struct slice item) MUST_USE;
enum err context_add_message(struct context *context, const ProtobufCMessage *item) MUST_USE;

/* Reads a row and decodes it into the arena; ERR_NOT_FOUND, ERR_CORRUPT. put_row encodes and puts. */
enum err row_get(struct context *context, enum table table, struct slice key, const ProtobufCMessageDescriptor *type,
		 ProtobufCMessage **ret_row) MUST_USE;
enum err row_put(struct context *context, enum table table, struct slice key, const ProtobufCMessage *row) MUST_USE;
/* Store numbers as keys. */
struct slice store_key(uint32_t store, uint8_t place[static 4]);
enum err store_row_get(struct context *context, uint32_t store, Rows__Store **ret_row) MUST_USE;

/* Whether the paper under a hash is a version of the trust, which everybody may see (FORMAT.md R141). */
enum err trust_is_version(struct context *context, struct slice hash, bool *ret_is_version) MUST_USE;

/* Handlers of head office, papers and the log: handle_<name>.c in core/. */
handler_fn handle_charter, handle_open_store, handle_invite, handle_join, handle_draft, handle_offer, handle_accept,
	handle_standing, handle_staff, handle_agreements, handle_get_paper, handle_prove, handle_progress,
	handle_census, handle_get_checkpoint, handle_read_log, handle_local_access, handle_purge, handle_holdings,
	handle_findings, handle_incident, handle_subject_request, handle_notices, handle_watch, handle_roster,
	handle_witness, handle_get_round, handle_cosign, handle_get_cosigned;
/* Handlers of personal data: in vault/. */
handler_fn handle_lookup, handle_sync, handle_receipt, handle_registration, handle_update, handle_consent,
	handle_restriction, handle_totals, handle_lease, handle_erase, handle_erasures;

/* Handlers of keys: handle_key.c, handle_trust.c; vault/handle_master_key.c. */
handler_fn handle_rotate_key, handle_revoke, handle_trust, handle_master_key, handle_rewrap;

#endif
