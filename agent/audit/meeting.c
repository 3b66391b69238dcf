#include "meeting.h"

/* Who made a change when, on what. */
struct origin {
	uint64_t made_ms;
	uint32_t store, basis;
};

static struct origin origin_of(const struct customer_fact *customer, const struct step *step)
{
	const Kluis__Operation *operation = step->operation;
	bool is_store = step->entry->principal.kind == PRINCIPAL_STORE;
	struct origin origin = {.made_ms = step->time_ms / 1000 * 1000 + 999,
				.store = is_store ? step->entry->principal.store : STORE_OFFICE,
				.basis = customer->version};

	if (!is_store || operation->kind_case != KLUIS__OPERATION__KIND_UPDATE || !operation->update->has_made_ms)
		return origin;
	origin.basis = operation->update->has_basis ? operation->update->basis : 0;
	if (operation->update->made_ms < origin.made_ms)
		origin.made_ms = operation->update->made_ms;
	return origin;
}

/* What stood in the field in a version; NULL: nothing was ever said of it. */
static const struct change_fact *standing_at(const struct customer_fact *customer, uint64_t field, uint32_t version)
{
	const struct change_fact *change = customer->changes;

	while (change != NULL && (change->version > version || (change->fields & field) == 0))
		change = change->next;
	return change;
}

/* Negative: the first does not stand against the second. */
static int compare(const struct change_fact *one, const struct change_fact *other)
{
	if (one->made_ms != other->made_ms)
		return one->made_ms < other->made_ms ? -1 : 1;
	if (one->step != other->step)
		return one->step < other->step ? -1 : 1;
	return one->store < other->store ? -1 : one->store > other->store;
}

static struct change_fact stamp(const struct customer_fact *customer, const struct origin *origin, uint64_t field)
{
	const struct change_fact *base = standing_at(customer, field, origin->basis);
	struct change_fact change = {.fields = field, .made_ms = origin->made_ms, .store = origin->store};

	if (base != NULL && base->made_ms >= change.made_ms) {
		change.made_ms = base->made_ms;
		change.step = base->step + 1;
	}
	/* a store's own change takes the place of its earlier one */
	const struct change_fact *before = standing_at(customer, field, UINT32_MAX);
	if (before != NULL && before->store == change.store && compare(&change, before) < 0) {
		change.made_ms = before->made_ms;
		change.step = before->step;
	}
	return change;
}

uint64_t meeting_lost(const struct customer_fact *customer, const struct step *step)
{
	struct origin origin = origin_of(customer, step);
	uint64_t lost = 0;

	for (unsigned i = 0; i < FIELDS_MAX; i++) {
		uint64_t field = step->result->fields & (uint64_t)1 << i;
		if (field == 0)
			continue;
		struct change_fact change = stamp(customer, &origin, field);
		const struct change_fact *before = standing_at(customer, field, UINT32_MAX);
		if (before != NULL && compare(&change, before) < 0)
			lost |= field;
	}
	return lost;
}

/* Fields of one version mostly have one stamp. */
static enum err add(struct state *state, struct change_fact **list, const struct change_fact *change)
{
	for (struct change_fact *other = *list; other != NULL && other->version == change->version;
	     other = other->next) {
		if (other->made_ms == change->made_ms && other->step == change->step) {
			other->fields |= change->fields;
			return ERR_OK;
		}
	}
	struct change_fact *fact = arena_alloc(state->arena, sizeof *fact);
	if (fact == NULL)
		return ERR_MEMORY;
	*fact = *change;
	fact->next = *list;
	*list = fact;
	return ERR_OK;
}

enum err meeting_take(struct state *state, struct customer_fact *customer, const struct step *step)
{
	struct origin origin = origin_of(customer, step);
	uint64_t fields = step->result->fields & ~step->result->lost;

	if (!step->result->has_version)
		return ERR_OK;
	for (unsigned i = 0; i < FIELDS_MAX; i++) {
		uint64_t field = fields & (uint64_t)1 << i;
		if (field == 0)
			continue;
		struct change_fact change = stamp(customer, &origin, field);
		change.version = step->result->version;
		TRY(add(state, &customer->changes, &change));
	}
	return ERR_OK;
}
