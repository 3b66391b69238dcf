/*
 * Log entries (FORMAT.md R46-R49): the leaf's bytes, opened strictly.
 *
 * Threads: any; nothing is shared.
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

/* Decodes an entry and the request within: as many results as operations when its code is 0 and none else, codes
 * known, disclosures in bounds and with a commitment unless they are tombstones. Verifies no signature.
 * ERR_INPUT, ERR_TOO_LARGE, ERR_MEMORY. */
enum err entry_open(struct slice bytes, struct arena *arena, struct entry *ret_entry, struct fault *fault) MUST_USE;

/* ERR_SIGNATURE unless key signed the request in the entry. */
enum err entry_verify(const struct entry *entry, const uint8_t key[static KEY_SIZE]) MUST_USE;

/* Appends the encoded entry. ERR_TOO_LARGE over ENTRY_MAX. */
enum err entry_encode(const Kluis__Entry *entry, struct bytes *ret_bytes) MUST_USE;
/* The time in an encoded entry, without opening it. ERR_CORRUPT if it does not begin as an entry does. */
enum err entry_read_time(struct slice bytes, uint64_t *ret_time_ms) MUST_USE;
/* Replaces the time in an encoded entry of length bytes: it is the first field, 8 bytes little-endian at offset 1. */
void entry_set_time(uint8_t *bytes, size_t length, uint64_t time_ms);

/*
 * Does the reply say what its entry says? This is what an agent checks before it believes an answer: request and
 * signature are those sent; the reply's parts open the commitments of the entry's disclosures one to one, in order,
 * so that reply->personal->parts may be walked beside them; there is one Data for each operation that answers
 * with data (R44). A request refused as a whole has an entry that says so; the reply's code is then 0 or the same, with
 * neither parts nor Data. A reply whose code is not 0 while its entry's is (access has ended since, R39) must carry
 * neither parts nor Data. ERR_MISMATCH with a fault for all of these, also where there is no entry at all.
 */
enum err reply_check(const Kluis__Reply *reply, struct slice sent_request, struct slice sent_signature,
		     struct arena *arena, struct entry *ret_entry, struct fault *fault) MUST_USE;

#endif
