/*
 * What an agent knows its broker by: the keys of the log and the certificates, first from the invitation, then from the
 * trust notes that follow it (FORMAT.md R141). Files of the agent's folder: trust.note, the version in force;
 * broker.crt, all the certificates that it names.
 *
 * Threads: one in the folder.
 */
#ifndef KLUIS_AGENT_ANCHOR_H
#define KLUIS_AGENT_ANCHOR_H

#include "home.h"
#include "kluis/trust.h"

/* The version that is kept here; NULL: none, the invitation stands. In the arena. ERR_CORRUPT. */
enum err anchor_read(const char *folder, const struct public_key *controller, struct arena *arena,
		     const struct trust **ret_trust, struct fault *fault) MUST_USE;

/* Asks the broker for the version with this hash (WatchRow.trust; empty: the one in force) and, where some were missed,
 * for those between, on the session's lane; verifies each and keeps the last one. ret_is_new says whether it was one
 * that was not here yet: connections made from then on must be given the new broker.crt, and checkpoints its log
 * keys (membership_read). ERR_SIGNATURE, ERR_PAPER: not a version that follows, nothing was changed; ERR_INCONSISTENT:
 * an older version than the one that is here. */
enum err anchor_update(const char *folder, const struct membership *membership, struct session *session,
		       struct slice hash, uint64_t time_ms, bool *ret_is_new, struct fault *fault) MUST_USE;

#endif
