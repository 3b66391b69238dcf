/*
 * kluis-agent key rotate, trust: other keys, of the store and of its broker.
 */
#include <stdio.h>

#include "anchor.h"
#include "command/options.h"
#include "forward.h"
#include "kluis/clock.h"
#include "rotate.h"

static void say_rotated(const char *name, const char *id)
{
	printf("the key of %s is now %s; the old one is taken no more\n", name, id);
}

static enum err rotate_running(const char *folder, struct fault *fault)
{
	json_t *answer = NULL;

	TRY(forward_call(folder, "key/rotate", NULL, &answer, fault));
	const char *name = json_string_value(json_object_get(answer, "principal"));
	const char *id = json_string_value(json_object_get(answer, "key"));
	bool is_told = name != NULL && id != NULL;
	if (is_told)
		say_rotated(name, id);
	json_decref(answer);
	return is_told ? ERR_OK : ERR_MISMATCH;
}

enum err agent_command_key_rotate(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	char id[9];

	(void)arguments;
	if (forward_is_running(settings->data))
		return rotate_running(settings->data, fault);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	TRY(rotate_key(settings->data, &agent.session, &agent.key, clock_now_ms(), fault));
	snprintf(id, sizeof id, "%08x", agent.key.public.id);
	say_rotated(agent.key.public.name, id);
	return ERR_OK;
}

enum err agent_command_trust(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	bool is_new;

	(void)arguments;
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	enum err err = anchor_update(settings->data, &agent.membership, &agent.session, SLICE_EMPTY, clock_now_ms(),
				     &is_new, fault);
	if (err == ERR_NOT_FOUND) {
		fault->text[0] = '\0';
		puts("the broker has the keys of the invitation");
		return ERR_OK;
	}
	TRY(err);
	TRY(membership_read(settings->data, &agent.arena, &agent.membership, fault));
	printf("trust version %u%s\n", agent.membership.trust_version, is_new ? ", new here" : "");
	for (size_t i = 0; i < agent.membership.log_count; i++)
		printf("log key %08x\n", agent.membership.logs[i].id);
	return ERR_OK;
}
