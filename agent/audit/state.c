#include "state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS 86400000u
#define STATE_MAPS 9
#define USE_KEY_SIZE (HASH_SIZE + 1 + 4)
#define CONSENT_GIVEN 4 /* R115 */
#define CONSENT_RENEWED 5

static struct map *const *maps_of(struct state *state, struct map *place[static STATE_MAPS])
{
	place[0] = &state->papers;
	place[1] = &state->stores;
	place[2] = &state->invitations;
	place[3] = &state->customers;
	place[4] = &state->receipts;
	place[5] = &state->imports;
	place[6] = &state->uses;
	place[7] = &state->deliveries;
	place[8] = &state->notices;
	return place;
}

void state_init(struct state *state, const struct mirror *mirror, const struct public_key *controller,
		struct findings *findings, struct arena *arena)
{
	struct map *maps[STATE_MAPS];

	*state = (struct state){.mirror = mirror, .findings = findings, .arena = arena, .controller = *controller};
	principals_init(&state->principals, controller, arena);
	chronicle_init(&state->chronicle, arena);
	maps_of(state, maps);
	for (size_t i = 0; i < STATE_MAPS; i++)
		map_init(maps[i], arena);
}

static void fini_store(void *item, void *context)
{
	struct store_fact *store = item;

	(void)context;
	map_fini(&store->employees);
	map_fini(&store->copies);
	map_fini(&store->shifts);
}

void state_fini(struct state *state)
{
	struct map *maps[STATE_MAPS];

	map_each(&state->stores, fini_store, NULL);
	principals_fini(&state->principals);
	maps_of(state, maps);
	for (size_t i = 0; i < STATE_MAPS; i++)
		map_fini(maps[i]);
}

/* ---- finders ---- */

#define NOTICE_KEY_SIZE (4 + PSEUDONYM_SIZE)

static bool notice_key(uint32_t store, struct slice id, uint8_t ret_key[static NOTICE_KEY_SIZE])
{
	if (id.length != PSEUDONYM_SIZE)
		return false;
	put_u32(ret_key, store);
	memcpy(ret_key + 4, id.data, PSEUDONYM_SIZE);
	return true;
}

const struct notice_fact *state_notice(const struct state *state, uint32_t store, struct slice id)
{
	uint8_t key[NOTICE_KEY_SIZE];

	return notice_key(store, id, key) ? map_find(&state->notices, SLICE_ARRAY(key)) : NULL;
}

enum err state_take_notice(struct state *state, uint32_t store, struct slice id)
{
	uint8_t key[NOTICE_KEY_SIZE];

	if (!notice_key(store, id, key))
		return ERR_OK;
	return map_take(&state->notices, SLICE_ARRAY(key), sizeof(struct notice_fact)) == NULL ? ERR_MEMORY : ERR_OK;
}

struct store_fact *state_store(const struct state *state, uint32_t number)
{
	uint8_t key[4];

	put_u32(key, number);
	return map_find(&state->stores, SLICE_ARRAY(key));
}

/* One that was only named by a refused registration is not there. */
struct customer_fact *state_customer(const struct state *state, struct slice pseudonym)
{
	return map_find(&state->customers, pseudonym);
}

struct paper_text *state_paper(const struct state *state, struct slice hash)
{
	return map_find(&state->papers, hash);
}

const struct employee_fact *state_employee(const struct store_fact *store, struct slice pseudonym)
{
	return map_find(&store->employees, pseudonym);
}

const struct visit_fact *customer_visit_at(const struct customer_fact *customer, uint32_t store)
{
	for (const struct visit_fact *visit = customer->visits; visit != NULL; visit = visit->next)
		if (visit->store == store)
			return visit;
	return NULL;
}

struct consent_fact *customer_consent_to(const struct customer_fact *customer, struct slice purpose)
{
	for (struct consent_fact *consent = customer->consents; consent != NULL; consent = consent->next)
		if (slice_equal(slice_text(consent->purpose), purpose))
			return consent;
	return NULL;
}

bool consent_status_is_valid(uint32_t status)
{
	return status == CONSENT_GIVEN || status == CONSENT_RENEWED;
}

int32_t day_of_ms(uint64_t time_ms)
{
	return (int32_t)(time_ms / DAY_MS);
}

/* ---- per-day use ---- */

static void use_key(const struct agreement *agreement, uint32_t grant, uint64_t time_s, struct slice pseudonym,
		    uint8_t ret_key[static USE_KEY_SIZE + PSEUDONYM_SIZE])
{
	memcpy(ret_key, agreement->hash, HASH_SIZE);
	ret_key[HASH_SIZE] = (uint8_t)grant;
	put_u32(ret_key + HASH_SIZE + 1, (uint32_t)grant_day(&agreement->grants[grant], time_s));
	memcpy(ret_key + USE_KEY_SIZE, pseudonym.data, PSEUDONYM_SIZE);
}

struct use_facts state_use(const struct state *state, const struct agreement *agreement, uint32_t grant,
			   uint64_t time_s, struct slice pseudonym)
{
	uint8_t key[USE_KEY_SIZE + PSEUDONYM_SIZE];
	const struct use_fact *use;
	struct use_facts facts = {0};

	use_key(agreement, grant, time_s, pseudonym, key);
	use = map_find(&state->uses, SLICE(key, USE_KEY_SIZE));
	if (use != NULL)
		facts.customers = use->customers;
	facts.is_counted = map_find(&state->uses, SLICE_ARRAY(key)) != NULL;
	return facts;
}

enum err state_count_use(struct state *state, const struct agreement *agreement, uint32_t grant, uint64_t time_s,
			 struct slice pseudonym)
{
	uint8_t key[USE_KEY_SIZE + PSEUDONYM_SIZE];
	struct use_fact *use;

	use_key(agreement, grant, time_s, pseudonym, key);
	if (map_find(&state->uses, SLICE_ARRAY(key)) != NULL)
		return ERR_OK;
	use = map_take(&state->uses, SLICE(key, USE_KEY_SIZE), sizeof *use);
	if (use == NULL || map_take(&state->uses, SLICE_ARRAY(key), sizeof *use) == NULL)
		return ERR_MEMORY;
	use->customers++;
	return ERR_OK;
}

void finding_add_step(struct findings *findings, const struct step *step, const char *format, ...)
{
	char what[700];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	finding_add_entry(findings, step->index, "operation %zu (%s): %s", step->number,
			  step->row == NULL ? "unknown" : step->row->name, what);
}
