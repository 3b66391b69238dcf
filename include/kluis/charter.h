/*
 * The formula's own rules, signed by the controller: kluis-charter(5),
 * FORMAT.md R20-R24.
 *
 * Threads: a charter is read-only after charter_parse and may be shared.
 */
#ifndef KLUIS_CHARTER_H
#define KLUIS_CHARTER_H

#include "kluis/arena.h"
#include "kluis/limits.h"
#include "kluis/note.h"
#include "kluis/zone.h"

enum field_type {
	FIELD_TEXT,
	FIELD_NAME,
	FIELD_CARD,
	FIELD_PHONE,
	FIELD_EMAIL,
	FIELD_DATE,
	FIELD_NUMBER,
	FIELD_CHOICE
};

struct charter_field {
	uint8_t number; /* 1 to 64, for ever; bit number-1 in a mask of fields */
	const char *name;
	const char *category; /* of personal data, for registers: "contact", "identity" ... */
	enum field_type type;
	bool is_lookup;	    /* a customer can be found by it */
	bool is_identifier; /* at most one field: unique, names the customer in imports */
	bool is_sensitive;
	uint32_t masks; /* bit i: masks[i] may be put on it */
};

enum mask_kind { MASK_HIDE, MASK_FIRST, MASK_LAST, MASK_YEAR };
struct charter_mask {
	const char *name;
	enum mask_kind kind; /* keeps nothing, the first or last n characters, the year of a date */
	uint8_t count;
};

struct charter_purpose {
	const char *name;
	const char *term;	 /* DPV: "dpv:CustomerCare" */
	const char *legal_basis; /* "A6-1-a" .. "A6-1-f" */
	bool needs_consent;	 /* legal basis A6-1-a */
	const char *text;	 /* shown to customers */
};

enum ownership_rule { OWNERSHIP_FIRST_REGISTRATION, OWNERSHIP_LATEST_TRANSACTION };

struct charter_retention {
	const char *category;
	uint32_t days;
};

struct charter_zone {
	const char *name;
	struct zone zone;
};

struct charter {
	const char *origin;
	const char *version; /* "1", "2": whole number that grows */
	uint32_t version_number;
	const char *controller_name, *controller_address, *controller_contact;
	const char *dpo_name, *dpo_contact;
	size_t field_count;
	struct charter_field fields[FIELDS_MAX]; /* by number, ascending */
	size_t purpose_count;
	struct charter_purpose purposes[PURPOSES_MAX];
	size_t mask_count;
	struct charter_mask masks[MASKS_MAX];
	size_t role_count;
	const char *roles[ROLES_MAX];
	size_t zone_count;
	struct charter_zone zones[ZONES_MAX];
	size_t retention_count;
	struct charter_retention retention[CATEGORIES_MAX];
	enum ownership_rule ownership;
	uint32_t ownership_window_days; /* 0: no window */
	uint32_t visited_window_days;	/* 0: once visited is visited */
	uint32_t smallest_group;	/* that a statistic may show */
	uint64_t all_fields;		/* bits of the fields that exist */
	uint8_t hash[HASH_SIZE];	/* SHA-256 of the text */
};

/* Reads and validates a charter's text (not the whole note). All it points to
 * lives in the arena. name is for faults. */
enum err charter_parse(struct slice text, const char *name, struct arena *arena, struct charter *ret_charter,
		       struct fault *fault) MUST_USE;
/* Opens a note: ERR_SIGNATURE unless controller, whose name must be "<origin>/controller", signed it. */
enum err charter_open(struct slice note, const struct public_key *controller, const char *name, struct arena *arena,
		      struct charter *ret_charter, struct fault *fault) MUST_USE;
/* May next follow current? Version grows by one, origin stays, no field in use_fields (bits) disappears,
 * no number or type of a field changes. ERR_PAPER with a fault. */
enum err charter_may_follow(const struct charter *current, const struct charter *next, uint64_t use_fields,
			    struct fault *fault) MUST_USE;

/* Finders; NULL or -1 when there is none. */
const struct charter_field *charter_field_by_number(const struct charter *charter, uint32_t number);
const struct charter_field *charter_field_by_name(const struct charter *charter, const char *name);
const struct charter_field *charter_identifier(const struct charter *charter);
int charter_purpose(const struct charter *charter, struct slice name);
int charter_role(const struct charter *charter, struct slice name);
int charter_mask(const struct charter *charter, const char *name);
const struct zone *charter_zone(const struct charter *charter, const char *name);

/* Is value of the field's type: 1 to VALUE_MAX bytes of text (FORMAT.md R41), and as kluis-charter(5) says of each
 * type? ERR_VALUE. */
enum err field_check_value(const struct charter_field *field, struct slice value) MUST_USE;
/* The form in which lookups compare: card without blanks and hyphens, upper case; phone its digits and a leading plus;
 * e-mail trimmed and lower case; else trimmed. Appends to ret_value. ERR_VALUE for what, trimmed, is not of the
 * field's type. */
enum err field_normalise(const struct charter_field *field, struct slice value, struct bytes *ret_value) MUST_USE;
/* What the mask leaves, appended: other characters become U+2022 "•"; MASK_HIDE gives three of them, and so does a
 * value that has no more characters than the mask would keep (FORMAT.md R45). */
enum err mask_apply(const struct charter_mask *mask, struct slice value, struct bytes *ret_value) MUST_USE;

#endif
