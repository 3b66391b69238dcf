/* Rows of stores: number, name and country. There are at most 100,000, so all is kept from the first pass. */
#include <stdlib.h>
#include <string.h>

#include "command/import_rows.h"
#include "command/import_source.h"
#include "command/import_value.h"
#include "kluis/agreement.h"

struct stores {
	struct import_input input;
	struct import_rows rows; /* store: number, product: name, amount: the country's two letters */
	size_t at;
};

/* Two capitals stand for themselves; other texts as the mapping's [countries] says. Empty: not known. */
static struct slice country_of(const struct mapping *mapping, const struct csv_row *row)
{
	struct slice text = mapping_value(&mapping->country, row);

	for (size_t i = 0; i < mapping->country_count; i++)
		if (slice_equal(text, slice_text(mapping->countries[i].text)))
			return slice_text(mapping->countries[i].code);
	if (text.length != 2)
		return SLICE_EMPTY;
	const char code[] = {(char)text.data[0], (char)text.data[1], '\0'};
	return country_is_known(code) ? text : SLICE_EMPTY;
}

static const char *take_row(const struct stores *stores, const struct csv_row *row, struct import_row *taken,
			    struct slice *ret_name)
{
	const struct mapping *mapping = stores->input.mapping;
	struct slice country;

	taken->is_keyless = true;
	if (row->count != stores->input.column_count)
		return "another number of columns than the header";
	if (import_store(mapping_value(&mapping->number, row), &taken->store) != ERR_OK)
		return "number: not a number from 0 to 99999";
	taken->is_keyless = false;
	*ret_name = mapping_value(&mapping->name, row);
	if (ret_name->length == 0 || ret_name->length > VALUE_MAX || !slice_is_text(*ret_name, false))
		return "name: empty, too long, or not text in UTF-8";
	country = country_of(mapping, row);
	if (country.length == 0)
		return "country: neither of ISO 3166-1 (two capitals) nor in the mapping's [countries]";
	taken->amount = country.data[0] << 8 | country.data[1];
	return NULL;
}

static enum err gather(void *context, const struct csv_row *row, struct fault *fault)
{
	struct stores *stores = context;
	struct import_row taken = {.line = row->line};
	struct slice name = SLICE_EMPTY;

	taken.reason = take_row(stores, row, &taken, &name);
	if (!taken.reason)
		TRY(import_rows_text(&stores->rows, name, &taken.product, fault));
	return import_rows_add(&stores->rows, &taken, fault);
}

static enum err ready(void *context, struct fault *fault)
{
	struct stores *stores = context;

	(void)fault;
	TRY(import_rows_group(&stores->rows));
	import_rows_reject_doubles(&stores->rows, "number: stands in an earlier row too");
	return ERR_OK;
}

static enum err make_operation(const struct stores *stores, const struct import_row *row, struct arena *arena,
			       Kluis__Operation **ret_operation)
{
	Kluis__Operation *operation = arena_alloc(arena, sizeof(*operation));
	Kluis__OpenStore *store = arena_alloc(arena, sizeof(*store));

	if (!operation || !store)
		return ERR_MEMORY;
	kluis__open_store__init(store);
	store->store = row->store;
	store->name = arena_text(arena, import_rows_slice(&stores->rows, row->product));
	store->country = arena_printf(arena, "%c%c", (char)(row->amount >> 8), (char)(row->amount & 0xFF));
	if (!store->name || !store->country)
		return ERR_MEMORY;
	kluis__operation__init(operation);
	operation->kind_case = KLUIS__OPERATION__KIND_OPEN_STORE;
	operation->open_store = store;
	*ret_operation = operation;
	return ERR_OK;
}

static enum err next(void *context, struct arena *arena, struct import_item *ret_item, struct fault *fault)
{
	struct stores *stores = context;
	const struct import_row *row;
	struct import_item item;

	(void)fault;
	if (stores->at == stores->rows.count)
		return ERR_NOT_FOUND;
	row = import_rows_at(&stores->rows, stores->at);
	TRY(import_item_reject(arena, row->line, row->reason, &item));
	if (!row->reason)
		TRY(make_operation(stores, row, arena, &item.operation));
	stores->at++;
	*ret_item = item;
	return ERR_OK;
}

static void stores_free(void *context)
{
	import_rows_fini(&((struct stores *)context)->rows);
	free(context);
}

enum err import_stores_new(const struct import_input *input, struct import_source *ret_source)
{
	struct stores *stores = calloc(1, sizeof(*stores));

	if (!stores)
		return ERR_MEMORY;
	stores->input = *input;
	import_rows_init(&stores->rows);
	*ret_source = (struct import_source){
		.context = stores, .gather = gather, .ready = ready, .next = next, .free = stores_free};
	return ERR_OK;
}
