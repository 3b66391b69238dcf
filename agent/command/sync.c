/*
 * kluis-agent sync: brings the copy up to date; kluis-agent copy: opens it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command/lease.h"
#include "command/options.h"
#include "home.h"
#include "kluis/clock.h"
#include "kluis/table.h"
#include "sync.h"

#define TRIES 5

static enum err get_pages(const struct sync *sync, const char *purpose, bool is_anew, struct sync_outcome *outcome,
			  struct fault *fault)
{
	struct progress progress;

	TRY(sync_begin(sync, purpose, clock_now_ms(), is_anew));
	progress_begin(&progress, "customers", 0);
	do {
		enum err err = sync_page(sync, purpose, clock_now_ms(), outcome, fault);
		if (err != ERR_OK) {
			progress_end(&progress);
			return err;
		}
		progress_show(&progress, outcome->written);
	} while (outcome->verdict == ERR_OK && outcome->has_more);
	progress_end(&progress);
	return ERR_OK;
}

/* What a lease was refused for is what the pages would be refused for. */
static enum err have_lease(struct agent *agent, const char *purpose, struct sync_outcome *outcome, struct fault *fault)
{
	struct lease_outcome lease;

	TRY(lease_ask(agent, purpose, &lease, fault));
	if (lease.verdict == ERR_OK)
		return ERR_OK;
	outcome->verdict = lease.verdict;
	snprintf(outcome->clause, sizeof outcome->clause, "%s", lease.clause);
	return ERR_OK;
}

/* A lease first: without it there is no key to seal the copy under. But a page that a killed command left pending is
 * taken up before anything else is sent on its lane. */
static enum err sync_one(struct agent *agent, const struct sync *sync, const char *purpose, bool is_anew,
			 struct sync_outcome *outcome, struct fault *fault)
{
	struct replica_lease lease;
	bool is_resumed = agent->session.has_pending && replica_lease(&agent->replica, purpose, &lease) == ERR_OK &&
			  lease.has_key;

	if (!is_resumed)
		TRY(have_lease(agent, purpose, outcome, fault));
	if (outcome->verdict == ERR_OK)
		TRY(get_pages(sync, purpose, is_anew, outcome, fault));
	if (is_resumed && outcome->verdict == ERR_OK)
		TRY(have_lease(agent, purpose, outcome, fault));
	return lease_refusal_ends_copy(outcome->verdict) ? lease_destroy(agent, purpose, outcome->verdict, fault)
							 : ERR_OK;
}

static const struct table_column columns[] = {
	{"purpose", "purpose", TABLE_LEFT},  {"updated", "updated", TABLE_RIGHT},
	{"removed", "removed", TABLE_RIGHT}, {"customers", "customers", TABLE_RIGHT},
	{"outcome", "outcome", TABLE_LEFT},
};

static enum err add_row(struct table *table, const struct agent *agent, const char *purpose,
			const struct sync_outcome *outcome)
{
	uint64_t count;
	char text[256];

	TRY(replica_count(&agent->replica, purpose, &count));
	snprintf(text, sizeof text, "%s%s%s%s", outcome->verdict == ERR_OK ? "in sync" : error_text(outcome->verdict),
		 outcome->clause[0] == '\0' ? "" : " [", outcome->clause, outcome->clause[0] == '\0' ? "" : "]");
	json_t *cells[] = {json_string(purpose), json_integer((json_int_t)outcome->written),
			   json_integer((json_int_t)outcome->removed), json_integer((json_int_t)count),
			   json_string(text)};
	return table_add(table, cells);
}

static enum err sync_all(struct agent *agent, bool is_anew, struct table *table, enum err *verdict, struct fault *fault)
{
	struct sync sync = {.session = &agent->session,
			    .replica = &agent->replica,
			    .charter = agent->charter,
			    .agreement = agent->agreement,
			    .tries = TRIES};
	uint32_t purposes = sync_purposes(agent->agreement);

	for (unsigned i = 0; i < agent->charter->purpose_count; i++) {
		struct sync_outcome outcome = {0};
		if ((purposes & 1u << i) == 0)
			continue;
		TRY(sync_one(agent, &sync, agent->charter->purposes[i].name, is_anew, &outcome, fault));
		TRY(add_row(table, agent, agent->charter->purposes[i].name, &outcome));
		if (outcome.verdict != ERR_OK)
			*verdict = outcome.verdict;
	}
	return ERR_OK;
}

