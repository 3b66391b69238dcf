/* Receipts: amounts are decimal text, never floating point. */
#include "kluis/clock.h"
#include "kluis/decimal.h"
#include "till/till_call.h"

static const struct member line_members[] = {{"product", MEMBER_TEXT, true},
					     {"units", MEMBER_TEXT, true},
					     {"amount", MEMBER_TEXT, true},
					     {"cost", MEMBER_TEXT, false},
					     MEMBERS_END};

static enum err read_amount(struct call *call, const json_t *line, const char *name, int64_t *ret_amount)
{
	if (decimal_parse(slice_text(member_text(line, name)), ret_amount) != ERR_OK)
		return fault_set(&call->fault, ERR_INPUT, "'%s' is not a decimal number as text, such as \"2.99\"",
				 name);
	return ERR_OK;
}

static enum err read_line(struct call *call, const json_t *line, struct desk_line_item *ret_line)
{
	TRY(members_check(line, line_members, &call->fault));
	ret_line->product = member_text(line, "product");
	TRY(read_amount(call, line, "units", &ret_line->units));
	TRY(read_amount(call, line, "amount", &ret_line->amount));
	ret_line->has_cost = member_text(line, "cost") != NULL;
	return ret_line->has_cost ? read_amount(call, line, "cost", &ret_line->cost) : ERR_OK;
}

static enum err read_lines(struct call *call, struct desk_receipt *receipt)
{
	const json_t *list = json_object_get(call->body, "lines");
	size_t count = json_array_size(list);

	if (count > LINES_MAX)
		return fault_set(&call->fault, ERR_INPUT, "more than %d lines", LINES_MAX);
	struct desk_line_item *lines = arena_array(&call->arena, count + 1, sizeof *lines);
	if (lines == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		TRY(read_line(call, json_array_get(list, i), &lines[i]));
	receipt->lines = lines;
	receipt->line_count = count;
	return ERR_OK;
}

/* By id, or by a field's value. */
static enum err read_member(struct call *call, struct desk_receipt *receipt)
{
	const char *member = member_text(call->body, "member");

	receipt->field = member_text(call->body, "field");
	receipt->value = member_text(call->body, "value");
	if ((member == NULL) == (receipt->field == NULL) || (receipt->field == NULL) != (receipt->value == NULL))
		return fault_set(&call->fault, ERR_INPUT, "say 'member', or 'field' and 'value'");
	if (member != NULL)
		receipt->value = member;
	return ERR_OK;
}

enum err call_receipt(struct call *call)
{
	struct desk_receipt receipt = {0};
	const char *id = member_text(call->body, "id");
	uint64_t number;

	TRY(read_member(call, &receipt));
	if (id != NULL)
		TRY(member_id(id, "id", receipt.id, &call->fault));
	receipt.has_id = id != NULL;
	if (date_from_text(member_text(call->body, "day"), &receipt.day) != ERR_OK)
		return fault_set(&call->fault, ERR_INPUT, "'day' is not a date such as 2026-11-22");
	TRY(read_lines(call, &receipt));
	TRY(desk_receipt(call->desk, call->token, member_text(call->body, "purpose"), &receipt, &number, &call->fault));
	call->answer = json_pack("{s:I}", "outbox", (json_int_t)number);
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}
