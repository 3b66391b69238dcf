/*
 * The proof that one of the store's entries is in the log.
 *
 * Threads: the agent's.
 */
#ifndef KLUIS_AGENT_OFFICE_PROVE_H
#define KLUIS_AGENT_OFFICE_PROVE_H

#include "home.h"

/* Asks for it on the agent's session (LANE_ADMIN) and checks it, if the entry is the last one of that lane. A
 * tlog-proof, in the arena. */
enum err office_prove(struct agent *agent, uint64_t index, struct arena *arena, struct slice *ret_proof,
		      struct fault *fault) MUST_USE;

#endif
