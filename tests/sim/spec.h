/*
 * Charters and agreements that a run may use: drawn as plain facts first, which the model decides on, and then
 * written as the texts that the broker reads.
 */
#ifndef KLUIS_SIM_SPEC_H
#define KLUIS_SIM_SPEC_H

#include "kluis/agreement.h"
#include "random.h"

#define SPEC_GRANTS 3
#define SPEC_FIELDS 4 /* card, name, phone, email: numbers 1 to 4 */
#define SPEC_PURPOSES 2

struct sim;

extern const char *const spec_purposes[SPEC_PURPOSES]; /* the second one needs consent */
extern const char *const spec_roles[2];
extern const char *const spec_fields[SPEC_FIELDS];

struct charter_spec {
	const char *text;
	uint8_t hash[HASH_SIZE];
	enum ownership_rule rule;
	uint32_t owner_window, visited_window; /* days, 0: none */
	struct charter parsed;		       /* for what the agent does with it */
};

struct grant_spec {
	unsigned purpose;
	uint32_t operations; /* bits of enum operation */
	enum scope scope;
	uint64_t fields;
	bool masks_phone; /* all but the last 4 */
	uint32_t roles;
	bool is_office_hours; /* Monday to Friday 9 to 18, Amsterdam */
	uint32_t per_day;
	bool needs_eea;
};

struct agreement_spec {
	const char *text;
	uint8_t hash[HASH_SIZE];
	uint32_t store;
	bool is_in_eea;
	uint64_t from_s, until_s;
	const struct charter_spec *charter;
	bool has_supersedes;
	uint8_t supersedes[HASH_SIZE];
	size_t grant_count;
	struct grant_spec grants[SPEC_GRANTS];
	struct agreement parsed;
};

/* Version version of the charter, any rule and, with has_windows, any windows. What is given lives in the arena. */
const struct charter_spec *spec_charter(struct random *random, unsigned version, bool has_windows, struct arena *arena);
/* Any agreement of a store from or about today on. supersedes: hash or NULL. */
const struct agreement_spec *spec_agreement(struct random *random, uint32_t store, int32_t today,
					    const struct charter_spec *charter, const uint8_t *supersedes,
					    struct arena *arena);
/* One that is in force for all of a run, without limits by day or hour, whose first grant lets the store's people do
 * everything for the first purpose: is_open: with all customers and fields, else with some. */
const struct agreement_spec *spec_lasting(struct random *random, uint32_t store, const struct charter_spec *charter,
					  const uint8_t *supersedes, bool is_open, struct arena *arena);

#endif
