#include "spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "franchise.h"
#include "kluis/clock.h"
#include "kluis/hash.h"
#include "text.h"

const char *const spec_purposes[SPEC_PURPOSES] = {"service", "direct-marketing"};
const char *const spec_roles[2] = {"cashier", "manager"};

const char *const spec_fields[SPEC_FIELDS] = {"card", "name", "phone", "email"};

static bool chance_of(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

static void *take(struct arena *arena, size_t size)
{
	void *place = arena_alloc(arena, size);

	if (place == NULL)
		abort();
	return place;
}

/* The texts are the simulation's own: one that does not parse is its mistake. */
static void parsed(enum err err, const struct fault *fault)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "kluis-sim: %s\n", fault->text);
	abort();
}

static const char *window_text(struct arena *arena, uint32_t days)
{
	return days == 0 ? "none" : arena_printf(arena, "%ud", days);
}

const struct charter_spec *spec_charter(struct random *random, unsigned version, bool has_windows, struct arena *arena)
{
	struct charter_spec *spec = take(arena, sizeof(*spec));
	const char *text = franchise_charter_text(arena);

	spec->rule = chance_of(random, 50) ? OWNERSHIP_FIRST_REGISTRATION : OWNERSHIP_LATEST_TRANSACTION;
	if (has_windows && chance_of(random, 70))
		spec->owner_window = 2 + (uint32_t)random_below(random, 30);
	if (has_windows && chance_of(random, 70))
		spec->visited_window = 2 + (uint32_t)random_below(random, 30);
	text = text_replace(arena, text, "version = 1", arena_printf(arena, "version = %u", version));
	text = text_replace(
		arena, text, "rule = latest-transaction",
		arena_printf(arena, "rule = %s\nwindow = %s\n\n[visited]\nwindow = %s",
			     spec->rule == OWNERSHIP_FIRST_REGISTRATION ? "first-registration" : "latest-transaction",
			     window_text(arena, spec->owner_window), window_text(arena, spec->visited_window)));
	sha256(slice_text(text), spec->hash);
	spec->text = text;
	struct fault fault = {""};
	parsed(charter_parse(slice_text(text), "charter", arena, &spec->parsed, &fault), &fault);
	return spec;
}

/* ---- agreements ---- */

static void draw_grant(struct random *random, struct grant_spec *grant)
{
	*grant = (struct grant_spec){
		.purpose = chance_of(random, 35),
		.operations = (uint32_t)(1 + random_below(random, (1u << OPERATION_COUNT) - 1)),
		.scope = (enum scope)random_below(random, SCOPE_COUNT),
		.fields = 1 + random_below(random, (1u << SPEC_FIELDS) - 1),
		.roles = chance_of(random, 70) ? 3 : (uint32_t)(1 + random_below(random, 2)),
		.is_office_hours = chance_of(random, 15),
		.per_day = chance_of(random, 40) ? (uint32_t)(1 + random_below(random, 4)) : 0,
		.needs_eea = chance_of(random, 80),
	};
	if (chance_of(random, 70))
		grant->operations = (1u << OPERATION_COUNT) - 1;
	if (chance_of(random, 50))
		grant->fields |= 1; /* a registration needs the card */
	grant->masks_phone = (grant->fields & 4) != 0 && chance_of(random, 50);
}

/* "a, b" of the names whose bits are set. */
static const char *names_text(struct arena *arena, const char *const *names, size_t count, uint64_t bits)
{
	const char *text = "";

	for (size_t i = 0; i < count; i++)
		if ((bits >> i & 1) != 0)
			text = arena_printf(arena, "%s%s%s", text, *text == '\0' ? "" : ", ", names[i]);
	return text;
}

static const char *grant_text(struct arena *arena, const struct grant_spec *grant, size_t number)
{
	const char *operations[OPERATION_COUNT];

	for (unsigned i = 0; i < OPERATION_COUNT; i++)
		operations[i] = operation_name((enum operation)i);
	const char *text = arena_printf(
		arena, "\n[grant g%zu]\npurpose = %s\noperations = %s\ncustomers = %s\nfields = %s\n", number,
		spec_purposes[grant->purpose], names_text(arena, operations, OPERATION_COUNT, grant->operations),
		scope_name(grant->scope), names_text(arena, spec_fields, SPEC_FIELDS, grant->fields));
	text = arena_printf(arena, "%sstaff = %s\nhours = %s Europe/Amsterdam\nlease = 72h\n", text,
			    names_text(arena, spec_roles, 2, grant->roles),
			    grant->is_office_hours ? "mon-fri 09:00-18:00" : "mon-sun 00:00-24:00");
	if (grant->masks_phone)
		text = arena_printf(arena, "%smasks = phone:last4\n", text);
	if (grant->per_day > 0)
		text = arena_printf(arena, "%sper-day = %u\n", text, grant->per_day);
	return arena_printf(arena, "%sterritory = %s\n", text, grant->needs_eea ? "EEA" : "EEA, US");
}

