/*
 * Which value stands where changes of one field meet, and which are kept beside it (FORMAT.md R131, R132).
 *
 * Each value carries a stamp: when it was made, on how many changes of that same time, by whom. Of two the higher stamp
 * stands. A change that was made on another one (that one stood, or was kept, in the version it was made on) is stamped
 * after it, however the two clocks stood. Of each store the last change of a field counts; of those that do not stand
 * the newest SUPERSEDED_MAX of a record are kept. So the order in which changes arrive decides nothing.
 *
 * Threads: pure, but for the context's arena.
 */
#ifndef KLUIS_VAULT_MERGE_H
#define KLUIS_VAULT_MERGE_H

#include "vault/vault.h"

/* What is known of a change beside its values. */
struct change_origin {
	uint64_t made_ms;
	uint32_t store;		  /* STORE_OFFICE: head office */
	uint32_t version;	  /* of the record that the change writes */
	uint32_t basis;		  /* that it was made on; 0: none that is known */
	const Rows__Record *base; /* the record of that version; NULL: none, or it is gone */
};

/* A change that was checked and can be written without being refused any more. */
struct record_change {
	Rows__Record *record;	    /* the next version: merged values, fresh salt */
	uint64_t changed;	    /* bits of the fields whose value is another one now */
	uint64_t lost;		    /* bits of the fields whose given value does not stand */
	const Rows__Record *before; /* the latest version, NULL for a new customer */
};

/* Merges values (ascending; an empty one clears its field) into change->before; change->record has room for FIELDS_MAX
 * values. Cleared fields stay in it as empty values, with their stamps. */
enum err merge_values(struct context *context, const Kluis__Values *values, const struct change_origin *origin,
		      struct record_change *change) MUST_USE;

/* The value of a field; NULL if it has none or was cleared. */
const Rows__RecordValue *record_value(const Rows__Record *record, uint32_t field);

#endif
