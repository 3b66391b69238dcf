/* What the folder's owner has the daemon do, by name (run/office.c). */
#include <string.h>

#include "till/call.h"

enum err call_office(struct call *call)
{
	const struct till_server_options *options = call->api->options;

	for (size_t i = 0; i < options->office_count; i++)
		if (strcmp(options->office[i].name, call->rest) == 0)
			return options->office[i].call(options->office_context, call->body, &call->answer,
						       &call->fault);
	return fault_set(&call->fault, ERR_NOT_FOUND, "no such call; see openapi.json");
}
