/*
 * kluis-agent status, prove.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command/options.h"
#include "home.h"
#include "kluis/checkpoint.h"
#include "kluis/clock.h"
#include "kluis/table.h"
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

static enum err check_proof(const struct agent *agent, struct slice proof, uint64_t index, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct checkpoint checkpoint;
	uint64_t proved;
	const struct session *session = &agent->session;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (!session->has_acknowledgement || session->entry_index != index)
		return ERR_OK; /* only this lane's last leaf is remembered; the proof is printed for who has the entry
				*/
	enum err err = ERR_SIGNATURE;
	struct fault cause = {""};
	for (size_t i = 0; i < agent->membership.log_count && err == ERR_SIGNATURE; i++) {
		cause.text[0] = '\0';
		err = tlog_proof_verify(proof, &session->entry_leaf, &agent->membership.logs[i], &proved, &checkpoint,
					&cause);
	}
	if (err == ERR_SIGNATURE)
		return fault_set(fault, err, "%s; has the log another key? 'kluis-agent trust' asks", cause.text);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s", cause.text);
	return proved == index ? ERR_OK : fault_set(fault, ERR_PROOF, "the proof is for entry %" PRIu64, proved);
}

enum err agent_command_prove(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct session_answer answer;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Prove prove = KLUIS__PROVE__INIT;
	struct agent_call call = {.operation = &operation, .is_outside_agreement = true};

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	TRY(command_number("INDEX", arguments->items[0], 0, UINT64_MAX / 2, &prove.index, fault));
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	operation.kind_case = KLUIS__OPERATION__KIND_PROVE;
	operation.prove = &prove;
	TRY(agent_send(&agent, &call, &arena, &answer, fault));
	TRY(agent_verdict(&answer, fault));
	if (answer.reply->n_data != 1 || answer.reply->data[0]->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no proof");
	struct slice proof = wire_slice(answer.reply->data[0]->items[0]);
	TRY(check_proof(&agent, proof, prove.index, fault));
	fwrite(proof.data, 1, proof.length, stdout);
	return ERR_OK;
}
