/* Data subjects' requests, incidents, and what the broker refused of what the store wrote. */
#include <stdio.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/keys.h"
#include "kluis/operation.h"
#include "till/till_call.h"

#define OUTBOX_SHOWN_MAX 200

struct word {
	const char *text;
	uint32_t number;
};

static enum err read_word(const struct word *words, const char *text, const char *what, uint32_t *ret_number,
			  struct fault *fault)
{
	for (const struct word *word = words; word->text != NULL; word++) {
		if (strcmp(word->text, text) == 0) {
			*ret_number = word->number;
			return ERR_OK;
		}
	}
	char known[128] = "";
	for (const struct word *word = words; word->text != NULL; word++) {
		size_t length = strlen(known);
		snprintf(known + length, sizeof known - length, "%s%s", length == 0 ? "" : ", ", word->text);
	}
	return fault_set(fault, ERR_INPUT, "'%s' is none of %s", what, known);
}

static enum err answer_number(struct call *call, uint64_t number)
{
	call->answer = json_pack("{s:I}", "outbox", (json_int_t)number);
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}

/* The articles of GDPR chapter III. */
enum err call_request(struct call *call)
{
	static const struct word rights[] = {
		{"access", 15},	     {"rectification", 16}, {"erasure", 17}, {"restriction", 18},
		{"portability", 20}, {"objection", 21},	    {NULL, 0}};
	const char *member = member_text(call->body, "member");
	uint8_t customer[PSEUDONYM_SIZE];
	uint32_t right = 0;
	uint64_t number;

	TRY(read_word(rights, member_text(call->body, "right"), "right", &right, &call->fault));
	if (member != NULL)
		TRY(member_id(member, "member", customer, &call->fault));
	TRY(desk_subject_request(call->desk, call->token, right, member == NULL ? NULL : customer,
				 member_text(call->body, "text"), &number, &call->fault));
	return answer_number(call, number);
}

enum err call_incident(struct call *call)
{
	static const struct word kinds[] = {
		{"loss", 1},  {"theft", 2}, {"unauthorised-access", 3}, {"wrong-recipient", 4}, {"tampering", 5},
		{"other", 6}, {NULL, 0}};
	const char *since = member_text(call->body, "since");
	uint32_t kind = 0;
	uint64_t since_ms = 0, number;

	TRY(read_word(kinds, member_text(call->body, "kind"), "kind", &kind, &call->fault));
	if (since != NULL && time_from_text(since, &since_ms) != ERR_OK)
		return fault_set(&call->fault, ERR_INPUT, "'since' is not a time such as 2026-11-22T14:30Z");
	TRY(desk_incident(call->desk, call->token, kind, since_ms, member_text(call->body, "text"), &number,
			  &call->fault));
	return answer_number(call, number);
}

/* ---- what was set aside ---- */

static enum err add_refused(void *context, const struct outbox_item *item)
{
	const struct operation_row *row = operation_row(item->operation->kind_case);
	char time[25];

	time_print(item->time_ms, time);
	json_t *entry = json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "number", (json_int_t)item->number, "operation",
				  row == NULL ? "" : row->name, "time", time, "reason", error_name(item->reason),
				  "clause", item->clause, "entry", (json_int_t)item->entry);
	return json_array_append_new(context, entry) == 0 ? ERR_OK : ERR_MEMORY;
}

enum err call_outbox(struct call *call)
{
	struct outbox *outbox = call->api->options->outbox;
	json_t *refused = json_array();
	uint64_t waiting, count;

	TRY(desk_is_open(call->desk, call->token, &call->fault));
	if (refused == NULL)
		return ERR_MEMORY;
	enum err err = outbox_each(outbox, OUTBOX_REFUSED, OUTBOX_SHOWN_MAX, &call->arena, add_refused, refused);
	outbox_counts(outbox, &waiting, &count);
	call->answer = json_pack("{s:I, s:I, s:o}", "waiting", (json_int_t)waiting, "refused", (json_int_t)count,
				 "items", refused);
	if (call->answer == NULL)
		return ERR_MEMORY;
	return err;
}
