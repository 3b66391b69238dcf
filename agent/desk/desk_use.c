/*
 * How many customers a grant was used for today (FORMAT.md R91), while many tills ask at the same time: what was
 * decided on and is not on disk yet counts too. So nobody waits for another's commit, and no two take the last place.
 *
 *     lock ─▶ count on disk + places held by others ─▶ decide ─▶ hold a place ─▶ unlock ─▶ record ─▶ give it back
 */
#include <string.h>

#include "desk/desk_internal.h"

static bool is_of(const struct desk_place *place, uint32_t grant, int32_t day)
{
	return place->is_held && place->grant == grant && place->day == day;
}

static bool is_same(const struct desk_place *a, const struct desk_place *b)
{
	return is_of(a, b->grant, b->day) && memcmp(a->customer, b->customer, PSEUDONYM_SIZE) == 0;
}

/* Several tills may hold one for the same customer. */
static bool is_first_of_customer(const struct desk *desk, const struct desk_place *place)
{
	for (const struct desk_place *other = desk->places; other < place; other++)
		if (is_same(other, place))
			return false;
	return true;
}

/* Adds the customers that others hold places for and that are not counted on disk yet. */
static enum err add_held(const struct desk_request *request, const struct desk_place *wanted, struct use_facts *use)
{
	const struct desk *desk = request->desk;
	uint32_t ignored;
	bool is_counted;

	for (size_t i = 0; i < DESK_PLACES; i++) {
		const struct desk_place *place = &desk->places[i];
		if (!is_of(place, wanted->grant, wanted->day) || !is_first_of_customer(desk, place))
			continue;
		if (memcmp(place->customer, wanted->customer, PSEUDONYM_SIZE) == 0) {
			use->is_counted = true;
			continue;
		}
		TRY(journal_use(request->shop->journal, request->shop->agreement->hash, place->grant, place->day,
				SLICE_ARRAY(place->customer), &ignored, &is_counted));
		use->customers += !is_counted;
	}
	return ERR_OK;
}

static enum err read_one(struct desk_request *request, uint32_t grant, const uint8_t customer[static PSEUDONYM_SIZE])
{
	const struct agreement *agreement = request->shop->agreement;
	struct use_facts *use = &request->input.use[grant];
	struct desk_place wanted = {.grant = grant, .day = grant_day(&agreement->grants[grant], request->input.time_s)};

	memcpy(wanted.customer, customer, PSEUDONYM_SIZE);
	TRY(journal_use(request->shop->journal, agreement->hash, grant, wanted.day, SLICE_ARRAY(wanted.customer),
			&use->customers, &use->is_counted));
	return add_held(request, &wanted, use);
}

enum err desk_use_begin(struct desk_request *request, const uint8_t customer[static PSEUDONYM_SIZE],
			struct desk_use *ret_use)
{
	const struct agreement *agreement = request->shop->agreement;
	int purpose = charter_purpose(request->shop->charter, slice_text(request->purpose));
	uint32_t grants = agreement_grants_for(agreement, request->input.operation, (uint8_t)purpose);

	ret_use->desk = request->desk;
	for (uint32_t i = 0; i < agreement->grant_count; i++) {
		if ((grants >> i & 1) == 0 || agreement->grants[i].per_day == 0)
			continue;
		if (ret_use->held == NULL)
			ret_use->held = desk_lock(&request->desk->count_lock);
		TRY(read_one(request, i, customer));
	}
	return ERR_OK;
}

static struct desk_place *free_place(struct desk *desk)
{
	for (size_t i = 0; i < DESK_PLACES; i++)
		if (!desk->places[i].is_held)
			return &desk->places[i];
	return NULL;
}

void desk_use_decided(struct desk_use *use, const struct desk_request *request,
		      const uint8_t customer[static PSEUDONYM_SIZE])
{
	const struct verdict *verdict = &request->verdict;

	if (use->held == NULL)
		return;
	if (verdict->code == ERR_OK && request->shop->agreement->grants[verdict->grant].per_day > 0) {
		use->place = free_place(use->desk);
		if (use->place == NULL) /* then the others wait until this one is on disk */
			return;
		use->place->is_held = true;
		use->place->grant = verdict->grant;
		use->place->day = grant_day(&request->shop->agreement->grants[verdict->grant], request->input.time_s);
		memcpy(use->place->customer, customer, PSEUDONYM_SIZE);
	}
	desk_unlock(&use->held);
}

void desk_use_end(struct desk_use *use)
{
	if (use->place != NULL) {
		if (use->held == NULL)
			use->held = desk_lock(&use->desk->count_lock);
		*use->place = (struct desk_place){.is_held = false};
		use->place = NULL;
	}
	desk_unlock(&use->held);
}
