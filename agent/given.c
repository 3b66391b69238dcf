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

/* ---- as the grant says ---- */

/* What a mask leaves is what it leaves of that again (R45), so a value that is another was not masked. */
static bool is_masked(const struct charter *charter, const struct grant *grant, uint32_t field, const char *value)
{
	struct bytes masked CLEANUP(bytes_fini) = {0};
	uint8_t mask = grant->mask_of[field - 1];

	if (mask == 0)
		return true;
	bytes_init_secret(&masked, MASKED_MAX);
	return mask <= charter->mask_count &&
	       mask_apply(&charter->masks[mask - 1], slice_text(value), &masked) == ERR_OK &&
	       slice_equal(bytes_slice(&masked), slice_text(value));
}

/* Their fields are known to be granted. */
static enum err check_masks(const Kluis__Values *values, const struct charter *charter, const struct grant *grant,
			    struct fault *fault)
{
	bool is_right = true;

	for (size_t i = 0; i < values->n_values; i++)
		is_right = is_right && is_masked(charter, grant, values->values[i]->field, values->values[i]->value);
	for (size_t i = 0; i < values->n_superseded; i++)
		is_right = is_right &&
			   is_masked(charter, grant, values->superseded[i]->field, values->superseded[i]->value);
	return is_right ? ERR_OK
			: fault_set(fault, ERR_MISMATCH, "the broker gave a value without the mask of grant '%s'",
				    grant->name);
}

/* The window of visits is the broker's to count: it goes by the charter in force now, which need not be this one. */
static enum err check_scope(const Kluis__Facts *facts, const struct grant *grant, struct fault *fault)
{
	const bool is_in[SCOPE_COUNT] = {
		[SCOPE_OWNED] = facts != NULL && facts->is_owned_here,
		[SCOPE_VISITED] = facts != NULL && facts->has_last_visit_day,
		[SCOPE_REGISTERED] = facts != NULL && facts->is_registered_here,
		[SCOPE_ALL] = true,
	};

	return is_in[grant->scope]
		       ? ERR_OK
		       : fault_set(fault, ERR_MISMATCH, "the broker gave a customer outside the scope of grant '%s'",
				   grant->name);
}

/* ---- to whom ---- */

enum err given_to_till(const Kluis__Values *values, const struct charter *charter, const struct grant *grant,
		       struct fault *fault)
{
	if (values->n_handles > 0 || values->facts != NULL || values->n_superseded > 0)
		return fault_set(fault, ERR_MISMATCH, "the broker gave a lookup what only a copy is for");
	return check_masks(values, charter, grant, fault);
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
		       const struct agreement *agreement, const struct grant *grant, struct fault *fault)
{
	TRY(check_handles(values, charter, agreement, grant->purpose, fault));
	TRY(check_superseded(values, fields, fault));
	TRY(check_masks(values, charter, grant, fault));
	return check_scope(values->facts, grant, fault);
}
