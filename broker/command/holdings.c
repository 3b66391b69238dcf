/*
 * kluis-broker holdings and findings: which copies stores hold, which of them should be gone, and what was odd about
 * stores' requests and journals.
 */
#include <stdio.h>

#include "command/commands.h"
#include "command/office.h"
#include "kluis/journal.h"
#include "kluis/table.h"

typedef enum err add_fn(struct table *table, ProtobufCBinaryData item, const struct settings *settings,
			struct arena *arena);

/* table NULL: memory was short. */
static enum err list(const struct settings *settings, Kluis__Operation *operation, struct table *table, add_fn *add,
		     struct fault *fault)
{
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Data *data;

	if (table == NULL)
		return ERR_MEMORY;
	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(office_list(&office, settings->data, operation, &data, fault));
	for (size_t i = 0; i < data->n_items; i++)
		TRY(add(table, data->items[i], settings, &arena));
	return table_print(table, stdout, settings->is_json);
}

/* ---- holdings ---- */

static const struct table_column holding_columns[] = {
	{"store", "store", TABLE_RIGHT},	 {"purpose", "purpose", TABLE_LEFT},  {"since", "since", TABLE_LEFT},
	{"readable until", "until", TABLE_LEFT}, {"to be purged", "due", TABLE_LEFT},
};

static json_t *json_due(uint32_t due, bool is_json)
{
	if (due == ERR_OK)
		return json_null();
	if (is_json)
		return json_string(error_name((enum err)due));
	return json_string(due == ERR_TIMEOUT ? "lease is over" : error_text((enum err)due));
}

static enum err add_holding(struct table *table, ProtobufCBinaryData item, const struct settings *settings,
			    struct arena *arena)
{
	Kluis__HoldingRow *row;

	TRY(WIRE_DECODE(HoldingRow, holding_row, wire_slice(item), arena, &row));
	if (settings->is_due && row->due == ERR_OK)
		return ERR_OK;
	json_t *cells[] = {
		json_integer(row->store),
		json_string(row->purpose),
		office_json_time(row->since_ms),
		office_json_time(row->until_ms),
		json_due(row->due, settings->is_json),
	};
	return table_add(table, cells);
}

enum err command_holdings(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Holdings holdings = KLUIS__HOLDINGS__INIT;
	struct table *table CLEANUP(table_free) =
		table_new(holding_columns, sizeof holding_columns / sizeof holding_columns[0]);

	(void)arguments;
	operation.kind_case = KLUIS__OPERATION__KIND_HOLDINGS;
	operation.holdings = &holdings;
	return list(target, &operation, table, add_holding, fault);
}

/* ---- findings ---- */

static const struct table_column finding_columns[] = {
	{"time (UTC)", "time", TABLE_LEFT},
	{"store", "store", TABLE_RIGHT},
	{"record", "record", TABLE_RIGHT},
	{"what", "kinds", TABLE_LEFT},
};

static json_t *json_kinds(uint32_t kinds)
{
	json_t *names = json_array();
	size_t count;
	const struct finding_row *rows = finding_rows(&count);

	for (size_t i = 0; i < count; i++)
		if ((kinds & rows[i].bit) != 0)
			json_array_append_new(names, json_string(rows[i].name));
	return names;
}

static json_t *words_of(uint32_t kinds)
{
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, VALUE_MAX);
	if (findings_print(kinds, &text) != ERR_OK)
		return NULL;
	return json_stringn((const char *)text.data, text.length);
}

static enum err add_finding(struct table *table, ProtobufCBinaryData item, const struct settings *settings,
			    struct arena *arena)
{
	Kluis__FindingRow *row;

	TRY(WIRE_DECODE(FindingRow, finding_row, wire_slice(item), arena, &row));
	json_t *cells[] = {
		office_json_time(row->time_ms),
		json_integer(row->store),
		row->number == 0 ? json_null() : json_integer((json_int_t)row->number),
		settings->is_json ? json_kinds(row->kinds) : words_of(row->kinds),
	};
	return table_add(table, cells);
}

enum err command_findings(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Findings findings = KLUIS__FINDINGS__INIT;
	struct table *table CLEANUP(table_free) =
		table_new(finding_columns, sizeof finding_columns / sizeof finding_columns[0]);

	(void)arguments;
	operation.kind_case = KLUIS__OPERATION__KIND_FINDINGS;
	operation.findings = &findings;
	return list(target, &operation, table, add_finding, fault);
}
