/*
 * kluis-broker incidents and requests: what stores report in words, the newest first. What a store knows of, head
 * office knows of: GDPR art. 33 gives it 72 hours from then, art. 12(3) one month for a data subject's request.
 */
#include <stdio.h>

#include "command/commands.h"
#include "command/office.h"
#include "kluis/clock.h"
#include "kluis/table.h"

#define HOUR_MS 3600000
#define DAY_MS (24 * HOUR_MS)
#define NOTIFY_HOURS 72 /* art. 33(1) */

struct word {
	const char *text;
	uint32_t number;
};

/* As the till's API has them (openapi.json). */
static const struct word kinds[] = {
	{"loss", 1},  {"theft", 2}, {"unauthorised-access", 3}, {"wrong-recipient", 4}, {"tampering", 5},
	{"other", 6}, {NULL, 0},
};
static const struct word rights[] = {
	{"access", 15},	     {"rectification", 16}, {"erasure", 17}, {"restriction", 18},
	{"portability", 20}, {"objection", 21},	    {NULL, 0},
};

static json_t *json_word(const struct word *words, uint32_t number)
{
	while (words->text != NULL && words->number != number)
		words++;
	return words->text == NULL ? json_integer(number) : json_string(words->text);
}

static json_t *json_hex(struct slice bytes)
{
	char text[2 * PSEUDONYM_SIZE + 1];

	if (bytes.length != PSEUDONYM_SIZE)
		return json_null();
	hex_print(bytes, text);
	return json_string(text);
}

static int64_t age_ms(const Kluis__NoticeRow *row, uint64_t now_ms)
{
	return now_ms > row->time_ms ? (int64_t)(now_ms - row->time_ms) : 0;
}

/* What is left of the 72 hours, or by how much they are over: whole hours, so that none is counted that is not there.
 */
static json_t *json_clock(int64_t hours, bool is_json)
{
	char text[48];

	if (is_json)
		return json_integer(NOTIFY_HOURS - hours);
	if (hours < NOTIFY_HOURS)
		snprintf(text, sizeof text, "%d h left", (int)(NOTIFY_HOURS - hours));
	else
		snprintf(text, sizeof text, "over for %lld h", (long long)(hours - NOTIFY_HOURS));
	return json_string(text);
}

/* ---- incidents ---- */

static const struct table_column incident_columns[] = {
	{"time (UTC)", "time", TABLE_LEFT},	{"store", "store", TABLE_RIGHT},
	{"kind", "kind", TABLE_LEFT},		{"hours since", "hours", TABLE_RIGHT},
	{"72 hours", "hours_left", TABLE_LEFT}, {"began", "since", TABLE_LEFT},
	{"what", "text", TABLE_LEFT},		{"id", "id", TABLE_LEFT},
};

static enum err add_incident(struct table *table, const Kluis__NoticeRow *row, uint64_t now_ms, bool is_json)
{
	int64_t hours = age_ms(row, now_ms) / HOUR_MS;
	json_t *cells[] = {
		office_json_time(row->time_ms), json_integer(row->store),
		json_word(kinds, row->kind),	json_integer(hours),
		json_clock(hours, is_json),	office_json_time(row->has_since_ms ? row->since_ms : 0),
		json_string(row->text),		json_hex(wire_slice(row->id)),
	};

	return table_add(table, cells);
}

/* ---- data subjects' requests ---- */

static const struct table_column request_columns[] = {
	{"time (UTC)", "time", TABLE_LEFT},
	{"store", "store", TABLE_RIGHT},
	{"right", "right", TABLE_LEFT},
	{"days since", "days", TABLE_RIGHT},
	{"customer", "customer", TABLE_LEFT},
	{"what", "text", TABLE_LEFT},
	{"id", "id", TABLE_LEFT},
};

static enum err add_request(struct table *table, const Kluis__NoticeRow *row, uint64_t now_ms, bool is_json)
{
	json_t *cells[] = {
		office_json_time(row->time_ms),
		json_integer(row->store),
		json_word(rights, row->kind),
		json_integer(age_ms(row, now_ms) / DAY_MS),
		json_hex(row->has_customer ? wire_slice(row->customer) : SLICE_EMPTY),
		json_string(row->text),
		json_hex(wire_slice(row->id)),
	};

	(void)is_json;
	return table_add(table, cells);
}

/* ---- both ---- */

typedef enum err add_fn(struct table *table, const Kluis__NoticeRow *row, uint64_t now_ms, bool is_json);

static enum err add_rows(struct table *table, const Kluis__Data *data, bool of_incidents, add_fn *add, bool is_json)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint64_t now_ms = clock_now_ms();

	arena_init(&arena, REQUEST_ARENA_MAX);
	for (size_t i = 0; i < data->n_items; i++) {
		Kluis__NoticeRow *row;

		TRY(WIRE_DECODE(NoticeRow, notice_row, wire_slice(data->items[i]), &arena, &row));
		if ((row->is_incident != 0) == of_incidents)
			TRY(add(table, row, now_ms, is_json));
	}
	return ERR_OK;
}

static enum err list(const struct settings *settings, bool of_incidents, struct table *table, add_fn *add,
		     struct fault *fault)
{
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Notices notices = KLUIS__NOTICES__INIT;
	Kluis__Data *data;

	if (table == NULL)
		return ERR_MEMORY;
	operation.kind_case = KLUIS__OPERATION__KIND_NOTICES;
	operation.notices = &notices;
	TRY(office_list(&office, settings->data, &operation, &data, fault));
	TRY(add_rows(table, data, of_incidents, add, settings->is_json));
	return table_print(table, stdout, settings->is_json);
}

enum err command_incidents(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	struct table *table CLEANUP(table_free) =
		table_new(incident_columns, sizeof incident_columns / sizeof incident_columns[0]);

	(void)arguments;
	return list(target, true, table, add_incident, fault);
}

enum err command_requests(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	struct table *table CLEANUP(table_free) =
		table_new(request_columns, sizeof request_columns / sizeof request_columns[0]);

	(void)arguments;
	return list(target, false, table, add_request, fault);
}
