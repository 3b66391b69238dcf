/*
 * What the files of the desk share: sessions, and what is known of one request of an employee's while it is answered.
 */
#ifndef KLUIS_AGENT_DESK_INTERNAL_H
#define KLUIS_AGENT_DESK_INTERNAL_H

#include "desk/desk.h"
#include "kluis/decide.h"
#include "kluis/envelope.h"

/* Receipts that were taken lately, by the till's own id. */
#define DESK_RECEIPTS 4096

struct desk_session {
	bool is_open;
	uint8_t token[DESK_TOKEN_SIZE];
	uint64_t used_ms; /* of the steady clock */
	char handle[NAME_MAX_ + 1];
	char role[NAME_MAX_ + 1];
	uint8_t employee[PSEUDONYM_SIZE];
};

struct desk_taken {
	uint8_t id[PSEUDONYM_SIZE];
	uint8_t content[HASH_SIZE]; /* of day and lines */
	uint64_t number;	    /* in the outbox; 0: a free place */
};

/* Versions that the broker has shown lately. */
#define DESK_SEEN 256
struct desk_seen {
	uint8_t customer[PSEUDONYM_SIZE];
	uint32_t version; /* 0: a free place */
};

/* Of one who may be shown a customer and whose record is not on disk yet. */
#define DESK_PLACES 64
struct desk_place {
	bool is_held;
	uint32_t grant;
	int32_t day;
	uint8_t customer[PSEUDONYM_SIZE];
};

struct desk {
	struct shop *shop;
	struct desk_line line;
	_Atomic unsigned asking; /* lookups that wait for the broker */
	uint64_t idle_ms;	 /* see desk_set_idle */
	pthread_mutex_t session_lock;
	struct desk_session sessions[DESK_SESSIONS_MAX];
	pthread_mutex_t pin_lock; /* one PIN at a time: each takes 64 MiB */
	pthread_mutex_t count_lock;
	struct desk_place places[DESK_PLACES]; /* under count_lock, and of the agreement in force */
	pthread_mutex_t receipt_lock;
	struct desk_taken taken[DESK_RECEIPTS];
	size_t taken_next;
	pthread_mutex_t seen_lock;
	struct desk_seen seen[DESK_SEEN];
	size_t seen_next;
};

/* ---- locks, let go of when they go out of scope ---- */

static inline void desk_unlock(pthread_mutex_t **mutex)
{
	if (*mutex != NULL)
		pthread_mutex_unlock(*mutex);
	*mutex = NULL;
}
static inline pthread_mutex_t *desk_lock(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}
static inline void desk_shop_leave(struct shop **shop)
{
	if (*shop != NULL)
		pthread_rwlock_unlock(&(*shop)->lock);
	*shop = NULL;
}
/* The shop's lock for reading: nothing that was decided under it has ended while it is held. */
static inline struct shop *desk_shop_enter(struct desk *desk)
{
	pthread_rwlock_rdlock(&desk->shop->lock);
	return desk->shop;
}

/* ---- one request ---- */

struct desk_request {
	struct desk *desk;
	struct shop *shop;
	const char *purpose;
	struct fault *fault;
	struct desk_session actor; /* a copy, without the token */
	uint64_t now_ms;
	struct decide_input input;
	struct verdict verdict;
	struct customer_facts facts;
};

/* Who asks, by the token: the session is there, not idle for too long, and its employee is on the roster with the same
 * role; else the session ends. ERR_PRINCIPAL; ERR_IO ... if the roster cannot be read. Under the shop's lock. */
enum err desk_who(struct desk *desk, struct slice token, struct desk_session *ret_actor, struct fault *fault) MUST_USE;

/* Begins to answer an operation: who asks, then decide() without a customer. Under the shop's lock. On a failure
 * ret_request is filled in as well; its actor is not open if nobody is known to have asked. */
enum err desk_begin(struct desk *desk, struct slice token, enum operation operation, const char *purpose,
		    struct desk_request *ret_request, struct fault *fault) MUST_USE;
