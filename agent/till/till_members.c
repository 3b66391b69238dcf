/* Who is this, and what a store says of its members. */
#include <string.h>

#include "kluis/clock.h"
#include "kluis/keys.h"
#include "till/till_call.h"

/* ---- what was found ---- */

static json_t *json_of_values(const struct desk_member *member)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < member->value_count; i++) {
		const struct desk_value *value = &member->values[i];
		json_t *item = json_pack("{s:s, s:s, s:b}", "field", value->field, "value", value->value, "masked",
					 value->is_masked);
		if (json_array_append_new(list, item) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *json_of_superseded(const struct desk_member *member)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < member->superseded_count; i++) {
		const struct desk_superseded *lost = &member->superseded[i];
		char made[25];
		time_print(lost->made_ms, made);
		json_t *item = json_pack("{s:s, s:s, s:I, s:s}", "field", lost->field, "value", lost->value, "store",
					 (json_int_t)lost->store, "made", made);
		if (json_array_append_new(list, item) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static enum err answer_member(struct call *call, const struct desk_member *member)
{
	char id[2 * PSEUDONYM_SIZE + 1];

	hex_print(SLICE_ARRAY(member->customer), id);
	call->answer =
		json_pack("{s:s, s:I, s:s, s:s, s:I, s:o, s:o}", "id", id, "version", (json_int_t)member->version,
			  "source", member->source == DESK_COPY ? "copy" : "broker", "clause",
			  member->clause == NULL ? "" : member->clause, "record", (json_int_t)member->record, "values",
			  json_of_values(member), "superseded", json_of_superseded(member));
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}

enum err call_lookup(struct call *call)
{
	const char *id = member_text(call->body, "id"), *field = member_text(call->body, "field");
	const char *value = member_text(call->body, "value");
	struct desk_member member;

	if ((id == NULL) == (field == NULL) || (field == NULL) != (value == NULL))
		return fault_set(&call->fault, ERR_INPUT, "say 'field' and 'value', or 'id'");
	TRY(desk_lookup(call->desk, call->token, member_text(call->body, "purpose"), field, id != NULL ? id : value,
			&call->arena, &member, &call->fault));
	return answer_member(call, &member);
}

/* ---- what is written ---- */

/* [{"field": ..., "value": ...}, ...] */
static enum err read_values(struct call *call, struct desk_input **ret_values, size_t *ret_count)
{
	static const struct member members[] = {
		{"field", MEMBER_TEXT, true}, {"value", MEMBER_TEXT, true}, MEMBERS_END};
	const json_t *list = json_object_get(call->body, "values");
	size_t count = json_array_size(list);

	if (count > FIELDS_MAX)
		return fault_set(&call->fault, ERR_INPUT, "more than %d values", FIELDS_MAX);
	struct desk_input *values = arena_array(&call->arena, count + 1, sizeof *values);
	if (values == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		TRY(members_check(item, members, &call->fault));
		values[i].field = member_text(item, "field");
		values[i].value = member_text(item, "value");
	}
	*ret_values = values;
	*ret_count = count;
	return ERR_OK;
}

/* DPV's words, FORMAT.md R115. */
static enum err read_status(struct call *call, const char *text, uint32_t *ret_status)
{
	static const char *const statuses[] = {"unknown", "requested", "deferred",  "refused", "given",
					       "renewed", "expired",   "withdrawn", "revoked", "invalidated"};

	for (uint32_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		if (strcmp(statuses[i], text) == 0) {
			*ret_status = i;
			return ERR_OK;
		}
	}
	return fault_set(&call->fault, ERR_INPUT,
			 "'status' is not given, withdrawn or another of DPV's consent statuses");
}

static enum err read_consent(struct call *call, const json_t *item, struct desk_consent *ret_consent)
{
	ret_consent->purpose = member_text(item, "to");
	return read_status(call, member_text(item, "status"), &ret_consent->status);
}

static enum err read_consents(struct call *call, struct desk_consent **ret_consents, size_t *ret_count)
{
	static const struct member members[] = {{"to", MEMBER_TEXT, true}, {"status", MEMBER_TEXT, true}, MEMBERS_END};
	const json_t *list = json_object_get(call->body, "consents");
	size_t count = json_array_size(list);

	if (count > PURPOSES_MAX)
		return fault_set(&call->fault, ERR_INPUT, "more than %d consents", PURPOSES_MAX);
	struct desk_consent *consents = arena_array(&call->arena, count + 1, sizeof *consents);
	if (consents == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		TRY(members_check(json_array_get(list, i), members, &call->fault));
		TRY(read_consent(call, json_array_get(list, i), &consents[i]));
	}
	*ret_consents = consents;
	*ret_count = count;
	return ERR_OK;
}

static enum err answer_number(struct call *call, uint64_t number)
{
	call->answer = json_pack("{s:I}", "outbox", (json_int_t)number);
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}

enum err call_register(struct call *call)
{
	struct desk_input *values;
	struct desk_consent *consents = NULL;
	size_t value_count, consent_count = 0;
	uint8_t customer[PSEUDONYM_SIZE];
	char id[2 * PSEUDONYM_SIZE + 1];
	uint64_t number;

	TRY(read_values(call, &values, &value_count));
	TRY(read_consents(call, &consents, &consent_count));
	TRY(desk_register(call->desk, call->token, member_text(call->body, "purpose"), values, value_count, consents,
			  consent_count, customer, &number, &call->fault));
	hex_print(SLICE_ARRAY(customer), id);
	call->answer = json_pack("{s:s, s:I}", "id", id, "outbox", (json_int_t)number);
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}

enum err call_change(struct call *call)
{
	struct desk_input *values;
	size_t count;
	uint8_t customer[PSEUDONYM_SIZE];
	uint64_t number;

	TRY(member_id(call->id, "the member in the path", customer, &call->fault));
	TRY(read_values(call, &values, &count));
	TRY(desk_update(call->desk, call->token, member_text(call->body, "purpose"), customer, values, count, &number,
			&call->fault));
	return answer_number(call, number);
}

enum err call_consent(struct call *call)
{
	struct desk_consent consent;
	uint8_t customer[PSEUDONYM_SIZE];
	uint64_t number;

	TRY(member_id(call->id, "the member in the path", customer, &call->fault));
	TRY(read_consent(call, call->body, &consent));
	TRY(desk_consent(call->desk, call->token, member_text(call->body, "purpose"), customer, &consent, &number,
			 &call->fault));
	return answer_number(call, number);
}
