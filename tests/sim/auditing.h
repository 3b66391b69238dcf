/*
 * The auditor's own verification and recomputation of the log on a broker's simulated disk, as kluis-audit does it.
 */
#ifndef KLUIS_SIM_AUDITING_H
#define KLUIS_SIM_AUDITING_H

#include "kluis/keys.h"
#include "kluis/store.h"

struct auditing {
	struct store *store; /* the broker's */
	const struct public_key *log, *controller;
	uint64_t seed; /* named with each finding, on standard error */
	bool is_quiet; /* then findings are only counted */
};
/* ERR_FINDING if there is any; else what went wrong. */
enum err auditing_run(struct auditing *auditing, struct fault *fault) MUST_USE;

#endif
