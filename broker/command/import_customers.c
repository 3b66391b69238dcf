/* Rows of customers: each is a registration under a fresh pseudonym; the broker knows by the identifier whom it has
 * already. */
#include <stdlib.h>
#include <string.h>

#include "command/import_rows.h"
#include "command/import_source.h"
#include "command/import_value.h"
#include "kluis/clock.h"

struct customers {
	struct import_input input;
	struct import_rows rows;
	struct bytes normalised;
	size_t at; /* next row */
};

static enum err gather(void *context, const struct csv_row *row, struct fault *fault)
{
	struct customers *customers = context;
	const struct mapping *mapping = customers->input.mapping;
	struct import_row taken = {.line = row->line};
	struct slice value;

	if (row->count != customers->input.column_count) {
		taken.reason = "another number of columns than the header";
		taken.is_keyless = true;
		return import_rows_add(&customers->rows, &taken, fault);
	}
	value = mapping_value(&mapping->customer, row);
	if (value.length == 0 || field_check_value(mapping->customer_field, value) != ERR_OK) {
		taken.reason = value.length == 0 ? "identifier: empty" : "identifier: not a value of its field's type";
		taken.is_keyless = true;
		return import_rows_add(&customers->rows, &taken, fault);
	}
	bytes_clear(&customers->normalised);
	TRY(field_normalise(mapping->customer_field, value, &customers->normalised));
	TRY(import_rows_text(&customers->rows, bytes_slice(&customers->normalised), &taken.key, fault));
	return import_rows_add(&customers->rows, &taken, fault);
}

static enum err ready(void *context, struct fault *fault)
{
	struct customers *customers = context;
	struct csv_row header;

	TRY(import_rows_group(&customers->rows));
	import_rows_reject_doubles(&customers->rows, "identifier: stands in an earlier row too");
	TRY(csv_reader_rewind(customers->input.reader, fault));
	return csv_reader_next(customers->input.reader, &header, fault);
}

/* A date also in the form that databases write; ret_value points into row or to place. */
static struct slice value_of(const struct mapping_field *field, const struct csv_row *row, char place[static 11])
{
	struct slice value = mapping_value(&field->column, row);
	int32_t day = 0;

	if (field->field->type != FIELD_DATE || import_day(value, &day) != ERR_OK)
		return value;
	date_print(day, place);
	return slice_text(place);
}

static enum err make_values(const struct customers *customers, const struct csv_row *row, struct arena *arena,
			    Kluis__Values *values, const char **ret_reason)
{
	const struct mapping *mapping = customers->input.mapping;
	Kluis__Value *made = arena_array(arena, mapping->field_count, sizeof(*made));

	values->values = arena_array(arena, mapping->field_count, sizeof(*values->values));
	if (!made || !values->values)
		return ERR_MEMORY;
	for (size_t i = 0; i < mapping->field_count; i++) {
		const struct mapping_field *field = &mapping->fields[i];
		char place[11];
		struct slice value = value_of(field, row, place);

		if (value.length == 0)
			continue;
		if (field_check_value(field->field, value) != ERR_OK) {
			*ret_reason = arena_printf(arena,
						   "field '%s': not a value of its type (too long, not UTF-8, a "
						   "control character, or of another form)",
						   field->field->name);
			return *ret_reason ? ERR_OK : ERR_MEMORY;
		}
		kluis__value__init(&made[values->n_values]);
		made[values->n_values].field = field->field->number;
		made[values->n_values].value = arena_text(arena, value);
		if (!made[values->n_values].value)
			return ERR_MEMORY;
		values->values[values->n_values] = &made[values->n_values];
		values->n_values++;
	}
	if (wire_size(&values->base) > RECORD_MAX)
		*ret_reason = "record of over 64 KiB";
	return ERR_OK;
}

/* The store and day of registration, where the row has them. */
static const char *take_registration(const struct mapping *mapping, const struct csv_row *row,
				     Kluis__Registration *registration)
{
	struct slice store = mapping_value(&mapping->registered_store, row);
	struct slice day = mapping_value(&mapping->registered_day, row);

	registration->has_store = store.length > 0;
	registration->has_day = day.length > 0;
	if (store.length > 0 && import_store(store, &registration->store) != ERR_OK)
		return "registered-store: not a number from 0 to 99999";
	if (day.length > 0 && import_day(day, &registration->day) != ERR_OK)
		return "registered-day: no such day, or not written YYYY-MM-DD";
	return NULL;
}