static const char *head_text(struct arena *arena, const struct agreement_spec *spec, int32_t from, int32_t until)
{
	char *text = text_of_file(arena, "broker/examples/minimal/agreement.ini");
	char hex[2 * HASH_SIZE + 1], from_text[11], until_text[11];

	*strstr(text, "[grant ") = '\0';
	hex_print(SLICE_ARRAY(spec->charter->hash), hex);
	memcpy(strstr(text, "charter = ") + strlen("charter = "), hex, 2 * HASH_SIZE);
	date_print(from, from_text);
	date_print(until, until_text);
	text = text_replace(arena, text, "store   = 12", arena_printf(arena, "store   = %u", spec->store));
	text = text_replace(arena, text, "from    = 2026-01-01", arena_printf(arena, "from    = %s", from_text));
	text = text_replace(arena, text, "until   = 2028-01-01", arena_printf(arena, "until   = %s", until_text));
	if (!spec->is_in_eea)
		text = text_replace(arena, text, "country      = NL", "country      = US");
	if (spec->has_supersedes) {
		hex_print(SLICE_ARRAY(spec->supersedes), hex);
		text = text_replace(arena, text, "role    = processor",
				    arena_printf(arena, "role    = processor\nsupersedes = %s", hex));
	}
	return text;
}

/* ---- whole agreements ---- */

static struct agreement_spec *begin(uint32_t store, const struct charter_spec *charter, const uint8_t *supersedes,
				    struct arena *arena)
{
	struct agreement_spec *spec = take(arena, sizeof(*spec));

	spec->store = store;
	spec->charter = charter;
	spec->has_supersedes = supersedes != NULL;
	if (supersedes != NULL)
		memcpy(spec->supersedes, supersedes, HASH_SIZE);
	return spec;
}

/* The text of what was drawn. */
static const struct agreement_spec *written(struct agreement_spec *spec, int32_t from, int32_t until,
					    struct arena *arena)
{
	struct fault fault = {""};

	spec->from_s = (uint64_t)from * 86400;
	spec->until_s = (uint64_t)until * 86400;
	spec->text = head_text(arena, spec, from, until);
	for (size_t i = 0; i < spec->grant_count; i++)
		spec->text = arena_printf(arena, "%s%s", spec->text, grant_text(arena, &spec->grants[i], i));
	sha256(slice_text(spec->text), spec->hash);
	parsed(agreement_parse(slice_text(spec->text), "agreement", &spec->charter->parsed, arena, &spec->parsed,
			       &fault),
	       &fault);
	return spec;
}

const struct agreement_spec *spec_agreement(struct random *random, uint32_t store, int32_t today,
					    const struct charter_spec *charter, const uint8_t *supersedes,
					    struct arena *arena)
{
	struct agreement_spec *spec = begin(store, charter, supersedes, arena);
	int32_t from = today - (chance_of(random, 90) ? 1 : -(int32_t)random_below(random, 3));
	int32_t until = from + 2 + (int32_t)random_below(random, chance_of(random, 75) ? 400 : 12);

	spec->is_in_eea = chance_of(random, 95);
	spec->grant_count = 1 + random_below(random, SPEC_GRANTS);
	for (size_t i = 0; i < spec->grant_count; i++)
		draw_grant(random, &spec->grants[i]);
	return written(spec, from, until, arena);
}

const struct agreement_spec *spec_lasting(struct random *random, uint32_t store, const struct charter_spec *charter,
					  const uint8_t *supersedes, bool is_open, struct arena *arena)
{
	struct agreement_spec *spec = begin(store, charter, supersedes, arena);

	spec->is_in_eea = true;
	spec->grant_count = is_open ? 1 : 1 + random_below(random, SPEC_GRANTS);
	for (size_t i = 0; i < spec->grant_count; i++) {
		draw_grant(random, &spec->grants[i]);
		spec->grants[i].per_day = 0;
	}
	if (spec->grant_count > 1) {
		spec->grants[1].purpose = 1;
		spec->grants[1].operations |= 1u << OPERATION_SYNC | 1u << OPERATION_LOOKUP;
	}
	struct grant_spec *first = &spec->grants[0];
	first->purpose = 0;
	first->operations = (1u << OPERATION_COUNT) - 1;
	first->roles = 3;
	if (is_open)
		*first = (struct grant_spec){.operations = first->operations,
					     .scope = SCOPE_ALL,
					     .fields = (1u << SPEC_FIELDS) - 1,
					     .roles = 3};
	return written(spec, FRANCHISE_DAY - 300, FRANCHISE_DAY + 400, arena);
}
