/*
 * A round of cosigning (FORMAT.md R144): one checkpoint that all witnesses are
 * asked to cosign, so that their cosignatures come together under one note.
 *
 *     checkpoint ─▶ round ─▶ cosignatures, a row each ─▶ its time is over ─▶ note with their lines
 *
 * Rows: meta "round" (below), meta "cosigned" (the note that GetCosigned gives),
 * TABLE_COSIGNATURE. A note has at most NOTE_SIGNATURES_MAX lines: outside witnesses
 * come first, then stores by number, so that a policy can name who will be there.
 */
#ifndef KLUIS_ROUND_H
#define KLUIS_ROUND_H

#include "kluis/arena.h"
#include "kluis/checkpoint.h"
#include "kluis/store.h"

#define ROUND_KEY "round"
#define COSIGNED_KEY "cosigned"

/* meta "round": u64 began_ms, u8 is_over, u64 size, the note. */
struct round {
	uint64_t began_ms; /* the broker's clock */
	bool is_over;	   /* its note was given out with the cosignatures that had come */
	uint64_t size;
	struct slice note; /* with the log's signature */
};
/* ERR_CORRUPT. note points into row. */
enum err round_decode(struct slice row, struct round *ret_round) MUST_USE;
enum err round_encode(const struct round *round, struct bytes *ret_row) MUST_USE;
/* The bytes that are cosigned: the note's text, which points into the round's note. ERR_CORRUPT. */
enum err round_text(const struct round *round, struct arena *arena, struct slice *ret_text) MUST_USE;

/* Key and value of a cosignature's row. */
#define COSIGNATURE_KEY_MAX (1 + PRINCIPAL_MAX)
struct slice cosignature_key(const uint32_t *store, const char *outside, uint8_t place[static COSIGNATURE_KEY_MAX]);
enum err cosignature_encode(uint64_t size, const struct public_key *cosigner,
			    const uint8_t cosignature[static COSIGNATURE_SIZE], struct bytes *ret_row) MUST_USE;
#define COSIGNATURE_ROW_MAX (8 + KEY_SIZE + COSIGNATURE_SIZE + PRINCIPAL_MAX)

/* What the core keeps of rounds in memory. */
struct rounds;
enum err rounds_new(struct rounds **ret_rounds) MUST_USE;
void rounds_free(struct rounds **rounds);
/* ERR_CORRUPT. */
enum err rounds_load(struct rounds *rounds, struct store_txn *txn) MUST_USE;

#endif
