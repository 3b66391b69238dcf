/*
 * The store as a witness (FORMAT.md R144, C2SP tlog-cosignature): cosigns only what is consistent with what it cosigned
 * before, remembers that durably before the cosignature leaves, and raises an alarm with both notes kept as
 * evidence when the broker shows another history. Tills are served on.
 *
 * Threads: the keeper's.
 */
#ifndef KLUIS_AGENT_COSIGNER_H
#define KLUIS_AGENT_COSIGNER_H

#include "kluis/session.h"
#include "shop.h"

struct cosigner_options {
	struct shop *shop;
	struct exchange exchange;
	const struct secret_key *witness; /* <origin>/witness/store/<n> */
	const struct public_key *logs;	  /* the log's keys in force */
	size_t log_count;
	/* Keeps the two notes for a person; name: "<size>-<time>". May be NULL. */
	enum err (*keep_evidence)(void *context, const char *name, struct slice older, struct slice newer);
	void *context;
};
/* Asks for the round and cosigns it if it is a newer one. ERR_OK: done, or nothing new. ERR_INCONSISTENT: alarmed,
 * nothing was cosigned; ERR_SIGNATURE, ERR_PROOF, ERR_NETWORK ... Also sets shop->seen_size and seen_root to what was
 * verified. */
enum err cosigner_step(const struct cosigner_options *options, struct fault *fault) MUST_USE;
/* At the start: what was verified last, for shop->seen_size and seen_root. */
enum err cosigner_load_seen(struct shop *shop) MUST_USE;

#endif
