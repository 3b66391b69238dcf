/*
 * kluis-broker totals: sums of receipts by year and store, read from the
 * sealed receipts a page of customers at a time. Exact: no number here is ever a float.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/commands.h"
#include "command/office.h"
#include "kluis/table.h"

#define PAGE 1000
#define ROWS_MAX 100000

struct sums {
	struct bytes storage; /* of rows */
	Kluis__TotalsRow *rows;
	size_t count;
};

static void sums_init(struct sums *sums)
{
	*sums = (struct sums){.count = 0};
	bytes_init(&sums->storage, ROWS_MAX * sizeof(Kluis__TotalsRow));
}

static void sums_fini(struct sums *sums)
{
	bytes_fini(&sums->storage);
}

static Kluis__TotalsRow *row_of(struct sums *sums, uint32_t store, int32_t year)
{
	uint8_t *place;

	for (size_t i = 0; i < sums->count; i++)
		if (sums->rows[i].store == store && sums->rows[i].year == year)
			return &sums->rows[i];
	if (bytes_reserve(&sums->storage, sizeof(Kluis__TotalsRow), &place) != ERR_OK)
		return NULL;
	sums->storage.length += sizeof(Kluis__TotalsRow);
	sums->rows = (Kluis__TotalsRow *)(void *)sums->storage.data;
	Kluis__TotalsRow *row = &sums->rows[sums->count++];
	kluis__totals_row__init(row);
	row->store = store;
	row->year = year;
	return row;
}

static enum err add_item(struct sums *sums, ProtobufCBinaryData item)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__TotalsRow *part;

	arena_init(&arena, 4096);
	TRY(WIRE_DECODE(TotalsRow, totals_row, wire_slice(item), &arena, &part));
	Kluis__TotalsRow *row = row_of(sums, part->store, part->year);
	if (row == NULL)
		return ERR_MEMORY;
	row->receipts += part->receipts;
	row->lines += part->lines;
	bool is_over = __builtin_add_overflow(row->units, part->units, &row->units) ||
		       __builtin_add_overflow(row->amount, part->amount, &row->amount) ||
		       __builtin_add_overflow(row->cost, part->cost, &row->cost);
	return is_over ? ERR_TOO_LARGE : ERR_OK;
}

/* One page; ret_more says whether another follows, after is moved on. */
static enum err add_page(struct office *office, struct sums *sums, uint8_t *after, size_t *after_size, bool *ret_more,
			 struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Totals totals = KLUIS__TOTALS__INIT;
	Kluis__Data *data;
	Kluis__Result *result;

	totals.after = wire_data(SLICE(after, *after_size));
	totals.count = PAGE;
	operation.kind_case = KLUIS__OPERATION__KIND_TOTALS;
	operation.totals = &totals;
	TRY(office_call_part(office, &operation, NULL, SLICE_EMPTY, &data, &result, fault));
	for (size_t i = 0; i < data->n_items; i++)
		TRY(add_item(sums, data->items[i]));
	*ret_more = result->has_has_more && result->has_more && result->customer.len == PSEUDONYM_SIZE;
	if (*ret_more) {
		memcpy(after, result->customer.data, PSEUDONYM_SIZE);
		*after_size = PSEUDONYM_SIZE;
	}
	return ERR_OK;
}

static int by_year_and_store(const void *a, const void *b)
{
	const Kluis__TotalsRow *left = a, *right = b;

	if (left->year != right->year)
		return left->year < right->year ? -1 : 1;
	return left->store < right->store ? -1 : left->store > right->store;
}

/* 1/10000 as a decimal with four places. */
static json_t *decimal(int64_t value)
{
	char text[32];
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	snprintf(text, sizeof text, "%s%" PRIu64 ".%04" PRIu64, value < 0 ? "-" : "", size / 10000, size % 10000);
	return json_string(text);
}

static const struct table_column columns[] = {
	{"year", "year", TABLE_RIGHT},	 {"store", "store", TABLE_RIGHT}, {"receipts", "receipts", TABLE_RIGHT},
	{"lines", "lines", TABLE_RIGHT}, {"units", "units", TABLE_RIGHT}, {"amount", "amount", TABLE_RIGHT},
	{"cost", "cost", TABLE_RIGHT},
};

static enum err add_row(struct table *table, const Kluis__TotalsRow *row, json_t *store)
{
	json_t *cells[] = {
		json_integer(row->year),
		store,
		json_integer((json_int_t)row->receipts),
		json_integer((json_int_t)row->lines),
		decimal(row->units),
		decimal(row->amount),
		decimal(row->cost),
	};
	return table_add(table, cells);
}

static enum err print_sums(struct sums *sums, bool is_json)
{
	struct table *table CLEANUP(table_free) = table_new(columns, sizeof columns / sizeof columns[0]);

	if (table == NULL)
		return ERR_MEMORY;
	if (sums->count > 0)
		qsort(sums->rows, sums->count, sizeof *sums->rows, by_year_and_store);
	for (size_t i = 0; i < sums->count; i++)
		TRY(add_row(table, &sums->rows[i], json_integer(sums->rows[i].store)));
	return table_print(table, stdout, is_json);
}

enum err command_totals(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct office office CLEANUP(office_close) = {.lane_lock = -1};
	struct sums sums CLEANUP(sums_fini) = {0};
	uint8_t after[PSEUDONYM_SIZE];
	size_t after_size = 0;
	bool has_more = true;

	(void)arguments;
	sums_init(&sums);
	TRY(office_open(&office, settings->data, fault));
	while (has_more)
		TRY(add_page(&office, &sums, after, &after_size, &has_more, fault));
	return print_sums(&sums, settings->is_json);
}
