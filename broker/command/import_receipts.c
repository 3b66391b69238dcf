/* Lines of receipts: those with the same store, customer and day are one, wherever they stand in the file. */
#include <stdlib.h>
#include <string.h>

#include "command/import_rows.h"
#include "command/import_source.h"
#include "command/import_value.h"
#include "kluis/decimal.h"

#define SECRET_SIZE 64 /* of a struct secret_key */

struct receipts {
	struct import_input input;
	struct import_rows rows;
	struct bytes normalised; /* of one customer's value */
	size_t at;		 /* next group */
};

void import_receipt_id(const struct secret_key *key, uint32_t store, int32_t day, struct slice customer,
		       uint8_t ret_id[static PSEUDONYM_SIZE])
{
	uint8_t text[8 + VALUE_MAX], hash[HASH_SIZE];

	assert(customer.length <= VALUE_MAX);
	put_u32(text, store);
	put_u32(text + 4, (uint32_t)day);
	if (customer.length > 0)
		memcpy(text + 8, customer.data, customer.length);
	blake2b(SLICE(key->secret, SECRET_SIZE), "kluis/receipt-id/v1\n", SLICE(text, 8 + customer.length), hash);
	memcpy(ret_id, hash, PSEUDONYM_SIZE);
	wipe(text, sizeof(text));
}

/* The customer's value as lookups compare it, so that two ways to write it are one customer. */
static enum err take_customer(struct receipts *receipts, const struct csv_row *row, struct import_row *taken,
			      struct fault *fault)
{
	const struct mapping *mapping = receipts->input.mapping;
	struct slice value = mapping_value(&mapping->customer, row);

	if (value.length == 0 || field_check_value(mapping->customer_field, value) != ERR_OK) {
		taken->reason = value.length == 0 ? "customer: empty" : "customer: not a value of its field's type";
		taken->is_keyless = true;
		return ERR_OK;
	}
	bytes_clear(&receipts->normalised);
	TRY(field_normalise(mapping->customer_field, value, &receipts->normalised));
	return import_rows_text(&receipts->rows, bytes_slice(&receipts->normalised), &taken->key, fault);
}

static void fail_row(struct import_row *taken, const char *reason, bool is_keyless)
{
	if (!taken->reason)
		taken->reason = reason;
	taken->is_keyless = taken->is_keyless || is_keyless;
}

static void take_numbers(const struct mapping *mapping, const struct csv_row *row, struct import_row *taken)
{
	if (import_store(mapping_value(&mapping->store, row), &taken->store) != ERR_OK)
		fail_row(taken, "store: not a number from 0 to 99999", true);
	if (import_day(mapping_value(&mapping->date, row), &taken->day) != ERR_OK)
		fail_row(taken, "date: no such day, or not written YYYY-MM-DD", true);
	if (decimal_parse(mapping_value(&mapping->units, row), &taken->units) != ERR_OK)
		fail_row(taken, "units: not a number of at most four decimals", false);
	if (decimal_parse(mapping_value(&mapping->amount, row), &taken->amount) != ERR_OK)
		fail_row(taken, "amount: not a number of at most four decimals", false);
	if (mapping->cost.name && decimal_parse(mapping_value(&mapping->cost, row), &taken->cost) != ERR_OK)
		fail_row(taken, "cost: not a number of at most four decimals", false);
}

static enum err gather(void *context, const struct csv_row *row, struct fault *fault)
{
	struct receipts *receipts = context;
	struct import_row taken = {.line = row->line};

	if (row->count != receipts->input.column_count) {
		fail_row(&taken, "another number of columns than the header", true);
		return import_rows_add(&receipts->rows, &taken, fault);
	}
	TRY(take_customer(receipts, row, &taken, fault));
	take_numbers(receipts->input.mapping, row, &taken);

	struct slice product = mapping_value(&receipts->input.mapping->product, row);
	if (product.length == 0 || product.length > NAME_MAX_ || !slice_is_text(product, false))
		fail_row(&taken, "product: empty, over 64 bytes, or not text in UTF-8", false);
	else
		TRY(import_rows_text(&receipts->rows, product, &taken.product, fault));
	return import_rows_add(&receipts->rows, &taken, fault);
}

static enum err ready(void *context, struct fault *fault)
{
	(void)fault;
	return import_rows_group(&((struct receipts *)context)->rows);
}

/* Why the whole receipt cannot be: one line at fault spoils it, since what is left would be another receipt. */
static enum err find_reason(const struct receipts *receipts, const struct import_group *group, struct arena *arena,
			    const char **ret_reason)
{
	for (uint32_t i = 0; i < group->count; i++) {
		const struct import_row *row = import_rows_in(&receipts->rows, group, i);

		if (!row->reason)
			continue;
		*ret_reason = group->count == 1 ? row->reason
						: arena_printf(arena, "receipt with line %llu: %s",
							       (unsigned long long)row->line, row->reason);
		return *ret_reason ? ERR_OK : ERR_MEMORY;
	}
	*ret_reason = group->count > LINES_MAX ? "receipt of over 1000 lines" : NULL;
	return ERR_OK;
}

