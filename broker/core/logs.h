/*
 * Which keys of the log sign checkpoints: those that the trust note in force names (FORMAT.md R141), as far as the
 * broker has them; without a note the one of the invitations.
 *
 * Threads: one, the writer's.
 */
#ifndef KLUIS_LOGS_H
#define KLUIS_LOGS_H

#include "core/core.h"
#include "kluis/trust.h"

#define LOGS_META_TRUST "trust" /* hash of the note in force */

struct logs {
	const struct secret_key *keys[TRUST_LOGS_MAX];
	size_t count;
	uint8_t trust[HASH_SIZE]; /* that they are of; zeros: none */
};

/* Looks whether they are still those of the trust in force on txn, and finds the new ones if not. ERR_NOT_FOUND with a
 * fault when the broker has none of them; logs is then unchanged. */
enum err logs_refresh(struct store_txn *txn, const struct core_keys *keys, struct logs *logs,
		      struct fault *fault) MUST_USE;
/* The secret keys of a trust note that the broker has; how many. */
size_t logs_find(const struct core_keys *keys, const struct trust *trust,
		 const struct secret_key *ret_keys[static TRUST_LOGS_MAX]);
/* A stored checkpoint must be by one of the logs, or by one of a version before: it may be the last one from before the
 * note. ERR_CORRUPT. */
enum err logs_check(struct store_txn *txn, const struct core_keys *keys, const struct logs *logs,
		    struct slice note) MUST_USE;

/* A stored paper as a trust note of the controller, in the arena. ERR_CORRUPT. */
enum err logs_trust(const struct core_keys *keys, struct slice stored, struct arena *arena,
		    struct trust *ret_trust) MUST_USE;

#endif
