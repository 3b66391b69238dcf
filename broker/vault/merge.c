#include "vault/merge.h"

#include <string.h>

/* ---- stamps ---- */

static int compare(uint64_t one, uint64_t other)
{
	return one < other ? -1 : one > other;
}

/* Of values of one field: negative if the first does not stand against the second; 0 only for two of one store. */
static int compare_stamps(const Rows__RecordValue *one, const Rows__RecordValue *other)
{
	int order = compare(one->made_ms, other->made_ms);

	if (order == 0)
		order = compare(one->step, other->step);
	return order != 0 ? order : compare(one->store, other->store);
}

static const Rows__RecordValue *find(const Rows__Record *record, uint32_t field)
{
	for (size_t i = 0; record != NULL && i < record->n_values; i++) {
		if (record->values[i]->field == field)
			return record->values[i];
	}
	return NULL;
}

const Rows__RecordValue *record_value(const Rows__Record *record, uint32_t field)
{
	const Rows__RecordValue *value = find(record, field);

	return value == NULL || value->value[0] == '\0' ? NULL : value;
}

/* Takes the place of an own earlier change, and its stamp if that is the higher one: a store's changes of a customer
 * come in the order in which it made them, whatever its clock did. */
static void follow(Rows__RecordValue *value, const Rows__RecordValue *own)
{
	if (compare_stamps(value, own) >= 0)
		return;
	value->made_ms = own->made_ms;
	value->step = own->step;
}

static Rows__RecordValue *stamped(struct context *context, const Kluis__Value *given,
				  const struct change_origin *origin, const Rows__RecordValue *before)
{
	const Rows__RecordValue *base = find(origin->base, given->field);
	Rows__RecordValue *value = arena_alloc(context->arena, sizeof(*value));

	if (value == NULL)
		return NULL;
	rows__record_value__init(value);
	value->field = given->field;
	value->value = given->value;
	value->made_ms = origin->made_ms;
	value->store = origin->store;
	value->version = origin->version;
	if (base != NULL && base->made_ms >= value->made_ms) {
		value->made_ms = base->made_ms;
		value->step = base->step + 1;
	}
	if (before != NULL && before->store == value->store)
		follow(value, before);
	return value;
}

/* ---- what is kept ---- */

/* The newest first; the fields' numbers only so that every order is one. */
static bool is_newer(const Rows__RecordValue *one, const Rows__RecordValue *other)
{
	int order = compare_stamps(one, other);

	return order != 0 ? order > 0 : one->field < other->field;
}

static void keep(Rows__Record *record, Rows__RecordValue *loser)
{
	size_t place = record->n_superseded;

	while (place > 0 && is_newer(loser, record->superseded[place - 1]))
		place--;
	if (place == SUPERSEDED_MAX)
		return;
	size_t moved = record->n_superseded - place;
	if (record->n_superseded == SUPERSEDED_MAX)
		moved--;
	else
		record->n_superseded++;
	memmove(&record->superseded[place + 1], &record->superseded[place], moved * sizeof(record->superseded[0]));
	record->superseded[place] = loser;
}

/* Takes out what the change was made on, and its store's own earlier change. */
static void drop_known(Rows__Record *record, Rows__RecordValue *value, const struct change_origin *origin)
{
	size_t count = 0;

	for (size_t i = 0; i < record->n_superseded; i++) {
		Rows__RecordValue *old = record->superseded[i];
		bool is_own = old->field == value->field && old->store == value->store;
		bool is_seen = old->field == value->field && old->version <= origin->basis;

		if (is_own)
			follow(value, old);
		if (!is_own && !is_seen)
			record->superseded[count++] = old;
	}
	record->n_superseded = count;
}

/* Two changes of which neither was made on the other, by two stores. */
static bool did_meet(const Rows__RecordValue *before, const Rows__RecordValue *value,
		     const struct change_origin *origin)
{
	return before->version > origin->basis && before->store != value->store;
}

/* ---- merging ---- */

static bool is_other(const Rows__RecordValue *old, const Rows__RecordValue *now)
{
	return strcmp(old == NULL ? "" : old->value, now == NULL ? "" : now->value) != 0;
}

/* The value of a field that stands from now on. */
static enum err meet(struct context *context, const Kluis__Value *given, const struct change_origin *origin,
		     struct record_change *change, const Rows__RecordValue **ret_standing)
{
	const Rows__RecordValue *before = find(change->before, given->field);
	Rows__RecordValue *value = stamped(context, given, origin, before);

	if (value == NULL)
		return ERR_MEMORY;
	bool is_standing = before == NULL || compare_stamps(value, before) >= 0;
	drop_known(change->record, value, origin);
	const Rows__RecordValue *loser = is_standing ? before : value;
	if (before != NULL && did_meet(before, value, origin)) {
		Rows__RecordValue *kept = arena_alloc(context->arena, sizeof(*kept));
		if (kept == NULL)
			return ERR_MEMORY;
		*kept = *loser;
		keep(change->record, kept);
	}
	if (!is_standing)
		change->lost |= (uint64_t)1 << (given->field - 1);
	*ret_standing = is_standing ? value : before;
	return ERR_OK;
}

static enum err add(struct context *context, Rows__Record *record, const Rows__RecordValue *value)
{
	Rows__RecordValue *copy = arena_alloc(context->arena, sizeof(*copy));

	if (copy == NULL)
		return ERR_MEMORY;
	*copy = *value;
	record->values[record->n_values++] = copy;
	return ERR_OK;
}

static enum err copy_superseded(struct context *context, const Rows__Record *before, Rows__Record *record)
{
	record->superseded = arena_array(context->arena, SUPERSEDED_MAX, sizeof(record->superseded[0]));
	if (record->superseded == NULL)
		return ERR_MEMORY;
	if (before == NULL)
		return ERR_OK;
	if (before->n_superseded > SUPERSEDED_MAX)
		return ERR_CORRUPT;
	if (before->n_superseded > 0)
		memcpy(record->superseded, before->superseded, before->n_superseded * sizeof(record->superseded[0]));
	record->n_superseded = before->n_superseded;
	return ERR_OK;
}

enum err merge_values(struct context *context, const Kluis__Values *values, const struct change_origin *origin,
		      struct record_change *change)
{
	size_t next = 0;

	TRY(copy_superseded(context, change->before, change->record));
	for (uint32_t field = 1; field <= FIELDS_MAX; field++) {
		const Rows__RecordValue *before = find(change->before, field), *standing = before;

		if (next < values->n_values && values->values[next]->field == field)
			TRY(meet(context, values->values[next++], origin, change, &standing));
		if (is_other(before, standing))
			change->changed |= (uint64_t)1 << (field - 1);
		if (standing != NULL)
			TRY(add(context, change->record, standing));
	}
	return ERR_OK;
}
