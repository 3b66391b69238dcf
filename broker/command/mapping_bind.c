/* From columns' names to their places in a file. */
#include <string.h>

#include "command/mapping.h"
#include "kluis/ini.h"

static struct slice trim(struct slice slice)
{
	while (slice.length > 0 && slice.data[0] == ' ')
		slice = slice_part(slice, 1, slice.length);
	while (slice.length > 0 && slice.data[slice.length - 1] == ' ')
		slice.length--;
	return slice;
}

struct slice mapping_value(const struct mapping_column *column, const struct csv_row *row)
{
	if (column->constant)
		return slice_text(column->constant);
	return column->name ? trim(row->cells[column->place]) : SLICE_EMPTY;
}

/* The header's names as a list for a fault, cut when it is long. They come from outside: only text is shown. */
static void print_header(const struct csv_row *header, char *ret_text, size_t size)
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < header->count; i++) {
		struct slice name = trim(header->cells[i]);

		if (!slice_is_text(name, false))
			name = slice_text("?");
		if (at + name.length + 8 > size) {
			memcpy(ret_text + at, " ...", 5);
			return;
		}
		if (i > 0) {
			memcpy(ret_text + at, ", ", 2);
			at += 2;
		}
		memcpy(ret_text + at, name.data, name.length);
		at += name.length;
		ret_text[at] = '\0';
	}
}

static enum err bind(struct mapping_column *column, const struct csv_row *header, const char *file, struct fault *fault)
{
	size_t found = 0;
	char names[300];

	if (!column->name)
		return ERR_OK;
	for (size_t i = 0; i < header->count; i++)
		if (slice_equal(trim(header->cells[i]), slice_text(column->name))) {
			column->place = i;
			found++;
		}
	if (found == 1)
		return ERR_OK;
	if (found > 1)
		return fault_set(fault, ERR_INPUT, "%s:%llu: column '%s' stands %zu times", file,
				 (unsigned long long)header->line, column->name, found);
	print_header(header, names, sizeof(names));
	return fault_set(fault, ERR_INPUT, "%s:%llu: no column '%s', which the mapping names; there are: %s", file,
			 (unsigned long long)header->line, column->name, names);
}

enum err mapping_bind(struct mapping *mapping, const struct csv_row *header, const char *file, struct fault *fault)
{
	struct mapping_column *customers[] = {&mapping->customer, &mapping->registered_store, &mapping->registered_day,
					      NULL};
	struct mapping_column *receipts[] = {&mapping->store, &mapping->customer, &mapping->date, &mapping->product,
					     &mapping->units, &mapping->amount,	  &mapping->cost, NULL};
	struct mapping_column *stores[] = {&mapping->number, &mapping->name, &mapping->country, NULL};
	struct mapping_column **const kinds[] = {customers, receipts, stores};

	for (struct mapping_column **column = kinds[mapping->kind]; *column; column++)
		TRY(bind(*column, header, file, fault));
	if (mapping->kind != IMPORT_CUSTOMERS)
		return ERR_OK;
	for (size_t i = 0; i < mapping->field_count; i++)
		TRY(bind(&mapping->fields[i].column, header, file, fault));
	for (size_t i = 0; i < mapping->consent_count; i++)
		TRY(bind(&mapping->consents[i].column, header, file, fault));
	return ERR_OK;
}
