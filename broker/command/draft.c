/*
 * kluis-broker agreement draft: a template and a row of values for each store
 * become the texts that head office and store will sign.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/commands.h"
#include "command/csv_reader.h"
#include "command/office.h"
#include "kluis/agreement.h"
#include "kluis/clock.h"
#include "kluis/file.h"

#define YEAR_MS (365 * 86400000ull)

/* What placeholders stand for, for the store at hand. */
struct values {
	struct arena arena;
	char **columns; /* of the CSV file, in the arena */
	size_t column_count;
	size_t key;   /* which column holds the store's number */
	char **cells; /* of this store's row, in row_arena */
	struct arena row_arena;
	char charter[2 * HASH_SIZE + 1];
	char supersedes[2 * HASH_SIZE + 1]; /* the agreement in force; empty without one */
	char country[3];
	char from[25], until[25];
};

static void values_fini(struct values *values)
{
	arena_fini(&values->arena);
	arena_fini(&values->row_arena);
}

static const char *value_of(void *context, const char *key)
{
	const struct values *values = context;
	const struct {
		const char *key, *value;
	} computed[] = {{"charter", values->charter},
			{"country", values->country},
			{"supersedes", values->supersedes},
			{"from", values->from},
			{"until", values->until}};

	for (size_t i = 0; i < sizeof computed / sizeof computed[0]; i++)
		if (strcmp(computed[i].key, key) == 0)
			return computed[i].value;
	for (size_t i = 0; i < values->column_count; i++)
		if (strcmp(values->columns[i], key) == 0)
			return values->cells[i];
	return NULL;
}

static enum err copy_row(const struct csv_row *row, struct arena *arena, char ***ret_cells)
{
	char **cells = arena_array(arena, row->count, sizeof *cells);

	if (cells == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < row->count; i++) {
		cells[i] = arena_text(arena, row->cells[i]);
		if (cells[i] == NULL)
			return ERR_MEMORY;
	}
	*ret_cells = cells;
	return ERR_OK;
}

static enum err read_header(struct csv_reader *reader, struct values *values, const struct settings *settings,
			    struct fault *fault)
{
	struct csv_row row;
	const char *key = settings->key != NULL ? settings->key : "store_id";

	enum err err = csv_reader_next(reader, &row, fault);
	if (err != ERR_OK)
		return fault_set(fault, err == ERR_NOT_FOUND ? ERR_INPUT : err, "'%s' is empty", settings->values);
	TRY(copy_row(&row, &values->arena, &values->columns));
	values->column_count = row.count;
	for (values->key = 0; values->key < row.count; values->key++)
		if (strcmp(values->columns[values->key], key) == 0)
			return ERR_OK;
	return fault_set(fault, ERR_INPUT, "'%s' has no column '%s'; name the one with the stores' numbers by --key",
			 settings->values, key);
}

static enum err date_option(const char *option, const char *text, uint64_t otherwise_ms, char ret_text[static 25],
			    struct fault *fault)
{
	uint64_t time_ms = otherwise_ms;

	if (text != NULL && time_from_text(text, &time_ms) != ERR_OK)
		return fault_set(fault, ERR_USAGE, "--%s: '%.32s' is not a date YYYY-MM-DD", option, text);
	time_print(time_ms, ret_text);
	ret_text[10] = '\0'; /* the day is enough */
	return ERR_OK;
}

/* Draws the text of one store and enters it as a draft. */
static enum err draft_one(struct office *office, struct slice template_text, const struct settings *settings,
			  const struct charter *charter, struct values *values, const Kluis__CensusRow *store,
			  struct fault *fault)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct arena arena CLEANUP(arena_fini) = {0};
	struct agreement *agreement;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Draft draft = KLUIS__DRAFT__INIT;

	bytes_init(&text, PAPER_MAX / 2);
	arena_init(&arena, 8 * PAPER_MAX);
	snprintf(values->country, sizeof values->country, "%s", store->country);
	values->supersedes[0] = '\0';
	bool is_current = store->state == AGREEMENT_ACTIVE || store->state == AGREEMENT_SUSPENDED;
	if (is_current && store->has_agreement && store->agreement.len == HASH_SIZE)
		hex_print(wire_slice(store->agreement), values->supersedes);
	TRY(agreement_fill(template_text, settings->template, value_of, values, &text, fault));
	agreement = arena_alloc(&arena, sizeof *agreement);
	if (agreement == NULL)
		return ERR_MEMORY;
	/* checked here first: the broker's refusal has no line to name */
	TRY(agreement_parse(bytes_slice(&text), settings->template, charter, &arena, agreement, fault));
	if (agreement->store != store->store)
		return fault_set(fault, ERR_PAPER,
				 "%s: [agreement] store: is %u, but the row of %s is store %u's; write ${%s}",
				 settings->template, agreement->store, settings->values, store->store,
				 values->columns[values->key]);
	draft.store = store->store;
	draft.hash = wire_data(SLICE_ARRAY(agreement->hash));
	operation.kind_case = KLUIS__OPERATION__KIND_DRAFT;
	operation.draft = &draft;
	return office_call(office, &operation, bytes_slice(&text), NULL, fault);
}

