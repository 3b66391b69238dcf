/*
 * Proof of one entry (FORMAT.md R60, c2sp.org/tlog-proof): made from a mirror, checked with nothing but the log's key.
 *
 * Threads: one.
 */
#ifndef AUDIT_PROOF_H
#define AUDIT_PROOF_H

#include "mirror.h"

/* Appends the tlog-proof of the entry at index. ERR_NOT_FOUND past the mirror's end. */
enum err proof_make(const struct mirror *mirror, uint64_t index, struct bytes *ret_proof, struct fault *fault) MUST_USE;

/* Appends the entry's bytes. ERR_NOT_FOUND past the mirror's end. */
enum err proof_entry(const struct mirror *mirror, uint64_t index, struct bytes *ret_entry,
		     struct fault *fault) MUST_USE;

/* ERR_PROOF, ERR_SIGNATURE, ERR_PAPER unless entry is in the tree that log signed. */
enum err proof_check(struct slice proof, struct slice entry, const struct public_key *log, uint64_t *ret_index,
		     struct checkpoint *ret_checkpoint, struct fault *fault) MUST_USE;

/* The root of the tree's first size entries. ERR_INPUT when there are fewer, ERR_CORRUPT. */
enum err proof_root_at(const struct mirror *mirror, uint64_t size, struct hash *ret_root) MUST_USE;

#endif
