/*
 * The rules, written down once more: who may what (FORMAT.md section 8), for what the simulation's papers can say.
 */
#include <string.h>

#include "model.h"

int model_purpose(const char *name)
{
	for (int i = 0; i < SPEC_PURPOSES; i++)
		if (name != NULL && strcmp(name, spec_purposes[i]) == 0)
			return i;
	return -1;
}

size_t model_place(const struct model *model, uint32_t number)
{
	for (size_t i = 0; i < model->store_count; i++)
		if (model->stores[i].number == number)
			return i;
	run_fail(model->run, "model", "store %u", number);
}

struct model_customer *model_customer(const struct model *model, struct slice pseudonym)
{
	for (size_t i = 0; i < model->customers.count; i++)
		if (slice_equal(pseudonym, SLICE_ARRAY(model->customers.items[i].pseudonym)))
			return &model->customers.items[i];
	return NULL;
}

struct model_employee *model_employee(const struct model_store *store, struct slice pseudonym)
{
	for (size_t i = 0; i < store->employees.count; i++)
		if (slice_equal(pseudonym, SLICE_ARRAY(store->employees.items[i].pseudonym)))
			return &store->employees.items[i];
	return NULL;
}

struct model_principal *model_principal(struct model *model, const char *name)
{
	for (size_t i = 0; i < model->principals.count; i++)
		if (strcmp(model->principals.items[i].name, name) == 0)
			return &model->principals.items[i];
	return NULL;
}

const struct agreement_spec *model_agreement(const struct model *model, struct slice hash)
{
	for (size_t i = 0; i < model->agreements.count; i++)
		if (slice_equal(hash, SLICE_ARRAY(model->agreements.items[i]->hash)))
			return model->agreements.items[i];
	return NULL;
}

const struct charter_spec *model_charter(const struct model *model, struct slice hash)
{
	for (size_t i = 0; i < model->charters.count; i++)
		if (slice_equal(hash, SLICE_ARRAY(model->charters.items[i]->hash)))
			return model->charters.items[i];
	return NULL;
}

/* Amsterdam in winter: a run ends before the last Sunday of March. */
static uint64_t local_s(uint64_t time_s)
{
	return time_s + 3600;
}

uint32_t model_local_day(uint64_t time_s)
{
	return (uint32_t)(local_s(time_s) / 86400);
}

bool model_is_office_hours(uint64_t time_s)
{
	uint64_t local = local_s(time_s);
	uint64_t weekday = (local / 86400 + 3) % 7; /* 1970-01-01 was a Thursday */
	uint64_t minute = local % 86400 / 60;

	return weekday < 5 && minute >= 9 * 60 && minute < 18 * 60;
}

uint32_t model_uses(const struct model *model, const struct agreement_spec *spec, size_t grant, uint32_t day)
{
	uint32_t count = 0;

	for (size_t i = 0; i < model->uses.count; i++) {
		const struct model_use *use = &model->uses.items[i];
		count += use->grant == grant && use->day == day && memcmp(use->agreement, spec->hash, HASH_SIZE) == 0;
	}
	return count;
}

bool model_is_used(const struct model *model, const struct agreement_spec *spec, size_t grant, uint32_t day,
		   size_t customer)
{
	for (size_t i = 0; i < model->uses.count; i++) {
		const struct model_use *use = &model->uses.items[i];
		if (use->grant == grant && use->day == day && use->customer == customer &&
		    memcmp(use->agreement, spec->hash, HASH_SIZE) == 0)
			return true;
	}
	return false;
}

bool model_in_force(const struct model *model, size_t store, uint64_t time_s)
{
	const struct model_standing *current = &model->stores[store].current;

	return current->spec != NULL && current->state == AGREEMENT_ACTIVE && time_s >= current->spec->from_s &&
	       time_s < current->spec->until_s;
}

bool model_is_owner(const struct model *model, const struct model_customer *customer, uint32_t store, int64_t today)
{
	const struct charter_spec *charter = model->charter;
	const struct store_day *owner = customer->registered.is_known ? &customer->registered : &customer->first;
	bool is_recent = customer->latest.is_known &&
			 (charter->owner_window == 0 || today - customer->latest.day <= charter->owner_window);

	if (charter->rule == OWNERSHIP_LATEST_TRANSACTION && is_recent)
		owner = &customer->latest;
	return owner->is_known && owner->store == store;
}

