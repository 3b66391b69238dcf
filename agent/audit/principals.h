/*
 * Who speaks in the log, with which key, and how far each of their conversations is: what the log itself has
 * introduced so far (FORMAT.md R31, R34, R35, R104).
 *
 * Threads: one.
 */
#ifndef AUDIT_PRINCIPALS_H
#define AUDIT_PRINCIPALS_H

#include "finding.h"
#include "kluis/entry.h"
#include "kluis/map.h"

/* The last entry that used up a number of a lane. */
struct lane_fact {
	uint64_t sequence; /* 0: none yet */
	struct hash request;
	uint64_t index;
	struct hash leaf;
};

struct principal_fact {
	struct slice key_name;
	bool has_key;
	struct public_key key;	   /* in force; after a revocation the one that was */
	struct public_key old_key; /* before the last rotation */
	uint64_t rotated, revoked; /* entry that did, plus 1; 0: none */
	uint64_t begun;		   /* the last join with another key than before, plus 1 */
	struct lane_fact lanes[LANE_MAX + 1];
};

struct principals {
	struct map by_name;
	struct public_key controller;
};

void principals_init(struct principals *principals, const struct public_key *controller, struct arena *arena);
void principals_fini(struct principals *principals);

/* NULL if the log has not introduced it. */
const struct principal_fact *principals_find(const struct principals *principals, struct slice name);

/* The key that must have signed the entry, as known before it; a Join brings its own. False if there is none. */
bool principals_key(const struct principals *principals, const struct entry *entry, uint8_t ret_key[static KEY_SIZE]);

/*
 * Takes the entry's sequence number and acknowledgement (and, of a Join, the new key) into account; what does
 * not fit is a finding. ERR_MEMORY.
 */
enum err principals_take(struct principals *principals, uint64_t index, const struct entry *entry,
			 struct findings *findings) MUST_USE;

/* The key that was in force when the entry was made, as seen after principals_take. NULL if there was none. */
const struct public_key *principal_key_at(const struct principal_fact *fact, uint64_t index);

/* Whether the entry is a Join that was accepted. */
bool entry_is_join(const struct entry *entry);

#endif
