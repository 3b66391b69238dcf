/*
 * RFC 6962 / 9162 Merkle tree over SHA-256 (FORMAT.md R50-R51).
 *
 *            root(6)
 *           /       \
 *         (0..4)     \          a frontier is the roots of the complete
 *        /     \      \         subtrees from left to right, largest first:
 *     (0,2)   (2,4)  (4,6)      here (0..4) and (4,6); it is all that an
 *                               append needs.
 *
 * Threads: pure but for the structs of the caller.
 */
#ifndef KLUIS_MERKLE_H
#define KLUIS_MERKLE_H

#include "kluis/bytes.h"
#include "kluis/limits.h"

struct hash {
	uint8_t bytes[HASH_SIZE];
};

#define MERKLE_LEVELS 64
#define MERKLE_PROOF_MAX 64 /* hashes in any proof for a tree of less than 2^63 leaves */

struct frontier {
	uint64_t size;			  /* leaves */
	struct hash nodes[MERKLE_LEVELS]; /* nodes[l]: root of the complete subtree of 2^l leaves, if bit l of size is
					     set */
};

void merkle_leaf(struct slice entry, struct hash *ret_hash);
void merkle_node(const struct hash *left, const struct hash *right, struct hash *ret_hash);

/* A frontier of size 0 is all zeros. */
void frontier_append(struct frontier *frontier, const struct hash *leaf);
/* The root; SHA-256("") for size 0. */
void frontier_root(const struct frontier *frontier, struct hash *ret_root);
/* Bytes: u64 size || set nodes, largest subtree first. Strict. */
enum err frontier_encode(const struct frontier *frontier, struct bytes *ret_bytes) MUST_USE;
enum err frontier_decode(struct slice bytes, struct frontier *ret_frontier) MUST_USE;

struct merkle_proof {
	size_t count;
	struct hash hashes[MERKLE_PROOF_MAX];
};

/* Reads the root of the complete subtree of 2^level leaves that starts at leaf
 * index << level. Must be complete in the tree asked about. */
typedef enum err merkle_read_fn(void *context, unsigned level, uint64_t index, struct hash *ret_hash);

/* Proof that leaf index is in the tree of size leaves. ERR_INPUT unless index < size < 2^63; else what read returns. */
enum err merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_read_fn *read, void *context,
				struct merkle_proof *ret_proof) MUST_USE;
/* Proof that the tree of new_size continues that of old_size; empty for old_size 0. ERR_INPUT unless
 * old_size <= new_size < 2^63; else what read returns. */
enum err merkle_prove_consistency(uint64_t old_size, uint64_t new_size, merkle_read_fn *read, void *context,
				  struct merkle_proof *ret_proof) MUST_USE;
/* Root of the first size leaves. ERR_INPUT unless size < 2^63. */
enum err merkle_root_at(uint64_t size, merkle_read_fn *read, void *context, struct hash *ret_root) MUST_USE;

/* RFC 9162 2.1.3.2 and 2.1.4.2. ERR_PROOF. Everything continues the empty tree, by an empty proof. */
enum err merkle_verify_inclusion(uint64_t index, uint64_t size, const struct hash *leaf,
				 const struct merkle_proof *proof, const struct hash *root) MUST_USE;
enum err merkle_verify_consistency(uint64_t old_size, uint64_t new_size, const struct hash *old_root,
				   const struct hash *new_root, const struct merkle_proof *proof) MUST_USE;

#endif
