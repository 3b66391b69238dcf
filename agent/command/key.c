/*
 * kluis-agent key rotate, trust: other keys, of the store and of its broker.
 */
#include <stdio.h>

#include "anchor.h"
#include "command/options.h"
#include "kluis/clock.h"
#include "rotate.h"

/* The agent has read the old key; the rotation opens its own session. */
enum err agent_command_key_rotate(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct public_key key;

	(void)arguments;
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect_only(&agent, fault));
	TRY(rotate_key(settings->data, link_exchange(agent.link), clock_now_ms(), &key, fault));
	printf("the key of %s is now %08x; the old one is taken no more\n", key.name, key.id);
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