enum err agent_command_sync(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);
	enum err verdict = ERR_OK;

	(void)arguments;
	if (table == NULL)
		return ERR_MEMORY;
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_load_agreement(&agent, fault));
	/* what is over goes, whether the broker is in reach or not */
	TRY(lease_sweep(&agent, fault));
	TRY(agent_connect(&agent, LANE_SYNC, fault));
	TRY(lease_certify(&agent, fault)); /* before it is given another lease */
	TRY(sync_all(&agent, settings->is_anew, table, &verdict, fault));
	TRY(lease_sweep(&agent, fault)); /* who was erased */
	TRY(lease_certify(&agent, fault));
	TRY(table_print(table, stdout, settings->is_json));
	return verdict == ERR_OK ? ERR_OK : fault_set(fault, verdict, "refused: %s", error_text(verdict));
}

/* ---- copy ---- */

struct printing {
	const struct charter *charter;
	json_t *rows;
};

static enum err values_to_json(const struct charter *charter, const Kluis__Values *values, json_t *object)
{
	for (size_t i = 0; i < values->n_values; i++) {
		const struct charter_field *field = charter_field_by_number(charter, values->values[i]->field);
		if (field == NULL ||
		    json_object_set_new(object, field->name, json_string(values->values[i]->value)) != 0)
			return ERR_CORRUPT;
	}
	return ERR_OK;
}

/* Values that lost against a later change (FORMAT.md R132). */
static enum err superseded_to_json(const struct charter *charter, const Kluis__Values *values, json_t *array)
{
	for (size_t i = 0; i < values->n_superseded; i++) {
		const Kluis__Superseded *superseded = values->superseded[i];
		const struct charter_field *field = charter_field_by_number(charter, superseded->field);
		char made[25];

		if (field == NULL)
			return ERR_CORRUPT;
		time_print(superseded->made_ms, made);
		json_t *object = json_object();
		if (json_array_append_new(array, object) != 0)
			return ERR_MEMORY;
		json_object_set_new(object, "field", json_string(field->name));
		json_object_set_new(object, "value", json_string(superseded->value));
		json_object_set_new(object, "made", json_string(made));
		if (superseded->store != STORE_OFFICE)
			json_object_set_new(object, "store", json_integer(superseded->store));
	}
	return ERR_OK;
}

static enum err print_row(void *context, const struct replica_row *row)
{
	struct printing *printing = context;
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Values *values;
	char customer[2 * PSEUDONYM_SIZE + 1];

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(WIRE_DECODE(Values, values, row->content, &arena, &values));
	hex_print(row->customer, customer);
	json_t *object = json_object(), *fields = json_object();
	json_object_set_new(object, "customer", json_string(customer));
	json_object_set_new(object, "version", json_integer(row->version));
	json_object_set_new(object, "entry", json_integer((json_int_t)row->entry_index));
	enum err err = values_to_json(printing->charter, values, fields);
	json_object_set_new(object, "fields", fields);
	if (err == ERR_OK && values->n_superseded > 0) {
		json_t *superseded = json_array();
		err = superseded_to_json(printing->charter, values, superseded);
		json_object_set_new(object, "superseded", superseded);
	}
	if (err == ERR_OK && json_dumpf(object, stdout, JSON_COMPACT) != 0)
		err = ERR_IO;
	putchar('\n');
	json_decref(object);
	return err;
}

/* What an earlier agreement left is shown too; a misspelt purpose is not just an empty copy. */
static enum err check_purpose(const struct agent *agent, const char *name, struct fault *fault)
{
	int purpose = charter_purpose(agent->charter, slice_text(name));
	uint64_t count = 0;

	if (purpose < 0)
		return fault_set(fault, ERR_PURPOSE, "the charter has no purpose '%.64s'", name);
	TRY(replica_count(&agent->replica, name, &count));
	if (count == 0 && (sync_purposes(agent->agreement) >> purpose & 1) == 0)
		return fault_set(fault, ERR_NO_GRANT_PURPOSE, "the agreement grants no copy for '%.64s'", name);
	return ERR_OK;
}

/* The copy in clear, one JSON object a line: for the store's own audit of what it holds. */
enum err agent_command_copy(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};

	(void)arguments;
	if (settings->purpose == NULL)
		return fault_set(fault, ERR_USAGE, "say for which purpose: --purpose NAME");
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_load_agreement(&agent, fault));
	TRY(check_purpose(&agent, settings->purpose, fault));
	TRY(lease_is_open(&agent, settings->purpose, fault));
	struct printing printing = {.charter = agent.charter};
	return replica_each(&agent.replica, settings->purpose, print_row, &printing);
}
