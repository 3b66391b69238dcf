/* Who is not in the copy is asked for at the broker, whose log then has the access. */
#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "desk/desk_internal.h"
#include "given.h"

struct asking {
	struct desk *desk;
	const struct desk_question *question;
	struct arena *arena;
	struct fault *fault;
	const Kluis__Result *result;
	const Kluis__Part *part;
	struct desk_member member;
};

/* ---- the question ---- */

static enum err make_part(struct asking *asking, ProtobufCBinaryData *ret_commitment, Kluis__Part **ret_part)
{
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT, *list = &value;

	value.field = asking->question->field;
	value.value = arena_text(asking->arena, slice_text(asking->question->value));
	if (value.value == NULL)
		return ERR_MEMORY;
	values.values = &list;
	values.n_values = 1;
	return part_make(&values.base, asking->arena, ret_part, ret_commitment);
}

static enum err send_question(struct asking *asking)
{
	const struct desk_line *line = &asking->desk->line;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lookup lookup = KLUIS__LOOKUP__INIT;
	Kluis__Part *part;
	char purpose[NAME_MAX_ + 1];

	if (line->lookup == NULL)
		return ERR_NETWORK;
	TRY(make_part(asking, &lookup.commitment, &part));
	snprintf(purpose, sizeof purpose, "%s", asking->question->purpose);
	lookup.field = asking->question->field;
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	operation.lookup = &lookup;
	return line->lookup(line->context, &operation, part, SLICE_ARRAY(asking->question->employee), asking->arena,
			    &asking->result, &asking->part, &asking->member.record, asking->fault);
}

/* Whoever waits for the broker holds a thread of the till server: others must be left for what is in the copy. */
static enum err send(struct asking *asking)
{
	_Atomic unsigned *count = &asking->desk->asking;
	bool is_taken = (*count)++ < DESK_ASKING_MAX;
	enum err err = is_taken ? send_question(asking)
				: fault_set(asking->fault, ERR_BUSY,
					    "not in the copy, and %d others wait for the broker", DESK_ASKING_MAX);

	(*count)--;
	return err;
}

static enum err no_answer(const struct asking *asking, enum err err)
{
	if (err == ERR_NETWORK || err == ERR_TIMEOUT) {
		if (asking->fault != NULL)
			asking->fault->text[0] = '\0';
		return fault_set(asking->fault, ERR_NETWORK, "not in the copy, and the broker is away");
	}
	return fault_set(asking->fault, err, "%s", error_text(err));
}

/* ---- the answer ---- */

static enum err verdict(const struct asking *asking)
{
	const Kluis__Result *result = asking->result;
	unsigned long long entry = asking->member.record;

	if (result->code == ERR_OK)
		return ERR_OK;
	if (!error_is_known(result->code))
		return fault_set(asking->fault, ERR_MISMATCH, "the broker gave an unknown code");
	if (result->code == ERR_NOT_FOUND)
		return fault_set(asking->fault, ERR_NOT_FOUND, "no such member (log entry %llu)", entry);
	return fault_set(asking->fault, (enum err)result->code, "refused: %s%s%s%s (log entry %llu)",
			 error_text((enum err)result->code), result->clause == NULL ? "" : " [",
			 result->clause == NULL ? "" : result->clause, result->clause == NULL ? "" : "]", entry);
}

/* The grant must be one that gives these fields for this. */
static const struct grant *grant_of(const struct asking *asking, const struct shop *shop)
{
	const Kluis__Disclosure *disclosure = asking->result->disclosures[0];
	int purpose = charter_purpose(shop->charter, slice_text(asking->question->purpose));

	if (disclosure->grant >= shop->agreement->grant_count)
		return NULL;
	const struct grant *grant = &shop->agreement->grants[disclosure->grant];
	bool is_for_this = grant->purpose == purpose && (grant->operations >> OPERATION_LOOKUP & 1) != 0;
	return is_for_this && (disclosure->fields & ~grant->fields) == 0 ? grant : NULL;
}