static bool is_in_scope(const struct model *model, const struct model_ask *ask, const struct grant_spec *grant)
{
	const struct agreement_spec *spec = model->stores[ask->store].current.spec;
	const struct model_customer *customer = ask->customer;
	const struct model_visit *visit = &customer->visits[ask->store];
	int64_t today = (int64_t)(ask->time_s / 86400);
	uint32_t window = spec->charter->visited_window;

	if (grant->scope == SCOPE_ALL || ask->operation == OPERATION_REGISTER)
		return true;
	if (grant->scope == SCOPE_OWNED)
		return model_is_owner(model, customer, spec->store, today);
	if (grant->scope == SCOPE_VISITED)
		return ask->operation == OPERATION_RECEIPT ||
		       (visit->has && (window == 0 || today - visit->day <= window));
	return customer->registered.is_known && customer->registered.store == spec->store;
}

static bool is_customer_allowed(const struct model *model, const struct model_ask *ask, size_t number)
{
	const struct agreement_spec *spec = model->stores[ask->store].current.spec;
	const struct grant_spec *grant = &spec->grants[number];
	const struct model_customer *customer = ask->customer;
	uint32_t day = model_local_day(ask->time_s), status = customer->status[ask->purpose];
	bool is_use = ask->operation == OPERATION_LOOKUP || ask->operation == OPERATION_SYNC ||
		      ask->operation == OPERATION_UPDATE;

	if (customer->is_erased || !is_in_scope(model, ask, grant) || (is_use && customer->is_restricted))
		return false;
	if (ask->purpose == 1 && !(customer->has_status[1] && (status == 4 || status == 5)))
		return false;
	if (ask->operation != OPERATION_LOOKUP || grant->per_day == 0)
		return true;
	return model_is_used(model, spec, number, day, (size_t)(customer - model->customers.items)) ||
	       model_uses(model, spec, number, day) < grant->per_day;
}

static bool is_allowed(const struct model *model, const struct model_ask *ask, size_t number)
{
	const struct agreement_spec *spec = model->stores[ask->store].current.spec;
	const struct grant_spec *grant = &spec->grants[number];

	if (grant->purpose != ask->purpose || (grant->operations >> ask->operation & 1) == 0)
		return false;
	if (ask->operation != OPERATION_SYNC) {
		const struct model_employee *who = model_employee(&model->stores[ask->store], ask->employee);
		if (who == NULL || !who->is_there || (grant->roles >> who->role & 1) == 0)
			return false;
		if (grant->is_office_hours && !ask->is_any_hour && !model_is_office_hours(ask->time_s))
			return false;
	}
	if (grant->needs_eea && !spec->is_in_eea)
		return false;
	return ask->customer == NULL || is_customer_allowed(model, ask, number);
}

int model_permits(const struct model *model, const struct model_ask *ask)
{
	if (!model_in_force(model, ask->store, ask->time_s))
		return -1;
	for (size_t i = 0; i < model->stores[ask->store].current.spec->grant_count; i++)
		if (is_allowed(model, ask, i))
			return (int)i;
	return -1;
}

uint64_t model_fields(const struct grant_spec *grant, const struct model_record *record)
{
	uint64_t fields = 0;

	for (unsigned i = 0; i < SPEC_FIELDS; i++)
		if (record->values[i] != NULL && (grant == NULL || (grant->fields >> i & 1) != 0))
			fields |= (uint64_t)1 << i;
	return fields;
}

const char *model_shown(const struct grant_spec *grant, unsigned field, const char *value, struct arena *arena)
{
	const char *shown = "";

	if (grant == NULL || !grant->masks_phone || field != 2)
		return value;
	/* telephone numbers are ASCII: one byte a character */
	if (strlen(value) <= 4)
		return "\u2022\u2022\u2022";
	for (size_t i = 0; i + 4 < strlen(value); i++)
		shown = arena_printf(arena, "%s\u2022", shown);
	return arena_printf(arena, "%s%s", shown, value + strlen(value) - 4);
}
