/*
 * Copies the log into a mirror, going on where the last run stopped, also if that was killed: a mirror is what its
 * checkpoint says, and the checkpoint is written last, once the entries give its root and the papers are there.
 *
 * Threads: one; a folder is copied into by one process at a time.
 */
#ifndef AUDIT_COPY_H
#define AUDIT_COPY_H

#include "mirror.h"

/* Where the log comes from: a broker (broker_source.h) or a test. Each answer replaces what ret_* held. */
struct copy_source {
	void *context;
	/* The latest checkpoint's note. */
	enum err (*checkpoint)(void *context, struct bytes *ret_note, struct fault *fault);
	/* Entries from index from on, at least one and none past size, as in a bundle (R55). */
	enum err (*entries)(void *context, uint64_t from, uint64_t size, struct bytes *ret_page, struct fault *fault);
	/* The paper under a hash; under zeros the trust note in force: ERR_NOT_FOUND if there is none. */
	enum err (*paper)(void *context, struct slice hash, struct bytes *ret_paper, struct fault *fault);
};

struct copy_summary {
	uint64_t before; /* entries that were there */
	uint64_t after;
	uint64_t reused; /* of them found on disk, left by a run that was interrupted */
	size_t papers;	 /* fetched */
};

/*
 * Makes or continues the mirror in folder. ERR_INCONSISTENT: the log does not continue what was mirrored; both
 * checkpoints are then in folder/evidence and the mirror is as it was. ERR_PROOF: the entries do
 * not give the signed root. ERR_CORRUPT: the mirror on disk is damaged. ERR_IN_USE: another process mirrors into it.
 */
/* log: the key that is believed; those that followed it are found by the trust notes in the mirror and, if that does
 * not do, by the source's (chain.h). */
enum err copy_log(const char *folder, const struct copy_source *source, const struct public_key *log,
		  const struct public_key *controller, struct copy_summary *ret_summary, struct fault *fault) MUST_USE;

#endif
