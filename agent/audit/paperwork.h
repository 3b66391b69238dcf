/*
 * The papers beside a log (FORMAT.md R13, R28): which ones its entries name, and which signatures they must carry.
 * Every signature line of a paper in a mirror is one that an entry names, so nothing in it can be changed unseen.
 *
 * Threads: one.
 */
#ifndef AUDIT_PAPERWORK_H
#define AUDIT_PAPERWORK_H

#include "finding.h"
#include "kluis/map.h"
#include "mirror.h"
#include "principals.h"

struct paper_signature {
	struct public_key key;
	uint8_t signature[SIGNATURE_SIZE];
	uint64_t index; /* of the entry that brought it */
	struct paper_signature *next;
};

struct paper_fact {
	struct slice hash;
	uint64_t index; /* entry that named it first */
	bool is_charter, is_trust;
	struct paper_signature *signatures; /* the last one first */
};

struct paperwork {
	struct map by_hash;
	struct arena *arena;
};

void paperwork_init(struct paperwork *papers, struct arena *arena);
void paperwork_fini(struct paperwork *papers);

/* Notes the papers and signatures of an entry, after principals_take. ERR_MEMORY. */
enum err paperwork_take(struct paperwork *papers, const struct principals *principals, uint64_t index,
			const struct entry *entry) MUST_USE;

/* Calls named for every hash that an entry names (32 bytes). Needs no facts: for who mirrors. */
typedef enum err paper_named_fn(void *context, struct slice hash, struct fault *fault);
enum err paperwork_named(const struct entry *entry, paper_named_fn *named, void *context, struct fault *fault) MUST_USE;

/* The signed text of a paper as it stands under its hash: a bare text or a note. ERR_PAPER if its hash is another. */
enum err paperwork_split(struct slice paper, struct slice hash, struct slice *ret_text, struct fault *fault) MUST_USE;

/* What is to stand in the mirror for a paper as the broker gave it: its text, with only those signature lines that
 * the log names up to now. ERR_PAPER if the text's hash is another. */
enum err paperwork_trim(const struct paper_fact *paper, struct slice given, const struct public_key *controller,
			struct bytes *ret_paper, struct fault *fault) MUST_USE;

/* Checks each paper's file in the mirror; what does not hold is a finding. ERR_MEMORY. */
enum err paperwork_check(const struct paperwork *papers, const struct mirror *mirror,
			 const struct public_key *controller, struct findings *findings) MUST_USE;

#endif
