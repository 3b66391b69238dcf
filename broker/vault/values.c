#include "vault/values.h"

#include <string.h>

#include "vault/customer.h"
#include "vault/index.h"

static enum err add_field(const struct context *context, const Kluis__Value *value, uint64_t *fields)
{
	if (charter_field_by_number(context->charter, value->field) == NULL)
		return ERR_FIELD;
	*fields |= (uint64_t)1 << (value->field - 1);
	return ERR_OK;
}

enum err values_read(struct context *context, const Kluis__Values **ret_values, uint64_t *ret_fields)
{
	Kluis__Values *values;
	uint64_t fields = 0;

	TRY(WIRE_DECODE(Values, values, wire_slice(context->part->content), context->arena, &values));
	/* R130: what a sync says beside the values is the broker's to say */
	if (values->n_handles > 0 || values->facts != NULL || values->n_superseded > 0)
		return ERR_INPUT;
	for (size_t i = 0; i < values->n_values; i++) {
		if (i > 0 && values->values[i]->field <= values->values[i - 1]->field)
			return ERR_INPUT;
		TRY(add_field(context, values->values[i], &fields));
	}
	*ret_values = values;
	*ret_fields = fields;
	return ERR_OK;
}

enum err values_check(const struct context *context, const Kluis__Values *values)
{
	for (size_t i = 0; i < values->n_values; i++) {
		const Kluis__Value *value = values->values[i];

		if (value->value[0] != '\0')
			TRY(field_check_value(charter_field_by_number(context->charter, value->field),
					      slice_text(value->value)));
	}
	return ERR_OK;
}

const char *values_find(const Kluis__Values *values, uint32_t field)
{
	for (size_t i = 0; i < values->n_values; i++) {
		if (values->values[i]->field == field)
			return values->values[i]->value[0] == '\0' ? NULL : values->values[i]->value;
	}
	return NULL;
}

enum err value_find_customer(struct context *context, const Kluis__Value *value, struct customer *ret_customer)
{
	const struct charter_field *field = charter_field_by_number(context->charter, value->field);

	if (field == NULL || !index_has(field))
		return ERR_FIELD;
	return vault_find(context, field, slice_text(value->value), ret_customer);
}

enum err values_check_identifier(struct context *context, const Kluis__Values *values, const struct customer *customer,
				 struct slice *ret_holder)
{
	const struct charter_field *field = charter_identifier(context->charter);
	const char *value = field == NULL ? NULL : values_find(values, field->number);
	uint8_t key[HASH_SIZE];
	struct slice holder;

	if (value == NULL)
		return ERR_OK;
	TRY(index_key(context, field, slice_text(value), key));
	enum err err = index_find(context, SLICE_ARRAY(key), &holder);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (customer != NULL && slice_equal(holder, customer_pseudonym(customer)))
		return ERR_OK;
	*ret_holder = holder;
	return ERR_EXISTS;
}