static const Kluis__CensusRow *find_store(Kluis__CensusRow *const *stores, size_t count, const char *number)
{
	char text[16];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%u", stores[i]->store);
		if (strcmp(text, number) == 0)
			return stores[i];
	}
	return NULL;
}

struct drafting {
	struct office *office;
	const struct settings *settings;
	struct slice template_text;
	const struct charter *charter;
	Kluis__CensusRow **stores;
	size_t store_count;
	size_t drafted;
};

static enum err draft_row(struct drafting *drafting, struct values *values, const struct csv_row *row,
			  struct fault *fault)
{
	const struct settings *settings = drafting->settings;

	arena_reset(&values->row_arena);
	TRY(copy_row(row, &values->row_arena, &values->cells));
	if (row->count != values->column_count)
		return fault_set(fault, ERR_INPUT, "%s:%llu: %zu cells instead of %zu", settings->values,
				 (unsigned long long)row->line, row->count, values->column_count);
	const Kluis__CensusRow *store = find_store(drafting->stores, drafting->store_count, values->cells[values->key]);
	bool is_asked_for = settings->is_all || (store != NULL && store->store == settings->store);
	if (!is_asked_for)
		return ERR_OK;
	if (store == NULL)
		return fault_set(fault, ERR_STORE,
				 "%s:%llu: store %.16s is not known; 'kluis-broker import stores' first",
				 settings->values, (unsigned long long)row->line, values->cells[values->key]);
	TRY(draft_one(drafting->office, drafting->template_text, settings, drafting->charter, values, store, fault));
	drafting->drafted++;
	return ERR_OK;
}

static enum err draft_rows(struct drafting *drafting, struct values *values, struct fault *fault)
{
	struct csv_source source;
	struct csv_reader *reader CLEANUP(csv_reader_free) = NULL;
	struct csv_row row;

	TRY(csv_source_open(drafting->settings->values, &source, fault));
	TRY(csv_reader_new(source, drafting->settings->values, &reader));
	TRY(read_header(reader, values, drafting->settings, fault));
	for (;;) {
		enum err err = csv_reader_next(reader, &row, fault);
		if (err == ERR_NOT_FOUND)
			return ERR_OK;
		TRY(err);
		TRY(draft_row(drafting, values, &row, fault));
	}
}

/* Every store that the broker knows, decoded into the arena. */
static enum err read_stores(struct drafting *drafting, struct arena *arena, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Census census = KLUIS__CENSUS__INIT;
	Kluis__Data *data;

	operation.kind_case = KLUIS__OPERATION__KIND_CENSUS;
	operation.census = &census;
	TRY(office_call(drafting->office, &operation, SLICE_EMPTY, &data, fault));
	drafting->stores = arena_array(arena, data->n_items, sizeof(Kluis__CensusRow *));
	if (drafting->stores == NULL && data->n_items > 0)
		return ERR_MEMORY;
	for (size_t i = 0; i < data->n_items; i++)
		TRY(WIRE_DECODE(CensusRow, census_row, wire_slice(data->items[i]), arena, &drafting->stores[i]));
	drafting->store_count = data->n_items;
	return ERR_OK;
}

static enum err run(struct drafting *drafting, struct values *values, struct fault *fault)
{
	const struct settings *settings = drafting->settings;
	struct charter *charter = arena_alloc(&values->arena, sizeof *charter);

	if (charter == NULL)
		return ERR_MEMORY;
	TRY(date_option("from", settings->from, clock_now_ms(), values->from, fault));
	TRY(date_option("until", settings->until, clock_now_ms() + YEAR_MS, values->until, fault));
	TRY(office_charter(drafting->office, &values->arena, charter, fault));
	hex_print(SLICE_ARRAY(charter->hash), values->charter);
	drafting->charter = charter;
	TRY(read_stores(drafting, &values->arena, fault));
	TRY(draft_rows(drafting, values, fault));
	if (drafting->drafted == 0)
		return fault_set(fault, ERR_NOT_FOUND, "'%s' has no row for store %llu", settings->values,
				 (unsigned long long)settings->store);
	printf("%zu agreement%s drafted; next: kluis-broker agreement sign ", drafting->drafted,
	       drafting->drafted == 1 ? "" : "s");
	if (settings->is_all)
		printf("--all\n");
	else
		printf("--store %llu\n", (unsigned long long)settings->store);
	return ERR_OK;
}

enum err command_draft(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct bytes text CLEANUP(bytes_fini) = {0};
	struct values values CLEANUP(values_fini) = {0};

	(void)arguments;
	if (settings->template == NULL || settings->values == NULL || settings->is_all == settings->has_store)
		return fault_set(fault, ERR_USAGE,
				 "say --template FILE, --values CSV and either --store NUMBER or --all");
	bytes_init(&text, PAPER_MAX / 2);
	arena_init(&values.arena, 64 * PAPER_MAX);
	arena_init(&values.row_arena, 16 * CSV_LINE_MAX);
	TRY(file_read(settings->template, &text, fault));
	TRY(office_open(&office, settings->data, fault));
	struct drafting drafting = {.office = &office, .settings = settings, .template_text = bytes_slice(&text)};
	return run(&drafting, &values, fault);
}
