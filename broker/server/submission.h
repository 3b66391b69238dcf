/*
 * What travels between the log and a witness that is no store: C2SP
 * tlog-witness's add-checkpoint, as bytes. The witness is a stranger: its answer is
 * believed only as far as its key signs it.
 *
 * Threads: pure.
 */
#ifndef KLUIS_BROKER_SUBMISSION_H
#define KLUIS_BROKER_SUBMISSION_H

#include "kluis/checkpoint.h"

#define SUBMISSION_ANSWER_MAX (16 * 1024) /* bytes of an answer's body: some hundred signature lines */

/* Appends the body: "old <size>", the proof's hashes, an empty line, the checkpoint's note. */
enum err submission_print(uint64_t old_size, const struct merkle_proof *proof, struct slice note,
			  struct bytes *ret_body) MUST_USE;

/* Reads the body of a 409: the size that the witness cosigned last, in decimal, and a newline. ERR_INPUT. */
enum err submission_parse_size(struct slice body, uint64_t *ret_size) MUST_USE;

/* Reads the body of a 200: signature lines, at least one of them witness's cosignature of the note's text; lines by
 * other keys are ignored. ERR_INPUT if these are no such lines, ERR_SIGNATURE if none is by witness, one by it does not
 * verify, or it does not say when. */
enum err submission_parse_cosignature(struct slice body, struct slice note, const struct public_key *witness,
				      uint8_t ret_cosignature[static COSIGNATURE_SIZE]) MUST_USE;

#endif
