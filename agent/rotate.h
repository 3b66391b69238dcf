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
 * Threads: one in the folder; no session of its lanes may be open.
 */
#ifndef KLUIS_AGENT_ROTATE_H
#define KLUIS_AGENT_ROTATE_H

#include "home.h"

/* Makes a new key, or goes on with one that was made, and gives it in ret_key when it is in force. exchange: to the
 * broker. ERR_NETWORK, ERR_TIMEOUT: nothing is known, try again; ERR_PRINCIPAL: the broker takes neither key (revoked).
 */
enum err rotate_key(const char *folder, struct exchange exchange, uint64_t time_ms, struct public_key *ret_key,
		    struct fault *fault) MUST_USE;

/* Whether a rotation was begun and it is not known how it ended: then only rotate_key knows which key to use. */
bool rotate_is_open(const char *folder);
/* Does what is left to do here of a rotation that the broker has accepted; needs no broker. Call it before store.key is
 * read. */
enum err rotate_finish(const char *folder, struct fault *fault) MUST_USE;

/* The keys that the store had before, the oldest first, in the arena: an agreement may be signed by one of them. */
enum err rotate_retired(const char *folder, struct arena *arena, struct public_key **ret_keys, size_t *ret_count,
			struct fault *fault) MUST_USE;

#endif
