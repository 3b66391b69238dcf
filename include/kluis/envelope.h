/*
 * Signed requests (FORMAT.md R30-R45): building, opening, and matching the
 * parts that carry personal data with the commitments in the signed bytes.
 *
 * Threads: any; nothing is shared.
 */
#ifndef KLUIS_ENVELOPE_H
#define KLUIS_ENVELOPE_H

#include "kluis/keys.h"
#include "kluis/wire.h"

#define REQUEST_DOMAIN "kluis/request/v1\n"

/* An opened envelope: everything decoded, nothing believed. Slices point into
 * the message or the arena. */
struct envelope {
	struct slice request;	/* exact bytes */
	struct slice signature; /* 64 */
	const Kluis__Request *decoded;
	struct principal principal;
	size_t part_count;
	Kluis__Part *const *parts; /* one for each commitment, in order; commitments checked */
	size_t paper_count;
	const struct slice *papers;
};

/* Decodes message and checks every length, name and bound, that parts and commitments match one to one (R40), and
 * that there are as many papers as operations that take one (R42). Does not verify the signature: that needs the
 * principal's key. The fault quotes nothing. ERR_INPUT, ERR_TOO_LARGE, ERR_COMMITMENT, ERR_MEMORY. */
enum err envelope_open(struct slice message, struct arena *arena, struct envelope *ret_envelope,
		       struct fault *fault) MUST_USE;

/* ERR_SIGNATURE unless key signed the request. */
enum err envelope_verify(const struct envelope *envelope, const uint8_t key[static KEY_SIZE]) MUST_USE;

/* Signs request and appends the whole envelope message. personal may be NULL. ERR_TOO_LARGE over REQUEST_MAX,
 * MESSAGE_MAX or the buffer's maximum. Checks nothing else. */
enum err envelope_sign(const Kluis__Request *request, const Kluis__Personal *personal, const struct slice *papers,
		       size_t paper_count, const struct secret_key *key, struct bytes *ret_message) MUST_USE;

/* Makes a part in the arena from an encoded content message under a random salt, and its commitment. ERR_TOO_LARGE
 * over RECORD_MAX, ERR_MEMORY. */
enum err part_make(const ProtobufCMessage *content, struct arena *arena, Kluis__Part **ret_part,
		   ProtobufCBinaryData *ret_commitment) MUST_USE;

/* ERR_COMMITMENT unless part opens commitment, ERR_TOO_LARGE if its content is over RECORD_MAX. */
enum err part_check(const Kluis__Part *part, struct slice commitment) MUST_USE;

/* The commitment that an operation carries, or an empty slice if its kind has none. */
struct slice operation_commitment(const Kluis__Operation *operation);

/* Strict decode of a request that stands in an entry, with the same checks as envelope_open. */
enum err request_decode(struct slice request, struct arena *arena, const Kluis__Request **ret_request,
			struct principal *ret_principal, struct fault *fault) MUST_USE;

#endif
