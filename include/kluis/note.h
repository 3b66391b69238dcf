/*
 * C2SP signed notes: the one kind of signed paper (FORMAT.md R10-R14).
 *
 *     text, UTF-8 without control characters, ends in newline
 *     (empty line)
 *     — name base64(id || signature)
 *
 * Threads: a note belongs to one thread; verification shares nothing.
 */
#ifndef KLUIS_NOTE_H
#define KLUIS_NOTE_H

#include "kluis/arena.h"
#include "kluis/keys.h"

struct note_signature {
	struct slice name;
	uint32_t id;
	struct slice signature; /* after the id: 64 bytes for Ed25519, 72 for a cosignature */
};

struct note {
	struct slice text; /* the signed bytes, with their final newline */
	size_t signature_count;
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/* Splits a note at its last empty line. Slices point into source, decoded
 * signatures into the arena. Verifies nothing. ERR_PAPER with a fault. */
enum err note_parse(struct slice source, struct arena *arena, struct note *ret_note, struct fault *fault) MUST_USE;

/* True if the text alone could be signed: UTF-8, no control characters but newline, ends in one, not empty. */
bool note_text_is_valid(struct slice text);

/* Ed25519 (type 1) signature of key on the note: ERR_SIGNATURE when none is
 * there or a signature with key's name and id does not verify. */
enum err note_verify(const struct note *note, const struct public_key *key) MUST_USE;

/* Timestamped cosignature (type 4) of key; ret_time_s is what it says. */
enum err note_verify_cosignature(const struct note *note, const struct public_key *key, uint64_t *ret_time_s) MUST_USE;

/* Appends text, the empty line and one signature line for each key. */
enum err note_sign(struct slice text, const struct secret_key *const *keys, size_t key_count,
		   struct bytes *ret_note) MUST_USE;
/* Appends one more signature line, with a signature made elsewhere. ret_note must hold a note that ends in newline. */
enum err note_append_signature(struct bytes *note, const struct public_key *key,
			       const uint8_t signature[static SIGNATURE_SIZE]) MUST_USE;
/* The 64-byte signature that a line would carry. */
enum err note_make_signature(struct slice text, const struct secret_key *key,
			     uint8_t ret_signature[static SIGNATURE_SIZE]) MUST_USE;
/* The payload of a cosignature (type 4) by key over a checkpoint's text: time_s || Ed25519 (FORMAT.md R14). What a
 * witness sends. ERR_PAPER for a text that cannot be signed. */
enum err note_make_cosignature(struct slice text, const struct secret_key *key, uint64_t time_s,
			       uint8_t ret_cosignature[static COSIGNATURE_SIZE]) MUST_USE;
/* ERR_SIGNATURE unless cosignature is such a payload over text by key (32 bytes); ret_time_s is what it says. */
enum err note_check_cosignature(struct slice text, const uint8_t key[static KEY_SIZE], struct slice cosignature,
				uint64_t *ret_time_s) MUST_USE;
/* Appends its line; cosigner's type is KEY_TYPE_COSIGNATURE. Does not check it. */
enum err note_append_cosigned(struct bytes *note, const struct public_key *cosigner,
			      const uint8_t cosignature[static COSIGNATURE_SIZE]) MUST_USE;
/* Appends a cosignature line (type 4) by key over checkpoint text at time_s. */
enum err note_append_cosignature(struct bytes *note, struct slice text, const struct secret_key *key,
				 uint64_t time_s) MUST_USE;

#endif
