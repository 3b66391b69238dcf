/* Mapping files: any text is read or refused with a fault; what is read binds to a header or is refused with one. */
#include <stdlib.h>
#include <string.h>

#include "command/mapping.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena charter_arena;
static struct charter charter;

static void read_charter(void)
{
	arena_init(&charter_arena, 4 << 20);
	const char *text = text_of_file(&charter_arena, "broker/examples/foodmart/charter.ini");
	if (charter_parse(slice_text(text), "charter.ini", &charter_arena, &charter, NULL) != ERR_OK)
		abort();
}

/* A header with the columns that the examples name. */
static void bind(struct mapping *mapping)
{
	static const char *const names[] = {"customer_id", "account_num", "store_id",	"the_date",   "product_id",
					    "unit_sales",  "store_sales", "store_cost", "store_name", "store_country",
					    "mail",	   "store",	  "opened"};
	struct slice cells[sizeof(names) / sizeof(names[0])];
	struct csv_row header = {.line = 1, .count = sizeof(names) / sizeof(names[0]), .cells = cells};
	struct fault fault = {.text = ""};

	for (size_t i = 0; i < header.count; i++)
		cells[i] = slice_text(names[i]);
	if (mapping_bind(mapping, &header, "fuzz.csv", &fault) != ERR_OK) {
		if (fault.text[0] == '\0')
			abort();
		return;
	}
	for (size_t i = 0; i < mapping->field_count; i++) {
		(void)mapping_value(&mapping->fields[i].column, &header);
		if (i > 0 && mapping->fields[i - 1].field->number >= mapping->fields[i].field->number)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (charter.field_count == 0)
		read_charter();
	for (enum import_kind kind = IMPORT_CUSTOMERS; kind <= IMPORT_STORES; kind++) {
		struct arena arena CLEANUP(arena_fini);
		struct mapping mapping;
		struct fault fault = {.text = ""};

		arena_init(&arena, 4 << 20);
		if (mapping_parse(SLICE(data, size), "fuzz.map", kind, &charter, &arena, &mapping, &fault) == ERR_OK)
			bind(&mapping);
		else if (fault.text[0] == '\0')
			abort();
	}
	return 0;
}
