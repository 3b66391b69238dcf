#include "till/till_api.h"

#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/keys.h"
#include "till/door.h"
#include "till/till_call.h"

#define BEARER "Bearer "

enum access { ACCESS_OPEN, ACCESS_SESSION, ACCESS_ADMIN };

/* '*' stands for a member's id, "**" for the rest. */
static const struct route {
	const char *method, *path;
	enum access access;
	enum till_lane lane;
	const struct member *members; /* of the body; NULL: the call has its own */
	call_fn *call;
	unsigned status; /* when it went well */
} routes[] = {
	{"POST", "/v1/sessions", ACCESS_OPEN, TILL_LANE_PIN,
	 (const struct member[]){{"name", MEMBER_TEXT, true}, {"pin", MEMBER_TEXT, true}, MEMBERS_END}, call_sign_in,
	 201},
	{"DELETE", "/v1/sessions/current", ACCESS_SESSION, TILL_LANE_DESK, NULL, call_sign_out, 204},
	{"POST", "/v1/members/lookup", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){{"purpose", MEMBER_TEXT, true},
				 {"field", MEMBER_TEXT, false},
				 {"value", MEMBER_TEXT, false},
				 {"id", MEMBER_TEXT, false},
				 MEMBERS_END},
	 call_lookup, 200},
	{"POST", "/v1/members", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){{"purpose", MEMBER_TEXT, true},
				 {"values", MEMBER_LIST, true},
				 {"consents", MEMBER_LIST, false},
				 MEMBERS_END},
	 call_register, 202},
	{"POST", "/v1/members/*/changes", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){{"purpose", MEMBER_TEXT, true}, {"values", MEMBER_LIST, true}, MEMBERS_END},
	 call_change, 202},
	{"POST", "/v1/members/*/consents", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){
		 {"purpose", MEMBER_TEXT, true}, {"to", MEMBER_TEXT, true}, {"status", MEMBER_TEXT, true}, MEMBERS_END},
	 call_consent, 202},
	{"POST", "/v1/receipts", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){{"purpose", MEMBER_TEXT, true},
				 {"id", MEMBER_TEXT, false},
				 {"member", MEMBER_TEXT, false},
				 {"field", MEMBER_TEXT, false},
				 {"value", MEMBER_TEXT, false},
				 {"day", MEMBER_TEXT, true},
				 {"lines", MEMBER_LIST, true},
				 MEMBERS_END},
	 call_receipt, 202},
	{"POST", "/v1/requests", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){{"right", MEMBER_TEXT, true},
				 {"member", MEMBER_TEXT, false},
				 {"text", MEMBER_TEXT, true},
				 MEMBERS_END},
	 call_request, 202},
	{"POST", "/v1/incidents", ACCESS_SESSION, TILL_LANE_DESK,
	 (const struct member[]){
		 {"kind", MEMBER_TEXT, true}, {"since", MEMBER_TEXT, false}, {"text", MEMBER_TEXT, true}, MEMBERS_END},
	 call_incident, 202},
	{"GET", "/v1/outbox", ACCESS_SESSION, TILL_LANE_DESK, NULL, call_outbox, 200},
	{"GET", "/v1/status", ACCESS_OPEN, TILL_LANE_DESK, NULL, call_status, 200},
	{"POST", "/v1/admin/**", ACCESS_ADMIN, TILL_LANE_OFFICE, NULL, call_office, 200},
};

/* ---- finding the route ---- */

/* True if path fits; the id and the rest go into call. */
static bool matches(const char *pattern, const char *path, struct call *call)
{
	size_t head = strcspn(pattern, "*");

	if (strncmp(pattern, path, head) != 0)
		return false;
	if (pattern[head] == '\0')
		return path[head] == '\0';
	if (pattern[head + 1] == '*') {
		call->rest = path + head;
		return *call->rest != '\0';
	}
	size_t length = strcspn(path + head, "/");
	if (length != sizeof call->id - 1 || strcmp(path + head + length, pattern + head + 1) != 0)
		return false;
	memcpy(call->id, path + head, length);
	call->id[length] = '\0';
	return true;
}

/* NULL with the status 404 or 405. */
static const struct route *find(const struct till_request *request, struct call *call, struct till_response *response)
{
	response->status = 404;
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		if (!matches(routes[i].path, request->uri, call))
			continue;
		if (strcmp(routes[i].method, request->method) == 0)
			return &routes[i];
		response->status = 405;
		response->allow = routes[i].method;
	}
	return NULL;
}

enum till_lane till_api_lane(const struct till_request *request)
{
	struct call call = {0};
	struct till_response response;
	const struct route *route = NULL;

	if (request->uri != NULL && request->method != NULL)
		route = find(request, &call, &response);
	return route == NULL ? TILL_LANE_DESK : route->lane;
}

/* ---- who asks ---- */

static enum err take_token(const struct till_request *request, struct call *call)
{
	const char *given = request->authorization;

	if (given == NULL || strncmp(given, BEARER, sizeof BEARER - 1) != 0 ||
	    hex_parse(slice_text(given + sizeof BEARER - 1), call->token_place, DESK_TOKEN_SIZE) != ERR_OK)
		return fault_set(&call->fault, ERR_PRINCIPAL, "sign in first: Authorization: Bearer <token>");
	call->token = SLICE_ARRAY(call->token_place);
	return ERR_OK;
}

