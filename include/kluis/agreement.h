/*
 * One store's processing agreement (GDPR art. 28, annexes I-IV of (EU)
 * 2021/915) and the grants that a machine enforces: kluis-agreement(5),
 * FORMAT.md R25-R29.
 *
 * Threads: an agreement is read-only after agreement_parse and may be shared.
 */
#ifndef KLUIS_AGREEMENT_H
#define KLUIS_AGREEMENT_H

#include "kluis/charter.h"

/* The operations that a grant can name: bit 1u << value in struct grant. */
enum operation {
	OPERATION_LOOKUP,
	OPERATION_SYNC,
	OPERATION_RECEIPT,
	OPERATION_REGISTER,
	OPERATION_UPDATE,
	OPERATION_CONSENT,
	OPERATION_COUNT
};
/* "lookup" ...; NULL past the end. */
const char *operation_name(enum operation operation);
/* Whether a person must be named for it (lookup, receipt, register, update, consent) or an agent does it by itself
 * (sync). */
bool operation_needs_employee(enum operation operation);

enum scope { SCOPE_OWNED, SCOPE_VISITED, SCOPE_REGISTERED, SCOPE_ALL, SCOPE_COUNT };
const char *scope_name(enum scope scope);

#define COUNTRY_SIZE 3 /* two letters and a zero */

struct hours {
	bool is_limited;	 /* false: always */
	uint8_t weekdays;	 /* bit 0 Monday .. bit 6 Sunday */
	uint16_t from_minute;	 /* 0 to 1439 */
	uint16_t until_minute;	 /* 1 to 1440; less than from: over midnight, of the day on which it began */
	const struct zone *zone; /* the charter's; also counts the day of per-day. UTC when hours are not limited */
};

struct grant {
	const char *name;
	uint8_t purpose;     /* index in the charter */
	uint32_t operations; /* bits of enum operation */
	enum scope scope;
	uint64_t fields;
	uint8_t mask_of[FIELDS_MAX]; /* by field number - 1: 0 none, else index in the charter's masks + 1 */
	uint32_t roles;		     /* bits of the charter's roles */
	struct hours hours;
	uint32_t per_day; /* distinct customers, 0: no limit */
	uint32_t lease_s;
	size_t territory_count;
	char territory[TERRITORIES_MAX][COUNTRY_SIZE]; /* 0: anywhere */
	uint64_t from_s, until_s;		       /* of the grant itself; 0: the agreement's */
};

/* True for a code of ISO 3166-1 alpha-2. */
bool country_is_known(const char *code);

enum agreement_role { ROLE_PROCESSOR, ROLE_JOINT_CONTROLLER };

struct agreement {
	const char *origin;
	uint32_t store;
	const char *country; /* of the store ([processor] country), ISO 3166-1 alpha-2 */
	enum agreement_role role;
	uint64_t from_s, until_s; /* UTC; until is the first second out of force */
	uint8_t supersedes[HASH_SIZE];
	bool has_supersedes;
	uint8_t contract[HASH_SIZE]; /* SHA-256 of the paper contract */
	bool has_contract;
	uint8_t charter[HASH_SIZE]; /* of the charter that its names refer to */
	size_t grant_count;
	struct grant grants[GRANTS_MAX];
	uint8_t hash[HASH_SIZE]; /* SHA-256 of the text */
};

/* In the log's order of events (FORMAT.md R28). */
enum agreement_state {
	AGREEMENT_NONE,
	AGREEMENT_DRAFTED,
	AGREEMENT_OFFERED,
	AGREEMENT_ACTIVE, /* signed by both */
	AGREEMENT_SUSPENDED,
	AGREEMENT_TERMINATED,
	AGREEMENT_SUPERSEDED,
	AGREEMENT_EXPIRED /* by the clock, never an entry of its own */
};
const char *agreement_state_name(enum agreement_state state);

/* Reads and validates an agreement's text against the charter: unknown field,
 * purpose, operation, scope, mask, role or zone is ERR_PAPER with a fault that
 * names it and the line. What it points to lives in the arena; the charter
 * must live as long. */
enum err agreement_parse(struct slice text, const char *name, const struct charter *charter, struct arena *arena,
			 struct agreement *ret_agreement, struct fault *fault) MUST_USE;
/* Opens a note: ERR_SIGNATURE unless controller signed and, if store is not NULL, store too, each under the name that
 * the agreement gives it: "<origin>/controller", "<origin>/store/<n>". */
enum err agreement_open(struct slice note, const struct charter *charter, const struct public_key *controller,
			const struct public_key *store, const char *name, struct arena *arena,
			struct agreement *ret_agreement, struct fault *fault) MUST_USE;

/* Bits of the grants that name both: those whose per-day use decide will ask for. */
uint32_t agreement_grants_for(const struct agreement *agreement, enum operation operation, uint8_t purpose);

/* Template to text, appended: replaces each ${name} by value(context, name), trimmed, and by "-" if it is empty. Every
 * line ends in a newline, also the last. ERR_INPUT with a fault that names the line: NULL from value (an unknown
 * placeholder), a value with control characters or a ';' or that begins with '#' or '[' (it could hide or add
 * something), a filled line over INI_LINE_MAX. The result is not validated: agreement_parse does that. */
enum err agreement_fill(struct slice template_text, const char *name,
			const char *(*value)(void *context, const char *key), void *context, struct bytes *ret_text,
			struct fault *fault) MUST_USE;

#endif