/* Decides anew, on the request's facts. */
enum err desk_decide_on(struct desk_request *request) MUST_USE;
/* The code with "refused: <text> [<clause>]" in the fault. */
enum err desk_refuse(struct desk_request *request, enum err code) MUST_USE;
/* Fills in the request's facts from a row's content (R130). */
void desk_facts(struct desk_request *request, const Kluis__Values *values);

/* Raises an alarm for ERR_CRYPTO and ERR_CORRUPT, which what (a row of the copy, the roster) gave: it was altered on
 * disk. Other codes are nothing. */
void desk_tell_altered(struct shop *shop, const char *what, enum err err);

/* One row of the copy, decoded into the arena. ERR_NOT_FOUND; one that does not open is alarmed. Only where
 * shop_copy_is_open says so. */
struct desk_row {
	uint32_t version;
	uint64_t fields;
	uint32_t grant;
	uint64_t entry;
	const Kluis__Values *values;
};
enum err desk_row(const struct desk_request *request, struct slice customer, struct arena *arena,
		  struct desk_row *ret_row) MUST_USE;
/* The field that customers may be looked up by, and the value's normal form. ERR_FIELD, ERR_VALUE. */
struct desk_key {
	const char *purpose;
	const char *field; /* NULL: value is a pseudonym in hex */
	const char *value;
};
enum err desk_normalise(struct desk_request *request, const struct desk_key *key,
			const struct charter_field **ret_field, struct bytes *ret_normal) MUST_USE;

/* What the agreement's grant leaves of a value, in the arena. ret_is_masked: it is not all of it. */
enum err desk_mask(const struct charter *charter, const struct grant *grant, uint32_t field, const char *value,
		   struct arena *arena, const char **ret_text, bool *ret_is_masked) MUST_USE;

/* ---- a grant's customers today ---- */

struct desk_use {
	struct desk *desk;
	pthread_mutex_t *held;
	struct desk_place *place;
};
/* Sets the request's use facts. From here to desk_use_decided others wait, if a grant has such a limit. */
enum err desk_use_begin(struct desk_request *request, const uint8_t customer[static PSEUDONYM_SIZE],
			struct desk_use *ret_use) MUST_USE;
/* After desk_decide_on: what it allowed counts from now on. */
void desk_use_decided(struct desk_use *use, const struct desk_request *request,
		      const uint8_t customer[static PSEUDONYM_SIZE]);
/* The access is recorded, or is not to be; still under the shop's lock. Of a zeroed one too. */
void desk_use_end(struct desk_use *use);

/* ---- receipts under an id of the till's own; under receipt_lock ---- */

/* Reads what waits in the outbox: at the start. */
enum err desk_taken_load(struct desk *desk) MUST_USE;
void desk_taken_fill(struct desk_taken *ret_taken, const Kluis__Receipt *receipt, const Kluis__ReceiptContent *content);
/* Does one of the id wait in the outbox? Then sets taken's number. ERR_EXISTS if it is another receipt. */
enum err desk_taken_find(struct desk *desk, struct desk_taken *taken, bool *ret_is_there, struct fault *fault) MUST_USE;
void desk_taken_add(struct desk *desk, const struct desk_taken *taken);

/* ---- the broker ---- */

/* The version of a record that it has shown; 0: none lately. */
void desk_seen_put(struct desk *desk, const uint8_t customer[static PSEUDONYM_SIZE], uint32_t version);
uint32_t desk_seen_version(struct desk *desk, const uint8_t customer[static PSEUDONYM_SIZE]);

/* Asks the broker for who is not in the copy. Not under the shop's lock. ret_is_logged: the broker's log says what came
 * of it. */
struct desk_question {
	struct slice token;
	const char *purpose;
	uint32_t field;
	const char *value; /* as typed */
	uint8_t employee[PSEUDONYM_SIZE];
	uint8_t agreement[HASH_SIZE]; /* that it was decided under here */
};
enum err desk_ask(struct desk *desk, const struct desk_question *question, struct arena *arena,
		  struct desk_member *ret_member, bool *ret_is_logged, struct fault *fault) MUST_USE;

#endif
