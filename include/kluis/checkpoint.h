/*
 * C2SP tlog-checkpoint and tlog-proof (FORMAT.md R58, R60).
 *
 * Threads: pure.
 */
#ifndef KLUIS_CHECKPOINT_H
#define KLUIS_CHECKPOINT_H

#include "kluis/merkle.h"
#include "kluis/note.h"

struct checkpoint {
	struct slice origin; /* "<origin>/log", which is also the key's name */
	uint64_t size;
	struct hash root;
};

/* Appends the unsigned text: origin, size, base64 root. */
enum err checkpoint_print(const struct checkpoint *checkpoint, struct bytes *ret_text) MUST_USE;
/* Reads a note's text; origin points into it. Extension lines are refused. ERR_PAPER. */
enum err checkpoint_parse(struct slice text, struct checkpoint *ret_checkpoint, struct fault *fault) MUST_USE;
/* Appends the note signed by the log's key, whose name is the origin. */
enum err checkpoint_sign(uint64_t size, const struct hash *root, const struct secret_key *log,
			 struct bytes *ret_note) MUST_USE;
/* Parses and verifies a note: ERR_SIGNATURE unless log signed it, ERR_PAPER when its origin is another. */
enum err checkpoint_open(struct slice note, const struct public_key *log, struct checkpoint *ret_checkpoint,
			 struct fault *fault) MUST_USE;

/* c2sp.org/tlog-proof@v1. print: checkpoint_note is appended verbatim. */
enum err tlog_proof_print(uint64_t index, const struct merkle_proof *proof, struct slice checkpoint_note,
			  struct bytes *ret_text) MUST_USE;
/* Verifies that leaf is at the proof's index in a tree that log signed: ERR_PAPER for another form or log,
 * ERR_SIGNATURE, ERR_PROOF. The checkpoint's origin points into text. An "extra" line is ignored. */
enum err tlog_proof_verify(struct slice text, const struct hash *leaf, const struct public_key *log,
			   uint64_t *ret_index, struct checkpoint *ret_checkpoint, struct fault *fault) MUST_USE;

#endif
