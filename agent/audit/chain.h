/*
 * The log's keys over time: from the one that is believed along the trust notes, each of which a key believed until
 * then has signed, to those that sign now (FORMAT.md R141).
 *
 * Threads: one.
 */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include "kluis/trust.h"
#include "mirror.h"

struct chain {
	struct public_key given;
	const struct trust **versions; /* that were followed, ascending; in the arena */
	size_t count;
};

/* Follows the trust notes of these, which may be any and in any order. ERR_MEMORY. */
enum err chain_follow(const struct public_key *given, const struct trust *const *notes, size_t count,
		      struct arena *arena, struct chain *ret_chain) MUST_USE;
/* Follows those that lie in a mirror's folder and are the controller's. A folder without papers has none; what there
 * cannot be read is passed over: to judge it is verify's work. */
enum err chain_read(const char *folder, const struct public_key *given, const struct public_key *controller,
		    struct arena *arena, struct chain *ret_chain, struct fault *fault) MUST_USE;
/* The same from who has them: asks for the one in force and for each before it, until one that a key of the chain has
 * signed; the chain goes on there. A broker without any leaves the chain as it is. */
typedef enum err chain_ask(void *context, struct slice hash, struct bytes *ret_paper, struct fault *fault);
enum err chain_fetch(struct chain *chain, chain_ask *ask, void *context, const struct public_key *controller,
		     struct arena *arena, struct fault *fault) MUST_USE;

/* The version that was come to; NULL: none, the given key stands. */
const struct trust *chain_trust(const struct chain *chain);
/* Opens a checkpoint: by a key that signs now, or, is_older, by one of any time since the given one. Codes of
 * checkpoint_open. */
enum err chain_open(const struct chain *chain, bool is_older, struct slice note, struct checkpoint *ret_checkpoint,
		    struct fault *fault) MUST_USE;

#endif
