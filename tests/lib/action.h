/*
 * Head office's, the papers' and the log's operations for a franchise (franchise.h), each from its plain values.
 */
#ifndef TEST_ACTION_H
#define TEST_ACTION_H

#include "franchise.h"

struct action action_charter(struct franchise *formula, struct slice hash, struct slice note);
struct action action_open_store(struct franchise *formula, uint32_t store, const char *name, const char *country);
/* code: what its hash is made of. */
struct action action_invite(struct franchise *formula, const char *principal, struct slice code, uint64_t expires_ms);
struct action action_join(struct franchise *formula, const struct public_key *key, struct slice code);
/* Named by the text's own hash. */
struct action action_draft(struct franchise *formula, uint32_t store, const char *text);
struct action action_offer(struct franchise *formula, const char *text, const struct secret_key *key);
struct action action_accept(struct franchise *formula, const char *text, const struct secret_key *key);
/* store NULL: not named; role "": removed; name NULL: no part. */
struct action action_staff(struct franchise *formula, const uint32_t *store, struct slice employee, const char *role,
			   const char *name);
struct action action_agreements(struct franchise *formula, const uint32_t *store);
struct action action_get_paper(struct franchise *formula, struct slice hash);
struct action action_prove(struct franchise *formula, uint64_t index);
/* rows NULL: asked, not set. */
struct action action_progress(struct franchise *formula, struct slice import, const uint64_t *rows, bool is_done);
struct action action_census(struct franchise *formula);
struct action action_get_checkpoint(struct franchise *formula);
struct action action_read_log(struct franchise *formula, uint64_t from, uint64_t size);

/* text: its NoticeContent's. customer empty: not known. */
struct action action_incident(struct franchise *formula, struct slice id, uint32_t kind, const char *text);
struct action action_subject_request(struct franchise *formula, struct slice id, uint32_t right, struct slice customer,
				     const char *text);
struct action action_notices(struct franchise *formula);

/* The note that the controller signs over a text, in the arena. */
struct slice action_note(struct franchise *formula, const char *text, const struct secret_key *key);
/* SHA-256 of a text, in the arena. */
struct slice action_hash(struct franchise *formula, struct slice text);

/* The j-th item of the answer's i-th Data; ends the program if there is none. */
struct slice answer_item(const struct answer *answer, size_t i, size_t j);
size_t answer_items(const struct answer *answer, size_t i);

/* A message that was prepared and is not committed yet. */
struct flight {
	struct party party; /* a copy, as it was when it sent */
	struct slice sent;
	struct prepared *prepared;
};
/* Prepares one action of the party on a lane of its own (0: the party's). */
struct flight flight_new(struct franchise *formula, const struct party *party, uint32_t lane, struct action action);
/* Commits several in this order at the formula's time; the code of core_commit. */
enum err flight_commit(struct franchise *formula, struct flight *flights, size_t count);
struct answer flight_answer(struct franchise *formula, struct flight *flight);

#endif
