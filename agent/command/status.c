/*
 * kluis-agent status, prove.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command/options.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/table.h"
#include "office_prove.h"
#include "sync.h"

static const struct table_column columns[] = {{"what", "what", TABLE_LEFT}, {"value", "value", TABLE_LEFT}};

static enum err add(struct table *table, const char *what, json_t *value)
{
	json_t *cells[] = {json_string(what), value};

	return table_add(table, cells);
}

static enum err add_time(struct table *table, const char *what, uint64_t time_s)
{
	char text[25];

	time_print(time_s * 1000, text);
	text[10] = '\0';
	return add(table, what, json_string(text));
}

static enum err add_copies(struct table *table, const struct agent *agent)
{
	uint32_t purposes = sync_purposes(agent->agreement);
	char what[NAME_MAX_ + 16];
	uint64_t count;

	for (unsigned i = 0; i < agent->charter->purpose_count; i++) {
		if ((purposes & 1u << i) == 0)
			continue;
		TRY(replica_count(&agent->replica, agent->charter->purposes[i].name, &count));
		snprintf(what, sizeof what, "copy for %s", agent->charter->purposes[i].name);
		TRY(add(table, what, json_integer((json_int_t)count)));
	}
	return ERR_OK;
}

static enum err add_agreement(struct table *table, struct agent *agent)
{
	struct fault why = {""};
	char hash[2 * HASH_SIZE + 1];

	if (agent_load_agreement(agent, &why) != ERR_OK)
		return add(table, "agreement", json_string(why.text));
	hex_print(SLICE_ARRAY(agent->agreement->hash), hash);
	TRY(add(table, "agreement", json_string(hash)));
	TRY(add_time(table, "from", agent->agreement->from_s));
	TRY(add_time(table, "until", agent->agreement->until_s));
	return add_copies(table, agent);
}

/* What is known without asking anybody. */
enum err agent_command_status(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct table *table CLEANUP(table_free) = table_new(columns, 2);

	(void)arguments;
	if (table == NULL)
		return ERR_MEMORY;
	TRY(agent_open(&agent, settings->data, fault));
	TRY(add(table, "principal", json_string(agent.membership.principal)));
	TRY(add(table, "broker", json_string(agent.membership.address)));
	TRY(add_agreement(table, &agent));
	return table_print(table, stdout, settings->is_json);
}

/* ---- prove ---- */

enum err agent_command_prove(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct slice proof;
	uint64_t index;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	TRY(command_number("INDEX", arguments->items[0], 0, UINT64_MAX / 2, &index, fault));
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	TRY(office_prove(&agent, index, &arena, &proof, fault));
	fwrite(proof.data, 1, proof.length, stdout);
	return ERR_OK;
}