/* False if the cell's text is none of the mapping's. */
static bool find_status(const struct mapping_consent *consent, const struct csv_row *row, bool *ret_has,
			uint32_t *ret_status)
{
	struct slice text = mapping_value(&consent->column, row);

	*ret_has = text.length > 0;
	*ret_status = consent->statuses[0].status; /* of a constant */
	if (consent->column.constant || text.length == 0)
		return true;
	for (size_t i = 0; i < consent->status_count; i++)
		if (slice_equal(text, slice_text(consent->statuses[i].text))) {
			*ret_status = consent->statuses[i].status;
			return true;
		}
	return false;
}

static enum err make_consents(const struct mapping *mapping, const struct csv_row *row, struct arena *arena,
			      Kluis__Registration *registration, const char **ret_reason)
{
	Kluis__ConsentState *made = arena_array(arena, mapping->consent_count + 1, sizeof(*made));

	registration->consents = arena_array(arena, mapping->consent_count + 1, sizeof(*registration->consents));
	if (!made || !registration->consents)
		return ERR_MEMORY;
	for (size_t i = 0; i < mapping->consent_count; i++) {
		Kluis__ConsentState *state = &made[registration->n_consents];
		bool has = false;
		uint32_t status = 0;

		if (!find_status(&mapping->consents[i], row, &has, &status)) {
			*ret_reason = arena_printf(arena, "consent '%s': none of the texts that the mapping explains",
						   mapping->consents[i].purpose);
			return *ret_reason ? ERR_OK : ERR_MEMORY;
		}
		if (!has)
			continue;
		kluis__consent_state__init(state);
		state->purpose = arena_text(arena, slice_text(mapping->consents[i].purpose));
		state->status = status;
		if (!state->purpose)
			return ERR_MEMORY;
		registration->consents[registration->n_consents++] = state;
	}
	return ERR_OK;
}

static enum err make_operation(const struct customers *customers, const struct csv_row *row, struct arena *arena,
			       struct import_item *item)
{
	const struct mapping *mapping = customers->input.mapping;
	Kluis__Operation *operation = arena_alloc(arena, sizeof(*operation));
	Kluis__Registration *registration = arena_alloc(arena, sizeof(*registration));
	uint8_t *pseudonym = arena_alloc(arena, PSEUDONYM_SIZE);
	Kluis__Values values;

	if (!operation || !registration || !pseudonym)
		return ERR_MEMORY;
	kluis__registration__init(registration);
	kluis__values__init(&values);
	item->reason = take_registration(mapping, row, registration);
	if (!item->reason)
		TRY(make_values(customers, row, arena, &values, &item->reason));
	if (!item->reason)
		TRY(make_consents(mapping, row, arena, registration, &item->reason));
	if (item->reason)
		return ERR_OK;
	random_bytes(pseudonym, PSEUDONYM_SIZE);
	registration->customer = wire_data(SLICE(pseudonym, PSEUDONYM_SIZE));
	TRY(part_make(&values.base, arena, &item->part, &registration->commitment));
	kluis__operation__init(operation);
	operation->purpose = arena_text(arena, slice_text(mapping->purpose));
	if (!operation->purpose)
		return ERR_MEMORY;
	operation->kind_case = KLUIS__OPERATION__KIND_REGISTRATION;
	operation->registration = registration;
	item->operation = operation;
	return ERR_OK;
}

static enum err next(void *context, struct arena *arena, struct import_item *ret_item, struct fault *fault)
{
	struct customers *customers = context;
	const struct import_row *gathered;
	struct import_item item;
	struct csv_row row;

	TRY(csv_reader_next(customers->input.reader, &row, fault));
	if (customers->at == customers->rows.count)
		return fault_set(fault, ERR_INPUT, "the file has changed while it was read; start again");
	gathered = import_rows_at(&customers->rows, customers->at);
	if (!gathered->reason && row.count != customers->input.column_count)
		return fault_set(fault, ERR_INPUT, "the file has changed while it was read; start again");
	TRY(import_item_reject(arena, row.line, gathered->reason, &item));
	if (!gathered->reason)
		TRY(make_operation(customers, &row, arena, &item));
	customers->at++;
	*ret_item = item;
	return ERR_OK;
}

static void customers_free(void *context)
{
	struct customers *customers = context;

	import_rows_fini(&customers->rows);
	bytes_fini(&customers->normalised);
	free(customers);
}

enum err import_customers_new(const struct import_input *input, struct import_source *ret_source)
{
	struct customers *customers = calloc(1, sizeof(*customers));

	if (!customers)
		return ERR_MEMORY;
	customers->input = *input;
	import_rows_init(&customers->rows);
	bytes_init_secret(&customers->normalised, VALUE_MAX);
	*ret_source = (struct import_source){
		.context = customers, .gather = gather, .ready = ready, .next = next, .free = customers_free};
	return ERR_OK;
}
