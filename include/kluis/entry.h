/*
 * Log entries (FORMAT.md R46-R49): the leaf's bytes, opened strictly.
 *
 * Threads: any.
 */
#ifndef KLUIS_ENTRY_H
#define KLUIS_ENTRY_H

#include "kluis/envelope.h"
#include "kluis/merkle.h"

struct entry {
	const Kluis__Entry *decoded;
	const Kluis__Request *request; /* decoded from it */
	struct principal principal;
	struct hash leaf;
};

/* Decodes an entry and the request within: as many results as operations when its code is 0, disclosures
 * in bounds. Verifies no signature. */
enum err entry_open(struct slice bytes, struct arena *arena, struct entry *ret_entry, struct fault *fault) MUST_USE;

/* ERR_SIGNATURE unless key signed the request in the entry. */
enum err entry_verify(const struct entry *entry, const uint8_t key[static KEY_SIZE]) MUST_USE;

/* Appends the encoded entry. */
enum err entry_encode(const Kluis__Entry *entry, struct bytes *ret_bytes) MUST_USE;
/* Replaces the time in an encoded entry: it is the first field, 8 bytes little-endian at offset 1. */
void entry_set_time(uint8_t *bytes, size_t length, uint64_t time_ms);

/* Does the reply say what its entry says: request and signature as sent (ERR_MISMATCH), parts open the disclosures'
 * commitments in order? This is what an agent checks before it believes an answer. ret_parts: one for each
 * disclosure with a commitment, in order. */
enum err reply_check(const Kluis__Reply *reply, struct slice sent_request, struct slice sent_signature,
		     struct arena *arena, struct entry *ret_entry, struct fault *fault) MUST_USE;

#endif