static enum err show_value(struct asking *asking, const struct shop *shop, const struct grant *grant,
			   const Kluis__Value *from, struct desk_value *ret_value)
{
	const struct charter_field *field = charter_field_by_number(shop->charter, from->field);

	if (field == NULL)
		return fault_set(asking->fault, ERR_MISMATCH, "the broker gave a field that the charter does not have");
	ret_value->field = arena_text(asking->arena, slice_text(field->name));
	ret_value->value = from->value;
	ret_value->is_masked = grant->mask_of[from->field - 1] != 0;
	return ret_value->field == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err show_values(struct asking *asking, const struct shop *shop, const struct grant *grant)
{
	struct desk_member *member = &asking->member;
	Kluis__Values *values;

	TRY(given_open(wire_slice(asking->part->content), asking->result->disclosures[0]->fields, asking->arena,
		       &values, asking->fault));
	TRY(given_to_till(values, shop->charter, grant, asking->fault));
	member->values = arena_array(asking->arena, values->n_values + 1, sizeof *member->values);
	if (member->values == NULL)
		return ERR_MEMORY;
	for (; member->value_count < values->n_values; member->value_count++)
		TRY(show_value(asking, shop, grant, values->values[member->value_count],
			       &member->values[member->value_count]));
	return ERR_OK;
}

/* R91: what the copy may still show today counts whom the broker has shown. */
static enum err count(const struct asking *asking, struct shop *shop)
{
	uint32_t ordinal = asking->result->disclosures[0]->grant;
	const struct grant *grant = &shop->agreement->grants[ordinal];
	struct journal_access access = {.count_grant = (int)ordinal};

	if (grant->per_day == 0)
		return ERR_OK;
	access.count_day = grant_day(grant, shop_now_ms(shop) / 1000);
	memcpy(access.agreement, shop->agreement->hash, HASH_SIZE);
	memcpy(access.customer, asking->member.customer, PSEUDONYM_SIZE);
	enum err err = journal_count_elsewhere(shop->journal, &access);
	return err == ERR_OK ? err
			     : fault_set(asking->fault, err, "this access cannot be counted: %s", error_text(err));
}

static enum err show(struct asking *asking, const struct shop *shop)
{
	const Kluis__Result *result = asking->result;
	struct desk_member *member = &asking->member;
	bool is_one = result->n_disclosures == 1 && asking->part != NULL && result->clause != NULL &&
		      result->disclosures[0]->customer.len == PSEUDONYM_SIZE;
	const struct grant *grant = is_one ? grant_of(asking, shop) : NULL;

	if (grant == NULL)
		return fault_set(asking->fault, ERR_MISMATCH, "the broker gave something outside the agreement");
	memcpy(member->customer, result->disclosures[0]->customer.data, PSEUDONYM_SIZE);
	member->version = result->disclosures[0]->version;
	member->source = DESK_BROKER;
	member->clause = arena_text(asking->arena, slice_text(result->clause));
	return member->clause == NULL ? ERR_MEMORY : show_values(asking, shop, grant);
}

/* While the question was under way, the session may have ended and another agreement may have come. */
static enum err check_still(const struct asking *asking, const struct shop *shop)
{
	struct desk_session actor;

	TRY(desk_who(asking->desk, asking->question->token, &actor, asking->fault));
	if (shop->agreement == NULL || memcmp(shop->agreement->hash, asking->question->agreement, HASH_SIZE) != 0)
		return fault_set(asking->fault, ERR_OTHER_AGREEMENT, "the agreement was changed meanwhile: ask again");
	return ERR_OK;
}

static enum err take_answer(struct asking *asking)
{
	TRY(verdict(asking));
	struct shop *shop CLEANUP(desk_shop_leave) = desk_shop_enter(asking->desk);
	TRY(check_still(asking, shop));
	TRY(show(asking, shop));
	TRY(count(asking, shop));
	desk_seen_put(asking->desk, asking->member.customer, asking->member.version);
	return ERR_OK;
}

/* The till is told; whoever looks after the store is to hear it too. */
static void alarm(const struct asking *asking)
{
	struct shop *shop = asking->desk->shop;
	const char *why = asking->fault == NULL ? "" : asking->fault->text;

	alarm_raise(shop->store, ALARM_MISMATCH, shop_now_ms(shop), "a lookup: %.200s",
		    why[0] == '\0' ? error_text(ERR_MISMATCH) : why);
}

enum err desk_ask(struct desk *desk, const struct desk_question *question, struct arena *arena,
		  struct desk_member *ret_member, bool *ret_is_logged, struct fault *fault)
{
	struct asking asking = {.desk = desk, .question = question, .arena = arena, .fault = fault};
	enum err err = send(&asking);

	*ret_is_logged = err == ERR_OK;
	err = err == ERR_OK ? take_answer(&asking) : no_answer(&asking, err);
	if (err == ERR_MISMATCH)
		alarm(&asking);
	TRY(err);
	*ret_member = asking.member;
	return ERR_OK;
}
