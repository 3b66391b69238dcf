/*
 * kluis-broker customer show, and how other commands find a customer by a value.
 */
#include "command/look_up.h"

#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "kluis/envelope.h"
#include "kluis/hash.h"
#include "kluis/table.h"

/* ---- asking ---- */

static enum err take_answer(struct office *office, const Kluis__Result *result, struct look_up *found,
			    struct fault *fault)
{
	Kluis__Values *values;

	if (!result->has_customer || result->customer.len != PSEUDONYM_SIZE)
		return fault_set(fault, ERR_MISMATCH, "the broker names no customer");
	if (office->personal == NULL || office->personal->n_parts != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker logged a disclosure that it did not make");
	memcpy(found->customer, result->customer.data, PSEUDONYM_SIZE);
	found->entry = office->index;
	TRY(WIRE_DECODE(Values, values, wire_slice(office->personal->parts[0]->content), &found->arena, &values));
	found->values = values;
	return ERR_OK;
}

static enum err ask_broker(struct office *office, const struct settings *settings, uint32_t field, char *text,
			   struct look_up *found, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lookup lookup = KLUIS__LOOKUP__INIT;
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT, *list = &value;
	char purpose[NAME_MAX_ + 1];
	Kluis__Result *result;
	Kluis__Part *part;

	snprintf(purpose, sizeof purpose, "%s", settings->purpose);
	value.field = lookup.field = field;
	value.value = text;
	values.values = &list;
	values.n_values = 1;
	TRY(part_make(&values.base, &found->arena, &part, &lookup.commitment));
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	operation.lookup = &lookup;
	TRY(office_call_part(office, &operation, part, SLICE_EMPTY, NULL, &result, fault));
	return take_answer(office, result, found, fault);
}

static enum err find(struct office *office, const struct settings *settings, struct look_up *found, struct fault *fault)
{
	char line[LOOK_UP_LINE_SIZE] = "";

	found->charter = arena_alloc(&found->arena, sizeof *found->charter);
	if (found->charter == NULL)
		return ERR_MEMORY;
	TRY(office_charter(office, &found->arena, found->charter, fault));
	const struct charter_field *field = charter_field_by_name(found->charter, settings->field);
	if (field == NULL || !(field->is_lookup || field->is_identifier))
		return fault_set(fault, ERR_FIELD, "'%.64s' is no field that customers are looked up by",
				 settings->field);
	enum err err = command_read_line(field->name, line, sizeof line, fault);
	if (err == ERR_OK)
		err = ask_broker(office, settings, field->number, line, found, fault);
	wipe(line, sizeof line);
	return err;
}

enum err look_up_customer(struct office *office, const struct settings *settings, struct look_up *ret_found,
			  struct fault *fault)
{
	struct look_up found = {.entry = 0};

	if (settings->field == NULL || settings->purpose == NULL)
		return fault_set(fault, ERR_USAGE,
				 "give --field and --purpose together: a lookup is logged with its purpose");
	arena_init(&found.arena, 16 * PAPER_MAX);
	enum err err = find(office, settings, &found, fault);
	if (err != ERR_OK) {
		look_up_fini(&found);
		return err;
	}
	*ret_found = found;
	return ERR_OK;
}

void look_up_fini(struct look_up *found)
{
	arena_fini(&found->arena);
	*found = (struct look_up){.entry = 0};
}

/* ---- showing ---- */

static const struct table_column columns[] = {
	{"field", "field", TABLE_LEFT},		 {"value", "value", TABLE_LEFT}, {"lost", "is_lost", TABLE_LEFT},
	{"made by store", "store", TABLE_RIGHT}, {"made", "made", TABLE_LEFT},
};

static json_t *name_of(const struct look_up *found, uint32_t number)
{
	const struct charter_field *field = charter_field_by_number(found->charter, number);

	return field == NULL ? json_integer(number) : json_string(field->name);
}

static json_t *store_of(const Kluis__Superseded *lost)
{
	return lost->store == STORE_OFFICE ? json_string("head office") : json_integer(lost->store);
}

static enum err fill(struct table *table, const struct look_up *found)
{
	const Kluis__Values *values = found->values;

	for (size_t i = 0; i < values->n_values; i++) {
		json_t *cells[] = {name_of(found, values->values[i]->field), json_string(values->values[i]->value),
				   json_false(), json_null(), json_null()};
		TRY(table_add(table, cells));
	}
	for (size_t i = 0; i < values->n_superseded; i++) {
		const Kluis__Superseded *lost = values->superseded[i];
		json_t *cells[] = {name_of(found, lost->field), json_string(lost->value), json_true(), store_of(lost),
				   office_json_time(lost->made_ms)};
		TRY(table_add(table, cells));
	}
	return ERR_OK;
}

enum err command_customer_show(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct look_up found CLEANUP(look_up_fini) = {.entry = 0};
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);
	char customer[2 * PSEUDONYM_SIZE + 1];

	(void)arguments;
	if (table == NULL)
		return ERR_MEMORY;
	TRY(office_open(&office, settings->data, fault));
	TRY(look_up_customer(&office, settings, &found, fault));
	TRY(fill(table, &found));
	TRY(table_print(table, stdout, settings->is_json));
	hex_print(SLICE_ARRAY(found.customer), customer);
	fprintf(stderr, "customer %s; log entry %llu\n", customer, (unsigned long long)found.entry);
	return ERR_OK;
}
