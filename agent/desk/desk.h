/*
 * What a till may ask, whatever way it comes (HTTP, command line, simulation): sessions of employees, and the
 * operations under them. Each answer from the copy is decided by decide(), recorded in the journal, and only then
 * given; each thing written is in the outbox before the till hears that it was taken.
 *
 * Threads: any; desk_* lock what they need.
 */
#ifndef KLUIS_AGENT_DESK_H
#define KLUIS_AGENT_DESK_H

#include "shop.h"

#define DESK_TOKEN_SIZE 32
#define DESK_SESSIONS_MAX 256	      /* of one store at a time; then the longest idle one ends */
#define DESK_ASKING_MAX 8	      /* lookups that wait for the broker at a time */
#define DESK_IDLE_MS (15 * 60 * 1000) /* a session ends after that without a request (desk_set_idle) */

/* How the desk asks the broker for what is not in the copy: the daemon's till line (with batching), or a simulation's.
 * NULL send: always offline. */
struct desk_line {
	void *context;
	/* One lookup for the employee: ERR_NETWORK or ERR_TIMEOUT when the broker is away, in which case nothing was
	 * disclosed to this side. The answer is as session_answer, for one operation, in the arena. */
	enum err (*lookup)(void *context, const Kluis__Operation *operation, const Kluis__Part *part,
			   struct slice employee, struct arena *arena, const Kluis__Result **ret_result,
			   const Kluis__Part **ret_part, uint64_t *ret_index, struct fault *fault);
};

struct desk;
enum err desk_new(struct shop *shop, struct desk_line line, struct desk **ret_desk) MUST_USE;
void desk_free(struct desk **desk);
/* How long a session lasts without a request, in place of DESK_IDLE_MS. Before the first session. */
void desk_set_idle(struct desk *desk, uint64_t idle_ms);

/* ---- sessions ---- */

/* Name (handle) and PIN give a token. Codes of staff_check_pin with a fault that says what to do. */
enum err desk_open(struct desk *desk, const char *handle, struct slice pin, uint8_t ret_token[static DESK_TOKEN_SIZE],
		   char ret_role[static NAME_MAX_ + 1], struct fault *fault) MUST_USE;
enum err desk_close(struct desk *desk, struct slice token) MUST_USE;
/* Whether the session is one, for calls that need nothing else: ERR_PRINCIPAL. Counts as a request of it. */
enum err desk_is_open(struct desk *desk, struct slice token, struct fault *fault) MUST_USE;
/* The roster was changed: sessions of who is gone, or has another role, end at once. */
void desk_roster_changed(struct desk *desk);

/* ---- members ---- */

enum desk_source { DESK_COPY, DESK_BROKER };

struct desk_value {
	const char *field;
	const char *value;
	bool is_masked;
};
struct desk_superseded {
	const char *field;
	const char *value;
	uint32_t store;
	uint64_t made_ms;
};
struct desk_member {
	uint8_t customer[PSEUDONYM_SIZE];
	uint32_t version;
	enum desk_source source;
	const char *clause; /* that allowed it */
	uint64_t record;    /* journal record (copy) or log entry (broker) */
	size_t value_count, superseded_count;
	struct desk_value *values;
	struct desk_superseded *superseded;
};
/* field: a lookup field's name, value as typed; or field NULL and value the pseudonym in hex. ERR_PRINCIPAL: no such
 * session. ERR_NOT_FOUND, ERR_AMBIGUOUS, the refusals of decide with their clause in the fault; ERR_NETWORK: not in the
 * copy and the broker is away; ERR_BUSY: DESK_ASKING_MAX others wait for it already. Refusals are recorded as well.
 * What ret_member points to lives in the arena. */
enum err desk_lookup(struct desk *desk, struct slice token, const char *purpose, const char *field, const char *value,
		     struct arena *arena, struct desk_member *ret_member, struct fault *fault) MUST_USE;

/* ---- what is written: into the outbox ---- */

struct desk_input {
	const char *field;
	const char *value; /* "" clears */
};
struct desk_line_item {
	const char *product;
	int64_t units, amount; /* 1/10000 */
	bool has_cost;
	int64_t cost;
};
struct desk_receipt {
	bool has_id;
	uint8_t id[PSEUDONYM_SIZE]; /* the till's own, so that it may ask twice; drawn if absent */
	const char *field, *value;  /* as desk_lookup */
	int32_t day;
	size_t line_count;
	const struct desk_line_item *lines;
};
struct desk_consent {
	const char *purpose;
	uint32_t status;
};
/* All check what can be checked here (session, grant for operation and fields, types of values, lengths) before they
 * put the item into the outbox; ret_number: its number there. A till that repeats a receipt under the same id while it
 * still waits gets the same number. */
enum err desk_receipt(struct desk *desk, struct slice token, const char *purpose, const struct desk_receipt *receipt,
		      uint64_t *ret_number, struct fault *fault) MUST_USE;
enum err desk_register(struct desk *desk, struct slice token, const char *purpose, const struct desk_input *values,
		       size_t value_count, const struct desk_consent *consents, size_t consent_count,
		       uint8_t ret_customer[static PSEUDONYM_SIZE], uint64_t *ret_number, struct fault *fault) MUST_USE;
enum err desk_update(struct desk *desk, struct slice token, const char *purpose,
		     const uint8_t customer[static PSEUDONYM_SIZE], const struct desk_input *values, size_t value_count,
		     uint64_t *ret_number, struct fault *fault) MUST_USE;
enum err desk_consent(struct desk *desk, struct slice token, const char *purpose,
		      const uint8_t customer[static PSEUDONYM_SIZE], const struct desk_consent *consent,
		      uint64_t *ret_number, struct fault *fault) MUST_USE;
/* right: an article's number, FORMAT.md SubjectRequest; customer may be NULL. */
enum err desk_subject_request(struct desk *desk, struct slice token, uint32_t right, const uint8_t *customer,
			      const char *text, uint64_t *ret_number, struct fault *fault) MUST_USE;
enum err desk_incident(struct desk *desk, struct slice token, uint32_t kind, uint64_t since_ms, const char *text,
		       uint64_t *ret_number, struct fault *fault) MUST_USE;

#endif
