/*
 * Keys that follow other keys, for a franchise (franchise.h): operations that rotate and revoke them, and a broker that
 * has several.
 */
#ifndef TEST_KEY_ACTION_H
#define TEST_KEY_ACTION_H

#include "action.h"
#include "kluis/trust.h"

#define RING_MAX 4

/* What the broker of a franchise has; ring_take makes its core ask here. */
struct ring {
	struct secret_key logs[RING_MAX];
	size_t log_count;
	uint8_t masters[RING_MAX + 1][KEY_SIZE]; /* by epoch */
	bool has_master[RING_MAX + 1];
	uint32_t oldest; /* epoch that has not ended, as far as the core has said */
};
/* With the franchise's log key and master key of epoch 1 in it. */
void ring_take(struct ring *ring, struct franchise *formula);
/* Another log key, from a seed. */
const struct secret_key *ring_add_log(struct ring *ring, uint8_t seed);
void ring_add_master(struct ring *ring, uint32_t epoch);
void ring_fini(struct ring *ring);

/* From the party's key to another; signer NULL: the new key itself signs. The party's key stays as it is. */
struct action action_rotate_key(struct franchise *formula, const struct party *party, const struct secret_key *next,
				const struct secret_key *signer);
/* The party rotates its key, to one of the seed, and signs with that from then on. */
void rotate_party(struct franchise *formula, struct party *party, uint8_t seed);
struct action action_revoke(struct franchise *formula, const char *principal);
struct action action_master_key(struct franchise *formula, uint32_t epoch, uint32_t what);
struct action action_rewrap(struct franchise *formula, uint32_t count);

/* The note of a trust version over the text that trust prints, signed by head office and these logs; in the arena. */
struct slice trust_note(struct franchise *formula, const struct trust *trust, const struct secret_key *const *logs,
			size_t log_count);
struct action action_trust(struct franchise *formula, struct slice note);
/* A version after before (NULL: the first) that names these logs, and a certificate that is none. */
struct trust trust_after(const struct trust *before, const struct secret_key *const *logs, size_t log_count);
/* Opens a note in the formula's arena; ends the program if it does not. */
struct trust trust_of(struct franchise *formula, struct slice note);

/* The same into a place of its own: a frame holds only so many of them. */
void trust_put_after(struct trust *ret_trust, const struct trust *before, const struct secret_key *const *logs,
		     size_t log_count);
void trust_put_of(struct trust *ret_trust, struct franchise *formula, struct slice note);

#endif