static enum err check_admin(const struct call *call, struct fault *fault)
{
	const char *expected = call->api->options->admin_token;
	uint8_t token[DESK_TOKEN_SIZE];
	bool is_right = expected != NULL && hex_parse(slice_text(expected), token, sizeof token) == ERR_OK &&
			secret_equal(call->token, SLICE_ARRAY(token));

	wipe(token, sizeof token);
	return is_right ? ERR_OK
			: fault_set(fault, ERR_PRINCIPAL, "not the token of this agent's folder (admin.token)");
}

static enum err authorize(const struct till_request *request, const struct route *route, struct call *call)
{
	if (route->access == ACCESS_OPEN)
		return ERR_OK;
	TRY(take_token(request, call));
	/* before anything of the body is looked at */
	return route->access == ACCESS_ADMIN ? check_admin(call, &call->fault)
					     : desk_is_open(call->desk, call->token, &call->fault);
}

/* ---- statuses ---- */

static unsigned status_of(enum err err)
{
	static const struct {
		enum err err;
		unsigned status;
	} table[] = {
		{ERR_PRINCIPAL, 401}, {ERR_FORBIDDEN, 401}, {ERR_NOT_FOUND, 404}, {ERR_TOO_LARGE, 413},
		{ERR_NETWORK, 503},   {ERR_TIMEOUT, 503},   {ERR_BUSY, 503},	  {ERR_DISK_FULL, 507},
		{ERR_AMBIGUOUS, 409}, {ERR_EXISTS, 409},    {ERR_STATE, 403},	  {ERR_OTHER_AGREEMENT, 409},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].err == err)
			return table[i].status;
	if (err >= ERR_NO_AGREEMENT && err < ERR_PROOF)
		return 403;
	return err >= ERR_USAGE && err < ERR_PRINCIPAL ? 400 : 500;
}

static void answer_error(struct till_response *response, unsigned status, enum err err, const char *text)
{
	json_t *body = json_pack("{s:s, s:s}", "error", error_name(err), "text", text);

	response->status = status;
	response->body = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
}

static void answer_fault(struct till_response *response, const struct call *call, enum err err)
{
	const char *text = call->fault.text[0] != '\0' ? call->fault.text : error_text(err);

	response->retry_after_s = call->retry_after_s;
	answer_error(response, call->retry_after_s > 0 ? 429 : status_of(err), err, text);
}

/* ---- answering ---- */

/* Duplicate names, bytes behind the end and what is not UTF-8 are refused by the parser. */
static enum err read_body(const struct till_request *request, json_t **ret_body, struct fault *fault)
{
	json_error_t error;
	json_t *body;

	if (request->body.length == 0) {
		*ret_body = json_object();
		return *ret_body == NULL ? ERR_MEMORY : ERR_OK;
	}
	body = json_loadb((const char *)request->body.data, request->body.length, JSON_REJECT_DUPLICATES, &error);
	if (body == NULL) /* the parser's own words quote what it met */
		return fault_set(fault, ERR_INPUT, "not JSON, at byte %d", error.position);
	*ret_body = body;
	return ERR_OK;
}

static enum err run(const struct route *route, const struct till_request *request, struct call *call)
{
	static const struct member nothing[] = {MEMBERS_END};
	json_t *body = NULL;

	TRY(authorize(request, route, call));
	TRY(read_body(request, &body, &call->fault));
	enum err err = ERR_OK;
	if (route->call != call_office)
		err = members_check(body, route->members == NULL ? nothing : route->members, &call->fault);
	call->body = body;
	if (err == ERR_OK)
		err = route->call(call);
	json_decref(body);
	return err;
}

static void answer(const struct route *route, struct call *call, enum err err, struct till_response *response)
{
	if (err != ERR_OK) {
		answer_fault(response, call, err);
		return;
	}
	response->status = call->answer == NULL ? 204 : route->status;
	if (call->answer == NULL)
		return;
	response->body = json_dumps(call->answer, JSON_COMPACT);
	if (response->body == NULL)
		answer_error(response, 500, ERR_MEMORY, error_text(ERR_MEMORY));
}

void till_api_answer(const struct till_api *api, const struct till_request *request, struct till_response *ret_response)
{
	struct call call = {.api = api, .desk = api->options->desk};
	const char *why;

	*ret_response = (struct till_response){0};
	unsigned refused = door_judge(request, api->port, &why);
	if (refused != 0) {
		answer_error(ret_response, refused, ERR_FORBIDDEN, why);
		ret_response->allow = refused == 405 ? "GET, POST, DELETE" : NULL;
		return;
	}
	const struct route *route = find(request, &call, ret_response);
	if (route == NULL) {
		bool is_method = ret_response->status == 405;
		answer_error(ret_response, ret_response->status, is_method ? ERR_USAGE : ERR_NOT_FOUND,
			     is_method ? "another method is for this path" : "no such path; see openapi.json");
		return;
	}
	arena_init(&call.arena, CALL_ARENA_MAX);
	enum err err = run(route, request, &call);
	answer(route, &call, err, ret_response);
	json_decref(call.answer);
	arena_fini(&call.arena);
	wipe(call.token_place, sizeof call.token_place);
}

void till_response_fini(struct till_response *response)
{
	if (response->body != NULL) {
		wipe(response->body, strlen(response->body));
		free(response->body);
	}
	*response = (struct till_response){0};
}
