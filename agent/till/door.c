#include "till/door.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* "127.0.0.1:7411" and the like: a page that got here by a name of its own says that name (DNS rebinding). */
static bool is_own_host(const char *host, unsigned port)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
	char expected[32];

	for (size_t i = 0; host != NULL && i < sizeof names / sizeof names[0]; i++) {
		snprintf(expected, sizeof expected, "%s:%u", names[i], port);
		if (strcasecmp(host, expected) == 0)
			return true;
	}
	return false;
}

static bool is_foreign(const struct till_request *request)
{
	/* no till sends either; a browser sends them with whatever a page asks for */
	if (request->origin != NULL)
		return true;
	return request->fetch_site != NULL && strcmp(request->fetch_site, "none") != 0;
}

/* Letters, digits, '-' and '/' alone: no way to say another path than the one that is written. */
static bool is_plain_path(const char *uri)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-/";

	return uri != NULL && uri[0] == '/' && uri[strspn(uri, allowed)] == '\0' && strstr(uri, "//") == NULL &&
	       strlen(uri) < 128;
}

/* A form or a script without preflight can send text/plain and two others, but not this. */
static bool is_json(const char *type)
{
	static const char *const types[] = {"application/json", "application/json; charset=utf-8",
					    "application/json;charset=utf-8"};

	for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(type, types[i]) == 0)
			return true;
	return false;
}

static bool has_method(const struct till_request *request, const char *method)
{
	return request->method != NULL && strcmp(request->method, method) == 0;
}

static bool is_host_wrong(const struct till_request *request, unsigned port)
{
	return !is_own_host(request->host, port);
}

static bool is_page(const struct till_request *request, unsigned port)
{
	(void)port;
	return is_foreign(request);
}

static bool is_method_unknown(const struct till_request *request, unsigned port)
{
	(void)port;
	return !has_method(request, "GET") && !has_method(request, "POST") && !has_method(request, "DELETE");
}

static bool is_path_odd(const struct till_request *request, unsigned port)
{
	(void)port;
	return !is_plain_path(request->uri);
}

static bool is_chunked(const struct till_request *request, unsigned port)
{
	(void)port;
	return request->encoding != NULL;
}

static bool is_too_large(const struct till_request *request, unsigned port)
{
	(void)port;
	return request->body.length > TILL_BODY_MAX;
}

static bool is_type_wrong(const struct till_request *request, unsigned port)
{
	(void)port;
	return (has_method(request, "POST") || request->body.length > 0) && !is_json(request->type);
}

/* In this order: who asks, before what. */
static const struct {
	bool (*refuses)(const struct till_request *request, unsigned port);
	unsigned status;
	const char *why;
} rules[] = {
	{is_host_wrong, 421, "say 127.0.0.1, [::1] or localhost with the port as Host"},
	{is_page, 403, "this is for tills, not for pages in a browser"},
	{is_method_unknown, 405, "GET, POST or DELETE"},
	{is_path_odd, 400, "paths have small letters, digits, '-' and single '/'; there are no query strings"},
	{is_chunked, 411, "send the body with a Content-Length"},
	{is_too_large, 413, "the body is larger than 64 KiB"},
	{is_type_wrong, 415, "send JSON, as application/json"},
};

unsigned door_judge(const struct till_request *request, unsigned port, const char **ret_why)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].refuses(request, port)) {
			*ret_why = rules[i].why;
			return rules[i].status;
		}
	}
	return 0;
}
