/*
 * A store's journal: what its own staff read from its copy, one record after another, each naming the hash of the one
 * before (FORMAT.md R123-R126). The agent makes the records, the broker takes and judges them, the auditor judges them
 * again by the same function.
 *
 *     1 <── 2 <── 3 <── 4        position: the last record that was taken (here 3)
 *                 ^     ^        commitment: where the store last said that its journal ends (here 4):
 *              taken   end       what has a higher number was made after it said so
 *
 * Threads: pure but for the structs of the caller.
 */
#ifndef KLUIS_JOURNAL_H
#define KLUIS_JOURNAL_H

#include "kluis/merkle.h"
#include "kluis/wire.h"

/* ---- records ---- */

/* Decodes and checks one record (R32, R123): lengths and bounds, a known code; a record of an access (code 0) has
 * customer, version, fields, grant and entry, another one at most a customer. What it points to lives in the arena and
 * in bytes. ERR_INPUT with a fault, ERR_TOO_LARGE over JOURNAL_RECORD_MAX, ERR_MEMORY. */
enum err journal_record_decode(struct slice bytes, struct arena *arena, const Kluis__JournalRecord **ret_record,
			       struct fault *fault) MUST_USE;
/* Appends the record's encoding, once it passes the same checks: what is encoded here, nobody refuses. ERR_INPUT with a
 * fault. */
enum err journal_record_encode(const Kluis__JournalRecord *record, struct bytes *ret_bytes,
			       struct fault *fault) MUST_USE;
/* R124: SHA-256("kluis/journal/v1\n" || encoded). */
void journal_record_hash(struct slice encoded, struct hash *ret_hash);

/* ---- findings ---- */

/* R126. Numbers never change their meaning. */
enum finding {
	FINDING_GAP = 1,
	FINDING_REWRITTEN = 2,
	FINDING_DISORDER = 4,
	FINDING_BACKDATED = 8,
	FINDING_FUTURE = 16,
	FINDING_LATE = 32,
	FINDING_UNKNOWN_TREE = 64,
	FINDING_TWO_PLACES = 256
};

struct finding_row {
	uint32_t bit;
	const char *name; /* "gap": for --json */
	const char *text; /* "records are missing": for people */
};
/* Every row, ascending. */
const struct finding_row *finding_rows(size_t *ret_count);
/* Appends the texts of the bits that are set, joined by "; ". An unknown bit is "finding <number>". */
enum err findings_print(uint32_t findings, struct bytes *ret_text) MUST_USE;

/* ---- judging (R125, R126) ---- */

/* What is known of one store's journal; all zeros before its first record. */
struct journal_position {
	/* of the last record taken */
	uint64_t number;
	struct hash hash;
	uint64_t time_ms;
	uint64_t seen_size;
	/* the last commitment, and the time of the entry that it came with */
	uint64_t committed_number;
	struct hash committed_hash;
	uint64_t committed_ms;
};

/* What else a record is judged by. Times of entries count in whole seconds (R47). */
struct journal_facts {
	uint64_t entry_ms;	 /* of the entry that brings the record */
	bool is_tree_known;	 /* seen_root is the root of the first seen_size entries, or both say "none yet" */
	uint64_t tree_ms;	 /* of the last one of these entries; 0 with an unknown tree or none yet */
	uint64_t lease_until_ms; /* of the record's purpose; 0: there is none */
};

/* True if the record says that no checkpoint was seen yet: size 0, root all zeros. */
bool journal_saw_nothing(const Kluis__JournalRecord *record);

/* What is odd about the next record: bits of enum finding. hash is the record's own. */
uint32_t journal_judge(const struct journal_position *position, const Kluis__JournalRecord *record,
		       const struct hash *hash, const struct journal_facts *facts);
/* Takes the record: it is the last one now, unless its number is not beyond the last one's. */
void journal_advance(struct journal_position *position, const Kluis__JournalRecord *record, const struct hash *hash);
/* Judges where the store says that its journal ends, and takes that as the commitment. end's hash has 32 bytes. */
uint32_t journal_commit(struct journal_position *position, const Kluis__JournalEnd *end, uint64_t entry_ms);

#endif
