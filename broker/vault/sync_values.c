#include "vault/sync_values.h"

#include "vault/index.h"
#include "vault/keys.h"
#include "vault/merge.h"

/* Some grant of the agreement lets employees look customers up for the purpose. */
static bool grants_lookup(const struct context *context, const struct cut *cut)
{
	int purpose = charter_purpose(cut->charter, cut->purpose);

	return purpose >= 0 && context->agreement != NULL &&
	       agreement_grants_for(context->agreement, OPERATION_LOOKUP, (uint8_t)purpose) != 0;
}

/* ERR_VALUE for a value that the field's type does not take: nobody finds by it. */
static enum err add_handle(struct context *context, const uint8_t key[static KEY_SIZE],
			   const struct charter_field *field, const char *value, Kluis__Values *values)
{
	Kluis__Handle *handle = arena_alloc(context->arena, sizeof(*handle));
	uint8_t *hash = arena_alloc(context->arena, HANDLE_SIZE);
	struct bytes normal;

	if (handle == NULL || hash == NULL)
		return ERR_MEMORY;
	TRY(arena_bytes(context->arena, VALUE_MAX, &normal));
	TRY(field_normalise(field, slice_text(value), &normal));
	handle_make(key, field->number, bytes_slice(&normal), hash);
	kluis__handle__init(handle);
	handle->field = field->number;
	handle->hash = wire_data(SLICE(hash, HANDLE_SIZE));
	values->handles[values->n_handles++] = handle;
	return ERR_OK;
}

/* By the agreement's charter, which the store reads values by as well. */
static enum err add_handles(struct context *context, const Rows__Record *record, const struct cut *cut,
			    Kluis__Values *values)
{
	uint8_t key[KEY_SIZE];
	enum err err = ERR_OK;

	if (!grants_lookup(context, cut))
		return ERR_OK;
	values->handles = arena_array(context->arena, cut->charter->field_count, sizeof(values->handles[0]));
	if (values->handles == NULL)
		return ERR_MEMORY;
	vault_handle_key(context->vault, slice_text(context->envelope->decoded->principal), key);
	for (size_t i = 0; i < cut->charter->field_count && err == ERR_OK; i++) {
		const struct charter_field *field = &cut->charter->fields[i];
		const Rows__RecordValue *value = record_value(record, field->number);

		if (index_has(field) && value != NULL)
			err = add_handle(context, key, field, value->value, values);
		if (err == ERR_VALUE)
			err = ERR_OK;
	}
	wipe(key, sizeof(key));
	return err;
}

static enum err add_facts(struct context *context, const struct customer *customer, const struct cut *cut,
			  Kluis__Values *values)
{
	uint32_t store = context->envelope->principal.store;
	struct customer_facts facts;

	values->facts = arena_alloc(context->arena, sizeof(*values->facts));
	if (values->facts == NULL)
		return ERR_MEMORY;
	customer_facts(customer, context->charter, store, cut->purpose, cut->time_ms, &facts);
	kluis__facts__init(values->facts);
	values->facts->is_registered_here = facts.is_registered_here;
	values->facts->is_owned_here = facts.has_owner && facts.owner == store;
	values->facts->has_last_visit_day = facts.has_visited;
	values->facts->last_visit_day = facts.last_visit_day;
	return ERR_OK;
}

enum err superseded_add(struct context *context, const Rows__Record *record, const struct cut *cut, uint64_t fields,
			Kluis__Values *values)
{
	values->superseded = arena_array(context->arena, record->n_superseded, sizeof(values->superseded[0]));
	if (values->superseded == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < record->n_superseded; i++) {
		const Rows__RecordValue *from = record->superseded[i];

		if (from->field < 1 || from->field > FIELDS_MAX)
			return ERR_CORRUPT;
		if ((fields >> (from->field - 1) & 1) == 0)
			continue;
		Kluis__Superseded *to = arena_alloc(context->arena, sizeof(*to));
		if (to == NULL)
			return ERR_MEMORY;
		kluis__superseded__init(to);
		to->field = from->field;
		to->store = from->store;
		to->made_ms = from->made_ms;
		TRY(cut_mask(context, cut, from->field, from->value, &to->value));
		values->superseded[values->n_superseded++] = to;
	}
	return ERR_OK;
}

enum err sync_values_add(struct context *context, const struct customer *customer, const Rows__Record *record,
			 const struct cut *cut, uint64_t fields, Kluis__Values *values)
{
	TRY(add_handles(context, record, cut, values));
	TRY(add_facts(context, customer, cut, values));
	return superseded_add(context, record, cut, fields, values);
}
