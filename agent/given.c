#include "given.h"

/* A bullet for each byte: what masking makes of the longest value. */
#define MASKED_MAX (3 * VALUE_MAX + 9)

static bool is_field(uint32_t number)
{
	return number >= 1 && number <= FIELDS_MAX;
}

static bool has_field(uint64_t fields, uint32_t number)
{
	return is_field(number) && (fields >> (number - 1) & 1) != 0;
}

enum err given_open(struct slice content, uint64_t fields, struct arena *arena, Kluis__Values **ret_values,
		    struct fault *fault)
{
	Kluis__Values *values;
	uint64_t present = 0;
	enum err err = WIRE_DECODE(Values, values, content, arena, &values);

	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK)
		return fault_set(fault, ERR_MISMATCH, "the broker's values are malformed");
	for (size_t i = 0; i < values->n_values; i++) {
		uint32_t field = values->values[i]->field;

		if (!has_field(fields, field) || (i > 0 && field <= values->values[i - 1]->field))
			return fault_set(fault, ERR_MISMATCH, "values and entry name different fields");
		present |= (uint64_t)1 << (field - 1);
	}
	if (present != fields)
		return fault_set(fault, ERR_MISMATCH, "values and entry name different fields");
	*ret_values = values;
	return ERR_OK;
}

enum err given_to_till(const Kluis__Values *values, struct fault *fault)
{
	if (values->n_handles > 0 || values->facts != NULL || values->n_superseded > 0)
		return fault_set(fault, ERR_MISMATCH, "the broker gave a lookup what only a copy is for");
	return ERR_OK;
}

static enum err check_handles(const Kluis__Values *values, const struct charter *charter,
			      const struct agreement *agreement, uint8_t purpose, struct fault *fault)
{
	if (values->n_handles > 0 && agreement_grants_for(agreement, OPERATION_LOOKUP, purpose) == 0)
		return fault_set(fault, ERR_MISMATCH, "the broker gave handles, but nobody may look up");
	for (size_t i = 0; i < values->n_handles; i++) {
		const Kluis__Handle *handle = values->handles[i];
		const struct charter_field *field = charter_field_by_number(charter, handle->field);
		bool is_found_by = field != NULL && (field->is_lookup || field->is_identifier);
		bool is_next = i == 0 || handle->field > values->handles[i - 1]->field;

		if (!is_found_by || !is_next || handle->hash.len != HANDLE_SIZE)
			return fault_set(fault, ERR_MISMATCH, "the broker's handles are malformed");
	}
	return ERR_OK;
}

static enum err check_superseded(const Kluis__Values *values, uint64_t fields, struct fault *fault)
{
	if (values->n_superseded > SUPERSEDED_MAX)
		return fault_set(fault, ERR_MISMATCH, "the broker gave more superseded values than a record has");
	for (size_t i = 0; i < values->n_superseded; i++) {
		const Kluis__Superseded *superseded = values->superseded[i];

		if (!has_field(fields, superseded->field))
			return fault_set(fault, ERR_MISMATCH,
					 "the broker gave a superseded value of a field that it did not log");
		if (superseded->store > STORE_OFFICE || slice_text(superseded->value).length > MASKED_MAX)
			return fault_set(fault, ERR_MISMATCH, "the broker's superseded values are malformed");
	}
	return ERR_OK;
}

enum err given_to_copy(const Kluis__Values *values, uint64_t fields, const struct charter *charter,
		       const struct agreement *agreement, uint8_t purpose, struct fault *fault)
{
	TRY(check_handles(values, charter, agreement, purpose, fault));
	return check_superseded(values, fields, fault);
}
