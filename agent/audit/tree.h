/*
 * Is the mirror the tree that its checkpoint signs? Recomputes every tile and the root from the entries (FORMAT.md R50
 * to R58) at the speed of SHA-256, on two threads.
 *
 * Threads: none beside its own.
 */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include "finding.h"
#include "mirror.h"

struct progress;

/* Sizes at which the root is wanted on the way: an older checkpoint that must be a beginning of this log. */
struct tree_waypoint {
	uint64_t size;	  /* 0: none */
	struct hash root; /* of the first size entries, written by tree_check */
};

/*
 * Each file that is missing, cut off or altered is a finding that names it, and the entry where there is
 * one. ret_is_whole: true if nothing was found. Other results than ERR_OK: the
 * check itself could not go on. progress may be NULL.
 */
enum err tree_check(const struct mirror *mirror, struct tree_waypoint *waypoint, struct findings *findings,
		    struct progress *progress, bool *ret_is_whole, struct fault *fault) MUST_USE;

#endif
