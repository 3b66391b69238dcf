/*
 * kluis-agent register, change, consent, request, incident: what an employee writes at the counter, through the running
 * agent, into its outbox. Values and words come from standard input.
 */
#include <stdio.h>
#include <string.h>

#include "command/counter.h"
#include "command/options.h"
#include "home.h"

#define PATH_SIZE 96
#define ID_LENGTH 32

/* "/v1/members/<id>/<what>" */
static enum err member_path(const char *member, const char *what, char ret_path[static PATH_SIZE], struct fault *fault)
{
	if (strlen(member) != ID_LENGTH || strspn(member, "0123456789abcdef") != ID_LENGTH)
		return fault_set(fault, ERR_USAGE,
				 "MEMBER is the 32 hexadecimal digits that lookup and register print");
	snprintf(ret_path, PATH_SIZE, "/v1/members/%s/%s", member, what);
	return ERR_OK;
}

static enum err need_purpose(const struct agent_options *settings, struct fault *fault)
{
	return settings->purpose != NULL ? ERR_OK
					 : fault_set(fault, ERR_USAGE, "say --purpose NAME and --employee HANDLE");
}

static enum err hand_in_values(const struct agent_options *settings, const char *path, const char *done,
			       struct fault *fault)
{
	struct counter counter CLEANUP(counter_close) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	json_t *values = NULL;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(need_purpose(settings, fault));
	TRY(counter_open(&counter, settings, fault));
	TRY(counter_read_values(&arena, &values, fault));
	json_t *body = json_pack("{s:s, s:o}", "purpose", settings->purpose, "values", values);
	return counter_hand_in(&counter, path, body, done, fault);
}

enum err agent_command_register(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	(void)arguments;
	return hand_in_values(target, "/v1/members", "registered", fault);
}

enum err agent_command_change(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	char path[PATH_SIZE];

	TRY(member_path(arguments->items[0], "changes", path, fault));
	return hand_in_values(target, path, "changed", fault);
}

enum err agent_command_consent(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct counter counter CLEANUP(counter_close) = {0};
	char path[PATH_SIZE];

	TRY(member_path(arguments->items[0], "consents", path, fault));
	TRY(need_purpose(settings, fault));
	if (settings->to == NULL)
		return fault_set(fault, ERR_USAGE, "say --to NAME, the purpose that is consented to");
	TRY(counter_open(&counter, settings, fault));
	json_t *body = json_pack("{s:s, s:s, s:s}", "purpose", settings->purpose, "to", settings->to, "status",
				 arguments->items[1]);
	return counter_hand_in(&counter, path, body, "recorded", fault);
}

/* ---- to head office, in words ---- */

enum err agent_command_request(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct counter counter CLEANUP(counter_close) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	char *words = NULL;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(counter_open(&counter, settings, fault));
	TRY(counter_read_words("request", &arena, &words, fault));
	/* "s*": a NULL is left out */
	json_t *body = json_pack("{s:s, s:s*, s:s}", "right", arguments->items[0], "member",
				 arguments->count > 1 ? arguments->items[1] : NULL, "text", words);
	return counter_hand_in(&counter, "/v1/requests", body, "handed on", fault);
}

enum err agent_command_incident(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct counter counter CLEANUP(counter_close) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	char *words = NULL;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(counter_open(&counter, settings, fault));
	TRY(counter_read_words("report", &arena, &words, fault));
	json_t *body =
		json_pack("{s:s, s:s*, s:s}", "kind", arguments->items[0], "since", settings->since, "text", words);
	return counter_hand_in(&counter, "/v1/incidents", body, "reported", fault);
}
