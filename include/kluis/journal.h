/*
 * A store's journal: what its own staff read from its copy, one record after another, each naming the hash of the one
 * before (FORMAT.md R123-R126). The agent makes the records, the broker takes and judges them, the auditor judges them
 * again by the same function.
 *
 *     1 <── 2 <── 3 <── 4 <── 5 <── 6      position: the last record that was taken (here 3)
 *                 ^     ^           ^      commitments: where the store said that its journal ends (here 4, later 6):
 *              taken   end         end     what has a higher number was made after it said so
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

/* Where the store said that its journal ended. */
struct journal_commitment {
	uint64_t number;
	struct hash hash;
	uint64_t made_ms;  /* it was said no earlier than this */
	uint64_t entry_ms; /* of the entry that brought it */
};

/* What is known of one store's journal; all zeros before its first record. */
struct journal_position {
	/* of the last record taken, and of the entry that brought it */
	uint64_t number;
	struct hash hash;
	uint64_t time_ms;
	uint64_t seen_size;
	uint64_t taken_ms;
	/* the latest made_ms of the commitments to numbers up to the last record's */
	uint64_t after_ms;
	/* commitments to higher numbers, ascending */
	struct journal_commitment waiting[JOURNAL_COMMITMENTS_MAX];
	size_t waiting_count;
	uint64_t leased_ms; /* of the entry of the last Lease; 0: none yet */
};

/* The request that says where the journal ends. Times of entries count in whole seconds (R47). */
struct journal_request {
	uint64_t entry_ms;	  /* of its own entry */
	uint64_t acknowledged_ms; /* of the entry that it acknowledges; 0: none */
	uint64_t time_ms;	  /* when it says that it was made */
	uint64_t brings;	  /* the number of the last record that it brings; 0: none */
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
/* Takes the record that an entry of that time brings: it is the last one now, unless its number is not beyond the last
 * one's. */
void journal_advance(struct journal_position *position, const Kluis__JournalRecord *record, const struct hash *hash,
		     uint64_t entry_ms);
/* Judges where the store says that its journal ends, and takes that as a commitment. end's hash has 32 bytes. */
uint32_t journal_commit(struct journal_position *position, const Kluis__JournalEnd *end,
			const struct journal_request *request);
/* R127: may a lease be given for this request? Not if it acknowledges less than the Lease before, nor while as many
 * commitments wait for their records as are kept. */
bool journal_may_lease(const struct journal_position *position, const struct journal_request *request);
/* The highest number that a record was taken of or a commitment made to. */
uint64_t journal_last(const struct journal_position *position);

#endif
