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
	uint64_t seed;					      /* named with each finding, on standard error */
	bool (*is_expected)(void *context, const char *text); /* a finding that does not count; or NULL */
	void *context;
	uint64_t count; /* of the others */
};
/* ERR_FINDING if there is any; else what went wrong. */
enum err auditing_run(struct auditing *auditing, struct fault *fault) MUST_USE;

#endif
