/*
 * kluis-agent lookup: who is this? The value comes from standard input, never from the command
 * line, where every user of the machine could read it.
 */
#include <stdio.h>
#include <string.h>

#include "command/counter.h"
#include "command/employee.h"
#include "command/options.h"
#include "forward.h"
#include "given.h"
#include "home.h"
#include "kluis/table.h"

static enum err make_part(const struct charter_field *field, char *text, struct arena *arena, Kluis__Part **ret_part,
			  ProtobufCBinaryData *ret_commitment)
{
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT, *list = &value;

	value.field = field->number;
	value.value = text;
	values.values = &list;
	values.n_values = 1;
	return part_make(&values.base, arena, ret_part, ret_commitment);
}

static const struct table_column columns[] = {{"field", "field", TABLE_LEFT}, {"value", "value", TABLE_LEFT}};

static enum err print_record(const struct agent *agent, const struct session_answer *answer, struct arena *arena,
			     bool is_json, struct fault *fault)
{
	struct table *table CLEANUP(table_free) = table_new(columns, 2);
	Kluis__Values *values;

	if (table == NULL)
		return ERR_MEMORY;
	const Kluis__Result *result = answer->entry.decoded->results[0];
	if (answer->reply->personal == NULL || answer->reply->personal->n_parts != 1 || result->n_disclosures != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker logged a disclosure that it did not make");
	TRY(given_open(wire_slice(answer->reply->personal->parts[0]->content), result->disclosures[0]->fields, arena,
		       &values, fault));
	TRY(given_to_till(values, agent->charter, &agent->agreement->grants[result->disclosures[0]->grant], fault));
	for (size_t i = 0; i < values->n_values; i++) {
		const struct charter_field *field = charter_field_by_number(agent->charter, values->values[i]->field);
		if (field == NULL)
			return fault_set(fault, ERR_MISMATCH, "the broker gave a field that the charter does not have");
		json_t *cells[] = {json_string(field->name), json_string(values->values[i]->value)};
		TRY(table_add(table, cells));
	}
	TRY(table_print(table, stdout, is_json));
	fprintf(stderr, "allowed by %s; log entry %llu\n", result->clause == NULL ? "-" : result->clause,
		(unsigned long long)answer->index);
	return ERR_OK;
}

/* The grant that the broker names must be one that gives these fields. */
static enum err check_grant(const struct agent *agent, const Kluis__Result *result, struct fault *fault)
{
	for (size_t i = 0; i < result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = result->disclosures[i];
		bool is_inside = disclosure->grant < agent->agreement->grant_count &&
				 (disclosure->fields & ~agent->agreement->grants[disclosure->grant].fields) == 0;
		if (!is_inside)
			return fault_set(fault, ERR_MISMATCH, "the broker gave fields outside the agreement");
	}
	return ERR_OK;
}

static enum err lookup(struct agent *agent, const struct agent_options *settings, const char *field_name,
		       struct arena *arena, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lookup look = KLUIS__LOOKUP__INIT;
	struct replica_employee employee;
	struct session_answer answer;
	struct agent_call call = {.operation = &operation};
	char purpose[NAME_MAX_ + 1], *value = NULL;

	const struct charter_field *field = charter_field_by_name(agent->charter, field_name);
	if (field == NULL || !field->is_lookup)
		return fault_set(fault, ERR_FIELD, "'%.64s' is not a field that customers are looked up by",
				 field_name);
	TRY(employee_named(agent, settings, &employee, fault));
	snprintf(purpose, sizeof purpose, "%s", settings->purpose);
	TRY(counter_read_line(field->name, arena, &value, fault));
	TRY(make_part(field, value, arena, &call.part, &look.commitment));
	look.field = field->number;
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	operation.lookup = &look;
	call.employee = SLICE_ARRAY(employee.pseudonym);
	TRY(agent_send(agent, &call, arena, &answer, fault));
	if (answer.entry.decoded->results[0]->code == ERR_NOT_FOUND)
		return fault_set(fault, ERR_NOT_FOUND, "refused: no customer has this %s (log entry %llu)", field->name,
				 (unsigned long long)answer.index);
	TRY(agent_verdict(&answer, fault));
	TRY(check_grant(agent, answer.entry.decoded->results[0], fault));
	return print_record(agent, &answer, arena, settings->is_json, fault);
}

/* ---- while the daemon runs ---- */

static enum err print_answer(const json_t *answer, bool is_json, struct fault *fault)
{
	struct table *table CLEANUP(table_free) = table_new(columns, 2);
	const json_t *item;
	size_t i;

	if (table == NULL)
		return ERR_MEMORY;
	json_array_foreach(json_object_get(answer, "values"), i, item)
	{
		json_t *field = json_object_get(item, "field"), *value = json_object_get(item, "value");
		if (!json_is_string(field) || !json_is_string(value))
			return fault_set(fault, ERR_INPUT, "what answers there is not a kluis-agent");
		json_t *cells[] = {json_incref(field), json_incref(value)};
		TRY(table_add(table, cells));
	}
	TRY(table_print(table, stdout, is_json));
	const char *clause = json_string_value(json_object_get(answer, "clause"));
	const char *source = json_string_value(json_object_get(answer, "source"));
	fprintf(stderr, "member %s, from the %s; allowed by %s\n", json_string_value(json_object_get(answer, "id")),
		source, clause);
	return ERR_OK;
}

static enum err lookup_running(const struct agent_options *settings, const char *field, struct arena *arena,
			       struct fault *fault)
{
	struct counter counter CLEANUP(counter_close) = {0};
	json_t *answer = NULL;
	char *value = NULL;

	TRY(counter_open(&counter, settings, fault));
	TRY(counter_read_line(field, arena, &value, fault));
	TRY(counter_call(&counter, "/v1/members/lookup",
			 json_pack("{s:s, s:s, s:s}", "purpose", settings->purpose, "field", field, "value", value),
			 &answer, fault));
	enum err err = print_answer(answer, settings->is_json, fault);
	json_decref(answer);
	return err;
}

enum err agent_command_lookup(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct agent_options *settings = target;
	struct agent agent CLEANUP(agent_close) = {.lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	if (settings->purpose == NULL || settings->employee == NULL)
		return fault_set(fault, ERR_USAGE, "say --purpose NAME and --employee HANDLE");
	if (forward_is_running(settings->data))
		return lookup_running(settings, arguments->items[0], &arena, fault);
	TRY(agent_open(&agent, settings->data, fault));
	TRY(agent_load_agreement(&agent, fault));
	TRY(agent_connect(&agent, LANE_TILL, fault));
	return lookup(&agent, settings, arguments->items[0], &arena, fault);
}
