/*
 * The checkpoint that witnesses have cosigned, beside a mirror (FORMAT.md R145): kept when the log is mirrored, and
 * held against the mirror's tree and an auditor's policy when it is verified.
 *
 * Threads: one.
 */
#ifndef AUDIT_COSIGNED_H
#define AUDIT_COSIGNED_H

#include "chain.h"
#include "finding.h"
#include "policy.h"

#define COSIGNED_NAME "checkpoint.cosigned"

/* Puts the broker's cosigned note into the mirror, if it is not beyond the mirror's size (*ret_is_kept says so).
 * ERR_SIGNATURE, ERR_PAPER: it is no checkpoint of this log. ERR_INCONSISTENT: its root is not the mirror's at that
 * size; it is then in evidence/. */
enum err cosigned_keep(const char *folder, const struct chain *chain, struct slice note, bool *ret_is_kept,
		       struct fault *fault) MUST_USE;

struct cosigned_summary {
	bool is_there;	/* the file */
	uint64_t size;	/* of its checkpoint, or of the mirror's own where there is none */
	bool is_judged; /* against a policy, in outcome */
	struct policy_outcome outcome;
};

/* The signed note's own truth: by the log, no larger than the mirror, with its root; and whether the policy (NULL:
 * none) is met. What does not hold is a finding. ERR_MEMORY, ERR_IO. */
enum err cosigned_check(const struct mirror *mirror, const struct chain *chain, const struct policy *policy,
			struct findings *findings, struct cosigned_summary *ret_summary, struct fault *fault) MUST_USE;

/* "university, two of three": the witnesses that have signed by name, in the policy's order, parted by commas. */
enum err cosigned_names(const struct policy *policy, const struct policy_outcome *outcome, bool is_signed,
			struct bytes *ret_names) MUST_USE;

#endif
