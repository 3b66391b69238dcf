/*
 * What a store must hold (FORMAT.md R93, R111, R130 to R132), and whether it does.
 */
#include <inttypes.h>
#include <string.h>

#include "franchise.h"
#include "model.h"

struct comparing {
	const struct model *model;
	const struct model_view *view;
	uint32_t number; /* of the store */
	uint64_t found;
};

/* One customer of the copy. */
struct held {
	const struct model_customer *customer;
	const struct model_record *record; /* the latest */
	const struct grant_spec *grant;
	uint64_t fields;
	const Kluis__Values *values; /* what the copy has */
};

int model_holds(const struct model *model, const struct model_view *view, const struct model_customer *customer)
{
	struct model_ask ask = {.store = view->store,
				.purpose = view->purpose,
				.operation = OPERATION_SYNC,
				.time_s = view->now_ms / 1000,
				.customer = customer};

	return model_permits(model, &ask);
}

static void check_values(const struct comparing *comparing, const struct held *held, struct arena *arena)
{
	uint64_t fields = 0;

	for (size_t i = 0; i < held->values->n_values; i++) {
		const Kluis__Value *value = held->values->values[i];
		unsigned field = value->field - 1;
		if (field >= SPEC_FIELDS || (held->fields >> field & 1) == 0 ||
		    strcmp(value->value, model_shown(held->grant, field, held->record->values[field], arena)) != 0)
			run_fail(comparing->model->run, "I11", "store %u has another value of field %u: %s",
				 comparing->number, field + 1, value->value);
		fields |= (uint64_t)1 << field;
	}
	if (fields != held->fields)
		run_fail(comparing->model->run, "I11", "store %u lacks values: %" PRIx64 " of %" PRIx64,
			 comparing->number, fields, held->fields);
}

static void check_superseded(const struct comparing *comparing, const struct held *held, struct arena *arena)
{
	const struct run *run = comparing->model->run;
	const struct model_change *kept[MODEL_KEPT_MAX];
	size_t count = model_superseded(held->customer, held->fields, kept);

	if (held->customer->is_crowded)
		return;
	if (held->values->n_superseded != count)
		run_fail(run, "I11", "store %u has %zu superseded values, there are %zu", comparing->number,
			 held->values->n_superseded, count);
	for (size_t i = 0; i < count; i++) {
		const Kluis__Superseded *superseded = held->values->superseded[i];
		if (superseded->field != kept[i]->field + 1 || superseded->store != kept[i]->stamp.store ||
		    superseded->made_ms != kept[i]->stamp.made_ms ||
		    strcmp(superseded->value, model_shown(held->grant, kept[i]->field, kept[i]->value, arena)) != 0)
			run_fail(run, "I11", "store %u has another superseded value of field %u by store %u: %s",
				 comparing->number, superseded->field, superseded->store, superseded->value);
	}
}

/* Fields 1, 3 and 4 are those that customers are found by. */
static void check_handles(const struct comparing *comparing, const struct held *held)
{
	const struct agreement_spec *spec = comparing->model->stores[comparing->view->store].current.spec;
	bool is_looked_up = false;
	size_t handles = 0;

	for (size_t i = 0; i < spec->grant_count; i++)
		is_looked_up |= spec->grants[i].purpose == comparing->view->purpose &&
				(spec->grants[i].operations >> OPERATION_LOOKUP & 1) != 0;
	for (unsigned field = 0; field < SPEC_FIELDS && is_looked_up; field++)
		handles += field != 1 && field <= 3 && held->record->values[field] != NULL;
	if (held->values->n_handles != handles)
		run_fail(comparing->model->run, "I11", "store %u has %zu handles, not %zu", comparing->number,
			 held->values->n_handles, handles);
}

static void check_facts(const struct comparing *comparing, const struct held *held)
{
	const struct model *model = comparing->model;
	const struct model_visit *visit = &held->customer->visits[comparing->view->store];
	const struct store_day *registered = &held->customer->registered;
	int64_t today = (int64_t)(comparing->view->now_ms / DAY_MS);
	const Kluis__Facts *facts = held->values->facts;

	if (facts == NULL || facts->has_last_visit_day != visit->has ||
	    (visit->has && (facts->last_visit_day > visit->day ||
			    (comparing->view->is_new && facts->last_visit_day != visit->day))) ||
	    facts->is_registered_here != (registered->is_known && registered->store == comparing->number) ||
	    facts->is_owned_here != model_is_owner(model, held->customer, comparing->number, today))
		run_fail(model->run, "I11", "store %u has other facts: %d registered, %d owned, %d on day %d",
			 comparing->number, facts != NULL, facts != NULL && facts->is_registered_here,
			 facts != NULL && facts->is_owned_here, facts == NULL ? 0 : facts->last_visit_day);
}

static enum err compare_row(void *context, const struct replica_row *row)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct comparing *comparing = context;
	const struct model *model = comparing->model;
	struct held held = {.customer = model_customer(model, row->customer)};
	int grant = held.customer == NULL ? -1 : model_holds(model, comparing->view, held.customer);
	Kluis__Values *values;

	if (grant < 0)
		run_fail(model->run, "I11", "store %u holds somebody whom no grant for %s gives it", comparing->number,
			 spec_purposes[comparing->view->purpose]);
	held.record = &held.customer->records.items[held.customer->records.count - 1];
	held.grant = &model->stores[comparing->view->store].current.spec->grants[grant];
	held.fields = model_fields(held.grant, held.record);
	if (row->version != held.customer->records.count || row->fields != held.fields)
		run_fail(model->run, "I11", "store %u has version %u of %zu, fields %" PRIx64 " of %" PRIx64,
			 comparing->number, row->version, held.customer->records.count, row->fields, held.fields);
	arena_init(&arena, REQUEST_ARENA_MAX);
	run_must(model->run, WIRE_DECODE(Values, values, row->content, &arena, &values), "values");
	held.values = values;
	check_values(comparing, &held, &arena);
	check_superseded(comparing, &held, &arena);
	check_handles(comparing, &held);
	check_facts(comparing, &held);
	comparing->found++;
	return ERR_OK;
}

void model_compare(const struct model *model, const struct model_view *view, const struct replica *copy)
{
	struct comparing comparing = {.model = model, .view = view, .number = model->stores[view->store].number};
	uint64_t expected = 0;

	run_must(model->run, replica_each(copy, spec_purposes[view->purpose], compare_row, &comparing), "copy");
	for (size_t i = 0; i < model->customers.count; i++)
		expected += model_holds(model, view, &model->customers.items[i]) >= 0;
	if (comparing.found != expected)
		run_fail(model->run, "I11", "store %u holds %" PRIu64 " customers for %s, granted are %" PRIu64,
			 comparing.number, comparing.found, spec_purposes[view->purpose], expected);
}
