/*
 * What commands do about the copy's lease without a daemon: ask for it, destroy what is over, certify it.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_AGENT_LEASE_H
#define KLUIS_AGENT_LEASE_H

#include "home.h"

/* Asks the broker for a lease of a purpose and keeps it. *ret_verdict: why it refused, with its clause. */
struct lease_outcome {
	enum err verdict;
	char clause[CLAUSE_MAX + 1];
};
enum err lease_ask(struct agent *agent, const char *purpose, struct lease_outcome *ret_outcome,
		   struct fault *fault) MUST_USE;
/* The broker will not have the store hold a copy (R80 to R83): it is destroyed. */
bool lease_refusal_ends_copy(enum err verdict);
enum err lease_destroy(struct agent *agent, const char *purpose, enum err reason, struct fault *fault) MUST_USE;
/* Destroys every copy whose lease is over or that the agreement does not grant, says so. */
enum err lease_sweep(struct agent *agent, struct fault *fault) MUST_USE;
/* Sends the certificates of what was destroyed. */
enum err lease_certify(struct agent *agent, struct fault *fault) MUST_USE;
/* ERR_OK: the copy for a purpose may be read now. Else with advice. */
enum err lease_is_open(struct agent *agent, const char *purpose, struct fault *fault) MUST_USE;

/* The estimate of the broker's clock, and that an entry was received; both keep it for the next run. */
enum err lease_now_ms(struct agent *agent, uint64_t *ret_now_ms) MUST_USE;
enum err lease_contact(struct agent *agent, uint64_t entry_ms) MUST_USE;

#endif
