/*
 * kluis-agent status, prove.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command/options.h"
#include "forward.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/table.h"
#include "office_prove.h"
#include "run/daemon_shop.h"
#include "run/status.h"

static const struct table_column columns[] = {{"what", "what", TABLE_LEFT}, {"value", "value", TABLE_LEFT}};

static enum err add(struct table *table, const char *what, json_t *value)
{
	json_t *cells[] = {json_string(what), value};

	return table_add(table, cells);
}

static json_t *get(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return value == NULL ? json_null() : json_incref(value);
}

static enum err add_copy(struct table *table, const json_t *copy)
{
	char what[NAME_MAX_ + 16], value[256];
	const char *until = json_string_value(json_object_get(copy, "lease_until"));
	const char *state = json_string_value(json_object_get(copy, "state"));
	const json_t *copying = json_object_get(copy, "copying");

	snprintf(what, sizeof what, "copy for %s", json_string_value(json_object_get(copy, "purpose")));
	int length = snprintf(value, sizeof value, "%" JSON_INTEGER_FORMAT ", %s%s%s",
			      json_integer_value(json_object_get(copy, "customers")), state,
			      until == NULL ? "" : " until ", until == NULL ? "" : until);
	if (json_is_object(copying) && length > 0 && (size_t)length < sizeof value)
		snprintf(value + length, sizeof value - (size_t)length, "; %s: %" JSON_INTEGER_FORMAT " so far",
			 json_is_true(json_object_get(copying, "is_first_copy")) ? "first copy" : "copying",
			 json_integer_value(json_object_get(copying, "customers")));
	return add(table, what, json_string(value));
}

static enum err add_agreement(struct table *table, const json_t *agreement)
{
	static const char *const parts[] = {"state", "from", "until"};

	if (!json_is_object(agreement)) { /* or why it cannot be read */
		const char *why = json_string_value(agreement);
		return add(table, "agreement", json_string(why == NULL ? "none is known yet" : why));
	}
	TRY(add(table, "agreement", get(agreement, "hash")));
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		TRY(add(table, parts[i], get(agreement, parts[i])));
	return ERR_OK;
}

static json_t *what_was_purged(const json_t *purge)
{
	const json_t *purpose = json_object_get(purge, "purpose");

	return json_is_string(purpose) ? get(purge, "purpose") : json_string("what waited in the outbox");
}

static enum err add_waiting(struct table *table, const json_t *status)
{
	const json_t *outbox = json_object_get(status, "outbox"), *journal = json_object_get(status, "journal");
	const json_t *purge;
	size_t i;

	TRY(add(table, "outbox waiting", get(outbox, "waiting")));
	TRY(add(table, "outbox refused", get(outbox, "refused")));
	TRY(add(table, "journal waiting", get(journal, "waiting")));
	json_array_foreach(json_object_get(status, "purges_to_certify"), i, purge)
		TRY(add(table, "purge to certify", what_was_purged(purge)));
	return add(table, "alarms", get(status, "alarms"));
}

static enum err fill(struct table *table, const json_t *status)
{
	static const char *const parts[] = {"principal", "key",		 "broker",	 "running",
					    "online",	 "online_since", "last_contact", "clock_offset_ms"};
	static const char *const titles[] = {"principal", "key",	  "broker",	  "running",
					     "online",	  "online since", "last contact", "clock off by ms"};
	const json_t *copy;
	size_t i;

	for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
		TRY(add(table, titles[i], get(status, parts[i])));
	TRY(add_agreement(table, json_object_get(status, "agreement")));
	json_array_foreach(json_object_get(status, "copies"), i, copy) TRY(add_copy(table, copy));
	return add_waiting(table, status);
}

/* What is known without asking anybody. */
static enum err read_folder(const char *folder, json_t **ret_status, struct fault *fault)
{
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct shop shop CLEANUP(daemon_shop_close) = {.store = NULL};
	struct fault papers = {""};

	TRY(agent_open(&agent, folder, fault));
	TRY(daemon_shop_open(&agent, &shop, &papers, fault));
	struct status_facts facts = {.principal = agent.membership.principal,
				     .broker = agent.membership.address,
				     .key_id = agent.key.public.id};
	*ret_status = status_json(&shop, &facts);
	if (*ret_status == NULL)
		return ERR_MEMORY;
	if (papers.text[0] != '\0')
		json_object_set_new(*ret_status, "agreement", json_string(papers.text));
	return ERR_OK;
}

static enum err print(const json_t *status, bool is_json)
{
	struct table *table CLEANUP(table_free) = table_new(columns, 2);

	if (table == NULL)
		return ERR_MEMORY;
	if (is_json) {
		int failed = json_dumpf(status, stdout, JSON_INDENT(2));
		return failed == 0 && putchar('\n') != EOF ? ERR_OK : ERR_IO;
	}
	TRY(fill(table, status));
	return table_print(table, stdout, false);
}

enum err agent_command_status(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	json_t *status = NULL;

	(void)arguments;
	enum err err = forward_is_running(settings->data) ? forward_status(settings->data, &status, fault)
							  : read_folder(settings->data, &status, fault);
	if (err == ERR_OK)
		err = print(status, settings->is_json);
	json_decref(status);
	return err;
}

/* ---- prove ---- */

static enum err prove_running(const char *folder, uint64_t index, struct fault *fault)
{
	json_t *answer = NULL;

	TRY(forward_call(folder, "prove", json_pack("{s:I}", "index", (json_int_t)index), &answer, fault));
	const char *proof = json_string_value(json_object_get(answer, "proof"));
	if (proof != NULL)
		fputs(proof, stdout);
	json_decref(answer);
	return proof != NULL ? ERR_OK : ERR_MISMATCH;
}

enum err agent_command_prove(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct arena arena CLEANUP(arena_fini) = {0};
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct slice proof;
	uint64_t index;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	TRY(command_number("INDEX", arguments->items[0], 0, UINT64_MAX / 2, &index, fault));
	if (forward_is_running(settings->data))
		return prove_running(settings->data, index, fault);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_connect(&agent, LANE_ADMIN, fault));
	TRY(office_prove(&agent, index, &arena, &proof, fault));
	fwrite(proof.data, 1, proof.length, stdout);
	return ERR_OK;
}
