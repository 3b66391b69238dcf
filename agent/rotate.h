/*
 * Another key for the store, without losing a word of its conversations (FORMAT.md R140). Files of the agent's folder:
 *
 *     store.key.new   made, and perhaps asked for      (nothing is known: the broker knows one of the two)
 *     store.key.next  the broker knows it               (the rest is done here, again and again until it is through)
 *     store.key       in use                            retired.vkeys   public keys that were, the oldest first
 *
 * A rotation that is cut off at any instant is gone on with by the next rotate_key, the local part of it by the next
 * rotate_finish too.
 *
 * Threads: one in the folder; open sessions of its lanes must be idle.
 */
#ifndef KLUIS_AGENT_ROTATE_H
#define KLUIS_AGENT_ROTATE_H

#include "home.h"

/* Makes a new key and has the broker take it, or goes on with a rotation that was begun. session: on LANE_ADMIN,
 * signing with *key, the one in store.key; *key becomes the new one as soon as it is known that the broker takes that,
 * also if something fails afterwards, so that all sessions that sign with *key go on with it. Not rotate_is_open after
 * a failure: nothing was begun, or all is done but for the disk. Else try again, and sign nothing meanwhile after a
 * failing world (ERR_NETWORK, ERR_TIMEOUT, ERR_BUSY ...): which key the broker takes is not known. ERR_PRINCIPAL: it
 * takes neither (revoked). ERR_STATE: a lane waits for an answer since before the last rotation; that comes first. */
enum err rotate_key(const char *folder, struct session *session, struct secret_key *key, uint64_t time_ms,
		    struct fault *fault) MUST_USE;

/* Whether a rotation was begun and is not through. */
bool rotate_is_open(const char *folder);
/* Does what is left to do here of a rotation that the broker has accepted; needs no broker. Call it before store.key is
 * read. */
enum err rotate_finish(const char *folder, struct fault *fault) MUST_USE;

/* The keys that the store had before, the oldest first, in the arena: an agreement may be signed by one of them. */
enum err rotate_retired(const char *folder, struct arena *arena, struct public_key **ret_keys, size_t *ret_count,
			struct fault *fault) MUST_USE;

#endif
