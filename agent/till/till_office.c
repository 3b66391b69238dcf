/* What the folder's owner has the daemon do, by name (run/office.c). */
#include <string.h>

#include "till/till_call.h"

static bool is_among(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = names; at != NULL && *at != '\0'; at += strspn(at, " ")) {
		size_t next = strcspn(at, " ");
		if (next == length && memcmp(at, name, length) == 0)
			return true;
		at += next;
	}
	return false;
}

/* Quotes nothing: a value may have slipped into a name. */
static enum err check_members(const struct till_office_call *row, json_t *body, struct fault *fault)
{
	const char *name;
	json_t *value;

	if (!json_is_object(body))
		return fault_set(fault, ERR_INPUT, "not a JSON object");
	json_object_foreach(body, name, value)
	{
		(void)value;
		if (!is_among(row->members, name))
			return fault_set(fault, ERR_INPUT, "a member that is not known here");
	}
	return ERR_OK;
}

enum err call_office(struct call *call)
{
	const struct till_server_options *options = call->api->options;

	for (size_t i = 0; i < options->office_count; i++) {
		const struct till_office_call *row = &options->office[i];
		if (strcmp(row->name, call->rest) != 0)
			continue;
		TRY(check_members(row, call->body, &call->fault));
		return row->call(options->office_context, call->body, &call->answer, &call->fault);
	}
	return fault_set(&call->fault, ERR_NOT_FOUND, "no such call; see openapi.json");
}
