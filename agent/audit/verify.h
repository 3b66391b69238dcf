/*
 * Does a mirror hold, with nothing to believe but the log's key? Tree, entries, signatures, conversations,
 * papers, and nothing there that does not belong (FORMAT.md sections 3 to 6).
 *
 * Threads: none beside its own.
 */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "cosigned.h"
#include "finding.h"
#include "mirror.h"

/* Where the checkpoint that was verified last is kept, in the mirror's folder. */
#define VERIFIED_NAME ".verified"

struct verify_options {
	struct public_key log;
	const struct public_key *controller; /* NULL: the mirror's controller.vkey */
	const char *since; /* a checkpoint note that this log must continue; NULL: .verified, if there */
	bool skips_signatures;
	const struct policy *policy; /* that the cosigned checkpoint is held against; NULL: none */
};

struct verify_summary {
	struct checkpoint checkpoint; /* origin is empty */
	struct public_key controller;
	uint64_t first_ms, last_ms;
	uint64_t signatures; /* checked */
	uint64_t since;	     /* size of the older checkpoint, 0 if there was none */
	uint32_t trust;	     /* version of the trust that the log's keys were followed to, 0 if there was none */
	size_t principals, papers;
	struct cosigned_summary cosigned;
};

/*
 * ERR_OK: it was checked to the end; findings->count says whether it holds. If so, the checkpoint is kept as
 * .verified (a folder that cannot be written is no failure). ERR_NOT_FOUND, ERR_PAPER ...: there is no mirror to check.
 */
enum err verify_mirror(const char *folder, const struct verify_options *options, struct findings *findings,
		       struct verify_summary *ret_summary, struct fault *fault) MUST_USE;

#endif
