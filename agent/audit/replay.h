/*
 * Walks a mirror's entries with the facts that they tell, one operation at a time: to list what happened, and
 * to decide everything again.
 *
 * Threads: one.
 */
#ifndef AUDIT_REPLAY_H
#define AUDIT_REPLAY_H

#include "erasure.h"

/* Takes a step before its effects are applied. A request that was refused whole comes as one step with
 * operation, result and row NULL. */
typedef enum err replay_step_fn(void *context, const struct state *state, const struct step *step, struct fault *fault);

/* Calls take for each operation of each entry. ERR_CORRUPT for a mirror that cannot be read: verify says where. */
enum err replay_each(const struct mirror *mirror, const struct public_key *controller, struct findings *findings,
		     replay_step_fn *take, void *context, struct fault *fault) MUST_USE;

struct replay_counts {
	uint64_t entries, operations, disclosures, refused;
	struct erasure_counts erasures;
};
/* Decides everything again; each difference is a finding. tell, if it is not NULL, takes a line for each certificate of
 * an erasure that is owed at the end of the log: that is no difference. */
enum err replay_check(const struct mirror *mirror, const struct public_key *controller, struct findings *findings,
		      void (*tell)(const char *line), struct replay_counts *ret_counts, struct fault *fault) MUST_USE;

#endif
