/*
 * What stands in a record and what is kept beside it where changes meet (FORMAT.md R131, R132), from the whole history
 * of the customer's changes.
 */
#include <string.h>

#include "model.h"

#define STORE_HEAD_OFFICE 100000

static bool is_later(const struct model_stamp *one, const struct model_stamp *other)
{
	if (one->made_ms != other->made_ms)
		return one->made_ms > other->made_ms;
	return one->step != other->step ? one->step > other->step : one->store > other->store;
}

/* ---- what is kept ---- */

/* Whose the field's value is, or was before it was cleared. */
static bool is_standing(const struct model_customer *customer, const struct model_change *change)
{
	const struct model_record *latest = &customer->records.items[customer->records.count - 1];

	return latest->versions[change->field] == change->version;
}

/* The last one of its store, and nobody changed the field on a version that has it. */
static bool is_known_nowhere(const struct model_customer *customer, size_t number)
{
	const struct model_change *change = &customer->changes.items[number];

	for (size_t i = number + 1; i < customer->changes.count; i++) {
		const struct model_change *next = &customer->changes.items[i];
		if (next->field == change->field &&
		    (next->stamp.store == change->stamp.store || next->basis >= change->version))
			return false;
	}
	return true;
}

size_t model_superseded(const struct model_customer *customer, uint64_t fields,
			const struct model_change *ret_kept[static MODEL_KEPT_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < customer->changes.count; i++) {
		const struct model_change *change = &customer->changes.items[i];
		if ((fields >> change->field & 1) == 0 || is_standing(customer, change) ||
		    !is_known_nowhere(customer, i))
			continue;
		size_t place = count++;
		for (; place > 0; place--) {
			const struct model_stamp *before = &ret_kept[place - 1]->stamp;
			bool is_before =
				is_later(before, &change->stamp) ||
				(!is_later(&change->stamp, before) && ret_kept[place - 1]->field < change->field);
			if (is_before)
				break;
			ret_kept[place] = ret_kept[place - 1];
		}
		ret_kept[place] = change;
	}
	return count;
}

/* ---- a change ---- */

/* When, by whom and on which version this operation's values were made. */
static struct model_change made_by(const struct model *model, const struct model_step *step, size_t latest)
{
	const Kluis__Update *update = step->operation->update;
	bool is_update = step->operation->kind_case == KLUIS__OPERATION__KIND_UPDATE;
	struct model_change made = {
		.version = latest + 1,
		.basis = latest,
		.stamp = {.has = true,
			  .made_ms = step->time_ms - step->time_ms % 1000 + 999,
			  .store = step->is_store ? model->stores[step->store].number : STORE_HEAD_OFFICE}};

	if (!is_update || !step->is_store || !update->has_made_ms)
		return made;
	made.basis = update->has_basis ? update->basis : 0;
	if (made.basis > latest)
		made.basis = latest;
	if (update->made_ms < made.stamp.made_ms)
		made.stamp.made_ms = update->made_ms;
	return made;
}

/* Right after what it was made on; and its store's own, whatever the clock did, after the one before it. */
static void put_after(const struct model_customer *customer, struct model_change *made)
{
	const struct model_stamp *base =
		made->basis == 0 ? NULL : &customer->records.items[made->basis - 1].stamps[made->field];

	if (base != NULL && base->has && base->made_ms >= made->stamp.made_ms) {
		made->stamp.made_ms = base->made_ms;
		made->stamp.step = base->step + 1;
	}
	for (size_t i = 0; i < customer->changes.count; i++) {
		const struct model_change *own = &customer->changes.items[i];
		if (own->field == made->field && own->stamp.store == made->stamp.store &&
		    is_later(&own->stamp, &made->stamp) &&
		    (is_standing(customer, own) || is_known_nowhere(customer, i)))
			made->stamp = own->stamp;
	}
}

/* False: it lost. */
static bool write_value(struct model_record *record, const struct model_change *made)
{
	const struct model_stamp *before = &record->stamps[made->field];
	bool stands = !before->has || !is_later(before, &made->stamp);

	if (stands) {
		record->values[made->field] = *made->value == '\0' ? NULL : made->value;
		record->stamps[made->field] = made->stamp;
		record->versions[made->field] = made->version;
	}
	return stands;
}

static void check_lost(const struct model *model, const struct model_step *step, uint64_t lost)
{
	if (step->result->lost != lost)
		run_fail(model->run, "I10", "fields %llx were lost, not %llx", (unsigned long long)lost,
			 (unsigned long long)step->result->lost);
}

void model_write(struct model *model, const struct model_step *step, struct model_customer *customer,
		 ProtobufCBinaryData commitment)
{
	struct model_record record = {{NULL}};
	size_t latest = customer->records.count;
	const struct model_change *kept[MODEL_KEPT_MAX];
	Kluis__Values *values;
	uint64_t lost = 0;

	if (!step->result->has_version)
		return;
	if (step->result->version != latest + 1)
		run_fail(model->run, "I10", "version %u written over %zu", step->result->version, latest);
	if (latest > 0)
		record = customer->records.items[latest - 1];
	run_must(model->run, WIRE_DECODE(Values, values, model_content(model, commitment), &model->arena, &values),
		 "values");
	struct model_change made = made_by(model, step, latest);
	for (size_t i = 0; i < values->n_values; i++) {
		struct model_change change = made;
		change.field = values->values[i]->field - 1;
		change.value = values->values[i]->value;
		put_after(customer, &change);
		lost |= (uint64_t)!write_value(&record, &change) << change.field;
		*LIST_ADD(&customer->changes) = change;
	}
	check_lost(model, step, lost);
	*LIST_ADD(&customer->records) = record;
	customer->is_crowded |= model_superseded(customer, UINT64_MAX, kept) > MODEL_SUPERSEDED_MAX;
}
