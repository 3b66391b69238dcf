#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "command/mapping.h"

static struct slice header_cells[] = {
	{(const uint8_t *)"id", 2}, {(const uint8_t *)" name ", 6}, {(const uint8_t *)"\x1b[2J", 4}};
static const struct csv_row header = {.line = 1, .count = 3, .cells = header_cells};

static void test_mapping_bind(void **state)
{
	struct mapping mapping = {.kind = IMPORT_STORES,
				  .number = {.name = "id"},
				  .name = {.name = "name"},
				  .country = {.constant = "NL"}};
	struct slice cells[] = {slice_text("7"), slice_text("  Zeven "), slice_text("")};
	struct csv_row row = {.line = 2, .count = 3, .cells = cells};

	(void)state;
	assert_int_equal(mapping_bind(&mapping, &header, "t.csv", NULL), ERR_OK);
	assert_true(slice_equal(mapping_value(&mapping.number, &row), slice_text("7")));
	assert_true(slice_equal(mapping_value(&mapping.name, &row), slice_text("Zeven")));
	assert_true(slice_equal(mapping_value(&mapping.country, &row), slice_text("NL")));
	assert_int_equal(mapping_value(&mapping.cost, &row).length, 0);
}

/* A header from outside never sends control characters to a terminal. */
static void test_mapping_bind_refuses(void **state)
{
	struct mapping mapping = {.kind = IMPORT_STORES, .number = {.name = "nr"}};
	struct slice twice[] = {slice_text("nr"), slice_text("nr")};
	struct csv_row doubled = {.line = 1, .count = 2, .cells = twice};
	struct fault fault = {.text = ""};

	(void)state;
	assert_int_equal(mapping_bind(&mapping, &header, "t.csv", &fault), ERR_INPUT);
	assert_string_equal(fault.text, "t.csv:1: no column 'nr', which the mapping names; there are: id, name, ?");
	fault.text[0] = '\0';
	assert_int_equal(mapping_bind(&mapping, &doubled, "t.csv", &fault), ERR_INPUT);
	assert_string_equal(fault.text, "t.csv:1: column 'nr' stands 2 times");
}

/* A long header is cut. */
static void test_mapping_bind_long_header(void **state)
{
	struct mapping mapping = {.kind = IMPORT_STORES, .number = {.name = "nr"}};
	struct slice cells[100];
	struct csv_row row = {.line = 1, .count = 100, .cells = cells};
	struct fault fault = {.text = ""};

	(void)state;
	for (size_t i = 0; i < 100; i++)
		cells[i] = slice_text("a-rather-long-name-of-a-column");
	assert_int_equal(mapping_bind(&mapping, &row, "t.csv", &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, " ..."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapping_bind),
		cmocka_unit_test(test_mapping_bind_refuses),
		cmocka_unit_test(test_mapping_bind_long_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
