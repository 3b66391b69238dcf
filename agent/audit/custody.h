/*
 * What stores hold and who reads it there, as the log tells it: where each journal stands, which copies are held and
 * leased, what was disclosed by which entry, who was on the roster when (FORMAT.md R125 to R129).
 *
 * Threads: one.
 */
#ifndef AUDIT_CUSTODY_H
#define AUDIT_CUSTODY_H

#include "kluis/journal.h"
#include "kluis/map.h"

/* A time during which a copy might be read: renewals that meet are one. */
struct lease_span {
	uint64_t from_ms, until_ms;
	struct lease_span *before;
};

/* A store's copy for a purpose. */
struct copy_fact {
	struct slice purpose;
	bool is_held;	   /* R129 */
	uint64_t since_ms; /* held, in whole seconds */
	uint64_t until_ms; /* of the lease now; 0: there is none */
	struct lease_span *leases;
};

struct delivered {
	uint8_t customer[PSEUDONYM_SIZE];
	uint32_t version;
	uint64_t fields;
};
/* What one operation of an entry disclosed to a store. */
struct delivery {
	uint32_t store;
	const char *purpose;
	size_t count;
	struct delivered *items;
	struct delivery *next; /* of the same entry */
};
struct delivery_fact {
	struct slice key; /* u64 index */
	uint64_t time_ms;
	struct delivery *deliveries;
};

/* A role that an employee had. */
struct shift {
	const char *role;
	uint64_t from_ms, until_ms; /* until 0: has it */
	struct shift *before;
};
struct shifts_fact {
	struct slice pseudonym;
	struct shift *latest;
};

struct state;
struct step;
struct store_fact;

/* Of state_apply's table. */
enum err apply_sync(struct state *state, const struct step *step) MUST_USE;
enum err apply_lease(struct state *state, const struct step *step) MUST_USE;
enum err apply_purge(struct state *state, const struct step *step) MUST_USE;
enum err apply_erase(struct state *state, const struct step *step) MUST_USE;
enum err apply_local_access(struct state *state, const struct step *step) MUST_USE;
/* Notes what the step's result disclosed to a store, if anything. */
enum err custody_deliver(struct state *state, const struct step *step) MUST_USE;
/* An employee's role from now on; NULL: removed. */
enum err custody_shift(struct state *state, const struct step *step, struct store_fact *store, struct slice employee,
		       const char *role) MUST_USE;

/* True for a store's Join with another key than before: its journal begins anew (R125). */
bool custody_begins_anew(const struct state *state, const struct step *step);

/* Finders; NULL when the log has not told of it. */
const struct copy_fact *custody_copy(const struct store_fact *store, const char *purpose);
const struct delivery_fact *custody_delivery(const struct state *state, uint64_t index);
/* The role that an employee had at a time, as far as a store that has seen the log up to seen_ms could know: it is
 * not held to a removal that it had not seen. */
const char *custody_role(const struct store_fact *store, struct slice employee, uint64_t time_ms, uint64_t seen_ms);

/* What a record of the step's journal is judged by. ret_hash: the record's own. */
void custody_facts(const struct state *state, const struct step *step, const Kluis__JournalRecord *record,
		   struct journal_facts *ret_facts);
/* The step's request as journals are judged by it; it brings no records. */
void custody_request(const struct state *state, const struct step *step, struct journal_request *ret_request);

#endif
