/* Signing in and out, and how the agent stands. */
#include <string.h>

#include "kluis/keys.h"
#include "till/till_call.h"

#define BUSY_S 30 /* the shortest wait after wrong PINs */

enum err call_sign_in(struct call *call)
{
	uint8_t token[DESK_TOKEN_SIZE];
	char role[NAME_MAX_ + 1], text[2 * DESK_TOKEN_SIZE + 1];
	const char *pin = member_text(call->body, "pin");

	enum err err =
		desk_open(call->desk, member_text(call->body, "name"), slice_text(pin), token, role, &call->fault);
	if (err == ERR_BUSY)
		call->retry_after_s = BUSY_S;
	TRY(err);
	hex_print(SLICE_ARRAY(token), text);
	call->answer = json_pack("{s:s, s:s}", "token", text, "role", role);
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}

enum err call_sign_out(struct call *call)
{
	return desk_close(call->desk, call->token);
}

enum err call_status(struct call *call)
{
	const struct till_server_options *options = call->api->options;

	call->answer = options->status(options->status_context);
	return call->answer == NULL ? ERR_MEMORY : ERR_OK;
}
