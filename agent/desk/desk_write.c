/* What all writes have in common. */
#include "desk/desk_write.h"

#include <string.h>

#include "kluis/hash.h"
#include "kluis/operation.h"

static void enter(struct desk_writing *writing, struct desk *desk, struct fault *fault)
{
	memset(writing, 0, sizeof *writing);
	arena_init(&writing->arena, REQUEST_ARENA_MAX);
	kluis__operation__init(&writing->operation);
	writing->held = desk_shop_enter(desk);
	writing->request.desk = desk;
	writing->request.shop = desk->shop;
	writing->request.fault = fault;
}

void desk_write_end(struct desk_writing *writing)
{
	desk_shop_leave(&writing->held);
	arena_fini(&writing->arena);
}

enum err desk_write_begin(struct desk_writing *ret_writing, struct desk *desk, struct slice token,
			  enum operation operation, const char *purpose, struct fault *fault)
{
	enter(ret_writing, desk, fault);
	TRY(desk_begin(desk, token, operation, purpose, &ret_writing->request, fault));
	ret_writing->operation.purpose = arena_text(&ret_writing->arena, slice_text(purpose));
	return ret_writing->operation.purpose == NULL ? ERR_MEMORY : ERR_OK;
}

enum err desk_write_begin_ungranted(struct desk_writing *ret_writing, struct desk *desk, struct slice token,
				    struct fault *fault)
{
	enter(ret_writing, desk, fault);
	TRY(desk_who(desk, token, &ret_writing->request.actor, fault));
	ret_writing->request.now_ms = shop_now_ms(desk->shop);
	return ERR_OK;
}

/* ---- the customer ---- */

static bool is_open(const struct desk_writing *writing)
{
	return shop_copy_is_open(writing->request.shop, writing->request.purpose) == ERR_OK;
}

enum err desk_write_about(struct desk_writing *writing, const uint8_t customer[static PSEUDONYM_SIZE])
{
	struct arena scratch CLEANUP(arena_fini) = {0};
	struct desk_row row;

	writing->basis = desk_seen_version(writing->request.desk, customer);
	if (!is_open(writing))
		return ERR_OK;
	arena_init(&scratch, REQUEST_ARENA_MAX);
	enum err err = desk_row(&writing->request, SLICE(customer, PSEUDONYM_SIZE), &scratch, &row);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err != ERR_OK)
		return fault_set(writing->request.fault, err, "the copy cannot be read: %s", error_text(err));
	writing->basis = row.version;
	desk_facts(&writing->request, row.values);
	return desk_decide_on(&writing->request);
}

enum err desk_write_find(struct desk_writing *writing, const struct charter_field *field, struct slice normal,
			 uint8_t ret_customer[static PSEUDONYM_SIZE])
{
	struct desk_request *request = &writing->request;

	if (!is_open(writing))
		return ERR_NOT_FOUND;
	enum err err = replica_find(&request->shop->replica, request->purpose, field->number, normal, ret_customer);
	if (err == ERR_AMBIGUOUS)
		return fault_set(request->fault, err, "more than one member has this %s", field->name);
	return err;
}

/* ---- values ---- */

/* A mask's bullet: what a till shows masked does not come back as a value. */
static bool is_masked(const char *value)
{
	return strstr(value, "\xe2\x80\xa2") != NULL;
}

static enum err check_value(struct desk_writing *writing, const struct charter_field *field, const char *value)
{
	struct fault *fault = writing->request.fault;

	if (value[0] == '\0')
		return ERR_OK;
	if (is_masked(value))
		return fault_set(fault, ERR_VALUE, "the value of %s is a masked one", field->name);
	if (field_check_value(field, slice_text(value)) != ERR_OK)
		return fault_set(fault, ERR_VALUE, "the value of %s is not of its type", field->name);
	return ERR_OK;
}

static enum err make_value(struct desk_writing *writing, const struct desk_input *input,
			   Kluis__Value *by_number[static FIELDS_MAX])
{
	const struct charter_field *field = charter_field_by_name(writing->request.shop->charter, input->field);
	struct fault *fault = writing->request.fault;

	if (field == NULL)
		return fault_set(fault, ERR_FIELD, "a field that the charter does not have");
	if ((writing->request.verdict.fields >> (field->number - 1) & 1) == 0)
		return desk_refuse(&writing->request, ERR_NOT_GRANTED_FIELD);
	if (by_number[field->number - 1] != NULL)
		return fault_set(fault, ERR_INPUT, "%s is there twice", field->name);
	TRY(check_value(writing, field, input->value));
	Kluis__Value *value = arena_alloc(&writing->arena, sizeof *value);
	if (value == NULL)
		return ERR_MEMORY;
	kluis__value__init(value);
	value->field = field->number;
	value->value = arena_text(&writing->arena, slice_text(input->value));
	by_number[field->number - 1] = value;
	return value->value == NULL ? ERR_MEMORY : ERR_OK;
}

enum err desk_write_values(struct desk_writing *writing, const struct desk_input *inputs, size_t count,
			   Kluis__Values *ret_values, size_t *ret_filled)
{
	Kluis__Value *by_number[FIELDS_MAX] = {NULL};

	for (size_t i = 0; i < count; i++)
		TRY(make_value(writing, &inputs[i], by_number));
	kluis__values__init(ret_values);
	ret_values->values = arena_array(&writing->arena, FIELDS_MAX, sizeof(Kluis__Value *));
	if (ret_values->values == NULL)
		return ERR_MEMORY;
	*ret_filled = 0;
	for (size_t i = 0; i < FIELDS_MAX; i++) {
		if (by_number[i] == NULL)
			continue;
		ret_values->values[ret_values->n_values++] = by_number[i];
		*ret_filled += by_number[i]->value[0] != '\0';
	}
	return ERR_OK;
}

enum err desk_write_consent(struct desk_writing *writing, const struct desk_consent *consent,
			    Kluis__ConsentState *ret_state)
{
	struct fault *fault = writing->request.fault;

	if (charter_purpose(writing->request.shop->charter, slice_text(consent->purpose)) < 0)
		return fault_set(fault, ERR_PURPOSE, "a consent to a purpose that the charter does not have");
	kluis__consent_state__init(ret_state);
	ret_state->status = consent->status;
	ret_state->purpose = arena_text(&writing->arena, slice_text(consent->purpose));
	return ret_state->purpose == NULL ? ERR_MEMORY : ERR_OK;
}

enum err desk_write_copy(struct desk_writing *writing, struct slice bytes, ProtobufCBinaryData *ret_data)
{
	uint8_t *copy = arena_copy(&writing->arena, bytes);

	if (copy == NULL)
		return ERR_MEMORY;
	*ret_data = wire_data(SLICE(copy, bytes.length));
	return ERR_OK;
}

enum err desk_write_add(struct desk_writing *writing, uint64_t *ret_number)
{
	const struct desk_request *request = &writing->request;
	struct fault *fault = request->fault;

	TRY(operation_check(&writing->operation, fault));
	enum err err = outbox_add(request->shop->outbox, &writing->operation, writing->part,
				  SLICE_ARRAY(request->actor.employee), request->now_ms, ret_number);
	if (err == ERR_BUSY)
		return fault_set(fault, err, "the outbox is full: the broker has been away for too long");
	return err == ERR_OK ? err : fault_set(fault, err, "not taken, it cannot be kept here: %s", error_text(err));
}