static enum err make_content(const struct receipts *receipts, const struct import_group *group, struct arena *arena,
			     Kluis__ReceiptContent *content)
{
	const struct import_row *first = import_rows_in(&receipts->rows, group, 0);
	Kluis__Value *value = arena_alloc(arena, sizeof(*value));
	Kluis__Line *lines = arena_array(arena, group->count, sizeof(*lines));
	Kluis__Line **pointers = arena_array(arena, group->count, sizeof(*pointers));

	if (!value || !lines || !pointers)
		return ERR_MEMORY;
	kluis__value__init(value);
	value->field = receipts->input.mapping->customer_field->number;
	value->value = arena_text(arena, import_rows_slice(&receipts->rows, first->key));
	if (!value->value)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < group->count; i++) {
		const struct import_row *row = import_rows_in(&receipts->rows, group, i);

		kluis__line__init(&lines[i]);
		lines[i].product = arena_text(arena, import_rows_slice(&receipts->rows, row->product));
		if (!lines[i].product)
			return ERR_MEMORY;
		lines[i].units = row->units;
		lines[i].amount = row->amount;
		lines[i].has_cost = receipts->input.mapping->cost.name != NULL;
		lines[i].cost = row->cost;
		pointers[i] = &lines[i];
	}
	content->customer = value;
	content->lines = pointers;
	content->n_lines = group->count;
	return ERR_OK;
}

static enum err make_operation(const struct receipts *receipts, const struct import_group *group, struct arena *arena,
			       struct import_item *item)
{
	const struct import_row *first = import_rows_in(&receipts->rows, group, 0);
	Kluis__ReceiptContent content;
	Kluis__Operation *operation = arena_alloc(arena, sizeof(*operation));
	Kluis__Receipt *receipt = arena_alloc(arena, sizeof(*receipt));
	uint8_t *id = arena_alloc(arena, PSEUDONYM_SIZE);

	if (!operation || !receipt || !id)
		return ERR_MEMORY;
	kluis__receipt_content__init(&content);
	TRY(make_content(receipts, group, arena, &content));
	if (wire_size(&content.base) > RECORD_MAX) {
		item->reason = "receipt of over 64 KiB";
		return ERR_OK;
	}
	kluis__receipt__init(receipt);
	import_receipt_id(receipts->input.key, first->store, first->day, import_rows_slice(&receipts->rows, first->key),
			  id);
	receipt->id = wire_data(SLICE(id, PSEUDONYM_SIZE));
	receipt->store = first->store;
	receipt->day = first->day;
	TRY(part_make(&content.base, arena, &item->part, &receipt->commitment));
	kluis__operation__init(operation);
	operation->purpose = arena_text(arena, slice_text(receipts->input.mapping->purpose));
	if (!operation->purpose)
		return ERR_MEMORY;
	operation->kind_case = KLUIS__OPERATION__KIND_RECEIPT;
	operation->receipt = receipt;
	item->operation = operation;
	return ERR_OK;
}

static enum err next(void *context, struct arena *arena, struct import_item *ret_item, struct fault *fault)
{
	struct receipts *receipts = context;
	struct import_item item = {.operation = NULL};
	const struct import_group *group;
	uint64_t *lines;

	(void)fault;
	if (receipts->at == receipts->rows.group_count)
		return ERR_NOT_FOUND;
	group = import_rows_group_at(&receipts->rows, receipts->at);
	lines = arena_array(arena, group->count, sizeof(*lines));
	if (!lines)
		return ERR_MEMORY;
	for (uint32_t i = 0; i < group->count; i++)
		lines[i] = import_rows_in(&receipts->rows, group, i)->line;
	item.row_count = group->count;
	item.lines = lines;
	TRY(find_reason(receipts, group, arena, &item.reason));
	if (!item.reason)
		TRY(make_operation(receipts, group, arena, &item));
	receipts->at++;
	*ret_item = item;
	return ERR_OK;
}

static void receipts_free(void *context)
{
	struct receipts *receipts = context;

	import_rows_fini(&receipts->rows);
	bytes_fini(&receipts->normalised);
	free(receipts);
}

enum err import_receipts_new(const struct import_input *input, struct import_source *ret_source)
{
	struct receipts *receipts = calloc(1, sizeof(*receipts));

	if (!receipts)
		return ERR_MEMORY;
	receipts->input = *input;
	import_rows_init(&receipts->rows);
	bytes_init_secret(&receipts->normalised, VALUE_MAX);
	*ret_source = (struct import_source){
		.context = receipts, .gather = gather, .ready = ready, .next = next, .free = receipts_free};
	return ERR_OK;
}
