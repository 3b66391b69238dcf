/*
 * Which keys a broker has now: the paper by which head office ties new keys of the log and new certificates to the old
 * ones (FORMAT.md R141). An invitation is version 0; each version names the one before by its hash, so that whoever
 * was away for several finds its way from the one that it trusts.
 *
 * Threads: pure.
 */
#ifndef KLUIS_TRUST_H
#define KLUIS_TRUST_H

#include "kluis/note.h"

#define TRUST_LOGS_MAX 4 /* keys of the log at a time: two in a rotation, and room for a mistake */

struct trust {
	const char *origin;
	uint32_t version;	   /* from 1 */
	uint8_t before[HASH_SIZE]; /* of the version before; zeros in version 1 */
	size_t log_count;
	struct public_key logs[TRUST_LOGS_MAX];
	const char *certificates_pem; /* one or more, each line with its newline; the broker shows one of them */
	uint8_t hash[HASH_SIZE];      /* SHA-256 of the text (R13) */
	const struct note *note;      /* that it was opened from, NULL if it was parsed from a text alone */
};

/* Reads and validates a text. All it points to lives in the arena; name is for faults. ERR_INPUT, ERR_PAPER. */
enum err trust_parse(struct slice text, const char *name, struct arena *arena, struct trust *ret_trust,
		     struct fault *fault) MUST_USE;
/* Opens a note: ERR_SIGNATURE unless controller, whose name must be "<origin>/controller", signed it. note must live as
 * long as the arena. */
enum err trust_open(struct slice note, const struct public_key *controller, const char *name, struct arena *arena,
		    struct trust *ret_trust, struct fault *fault) MUST_USE;
/* Appends the text. Only what trust_parse takes: ERR_INPUT else, with nothing appended. */
enum err trust_print(const struct trust *trust, struct bytes *ret_text, struct fault *fault) MUST_USE;

/* May next, opened from a note, come after before (NULL: after an invitation)? Same origin, the next version, naming
 * the one before; its signature lines are head office's, after a version one by a log that it names, and one by each
 * log that was not named before, in the note's order. ERR_PAPER, ERR_SIGNATURE, with a fault. */
enum err trust_may_follow(const struct trust *before, const struct trust *next, struct fault *fault) MUST_USE;

/* Whether it names that key of the log; whether that key signed its note. */
bool trust_has_log(const struct trust *trust, const struct public_key *log);
bool trust_is_signed_by(const struct trust *trust, const struct public_key *log);

#endif
