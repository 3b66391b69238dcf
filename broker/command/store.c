#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/commands.h"
#include "command/office.h"
#include "kluis/agreement.h"
#include "kluis/table.h"

static enum err store_number(const char *text, uint32_t *ret_store, struct fault *fault)
{
	uint64_t number;

	TRY(command_number("STORE", text, 0, STORES_MAX - 1, &number, fault));
	*ret_store = (uint32_t)number;
	return ERR_OK;
}

enum err command_store_open(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__OpenStore open = KLUIS__OPEN_STORE__INIT;
	char name[VALUE_MAX + 1], country[3];

	TRY(store_number(arguments->items[0], &open.store, fault));
	if (snprintf(name, sizeof name, "%s", arguments->items[1]) >= (int)sizeof name)
		return fault_set(fault, ERR_USAGE, "the store's name is too long");
	if (snprintf(country, sizeof country, "%s", arguments->items[2]) != 2 || !country_is_known(country))
		return fault_set(fault, ERR_USAGE, "'%.16s' is not a country: two capitals of ISO 3166-1, such as NL",
				 arguments->items[2]);
	open.name = name;
	open.country = country;
	operation.kind_case = KLUIS__OPERATION__KIND_OPEN_STORE;
	operation.open_store = &open;
	TRY(office_open(&office, settings->data, fault));
	TRY(office_call(&office, &operation, SLICE_EMPTY, NULL, fault));
	printf("store %u is known as '%s' in %s\n", open.store, name, country);
	return ERR_OK;
}

static const struct table_column columns[] = {
	{"store", "store", TABLE_RIGHT},	{"name", "name", TABLE_LEFT},
	{"country", "country", TABLE_LEFT},	{"joined", "has_joined", TABLE_LEFT},
	{"agreement", "agreement", TABLE_LEFT}, {"state", "state", TABLE_LEFT},
};

static json_t *short_hash(ProtobufCBinaryData hash, bool is_whole)
{
	char text[2 * HASH_SIZE + 1];

	if (hash.len != HASH_SIZE)
		return json_null();
	hex_print(SLICE(hash.data, is_whole ? HASH_SIZE : 6), text);
	return json_string(text);
}

static enum err add_row(struct table *table, ProtobufCBinaryData item, struct arena *arena, bool is_json)
{
	Kluis__CensusRow *row;

	TRY(WIRE_DECODE(CensusRow, census_row, wire_slice(item), arena, &row));
	json_t *cells[] = {
		json_integer(row->store),
		json_string(row->name),
		json_string(row->country),
		json_boolean(row->has_joined),
		short_hash(row->agreement, is_json),
		json_string(agreement_state_name((enum agreement_state)row->state)),
	};
	return table_add(table, cells);
}

static enum err print_census(const Kluis__Data *data, bool is_json)
{
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);
	struct arena arena CLEANUP(arena_fini) = {0};

	if (table == NULL)
		return ERR_MEMORY;
	arena_init(&arena, REQUEST_ARENA_MAX);
	for (size_t i = 0; i < data->n_items; i++)
		TRY(add_row(table, data->items[i], &arena, is_json));
	return table_print(table, stdout, is_json);
}

/* Stores and how they stand: also what "agreement list" prints. */
enum err command_store_list(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Census census = KLUIS__CENSUS__INIT;
	Kluis__Data *data;

	(void)arguments;
	operation.kind_case = KLUIS__OPERATION__KIND_CENSUS;
	operation.census = &census;
	TRY(office_open(&office, settings->data, fault));
	TRY(office_call(&office, &operation, SLICE_EMPTY, &data, fault));
	return print_census(data, settings->is_json);
}
