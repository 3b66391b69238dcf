/*
 * When each value of a customer was made, and which of two changes of one field stands, as the log tells it
 * (FORMAT.md R131): the entries have fields and times, and nothing of what the values are.
 *
 * Threads: one.
 */
#ifndef AUDIT_MEETING_H
#define AUDIT_MEETING_H

#include "state.h"

/* Fields that came to stand in one version, with one stamp. */
struct change_fact {
	uint64_t fields;
	uint64_t made_ms;
	uint32_t step, store, version;
	struct change_fact *next; /* of the version before, or of other fields of the same */
};

/* Bits of the fields that an update asks to write and that lose against what stands: what Result.lost must be. */
uint64_t meeting_lost(const struct customer_fact *customer, const struct step *step);

/* Takes the version that a registration or an update wrote. ERR_MEMORY. */
enum err meeting_take(struct state *state, struct customer_fact *customer, const struct step *step) MUST_USE;

#endif
