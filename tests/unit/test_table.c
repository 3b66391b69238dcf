#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/table.h"

static const struct table_column columns[] = {
	{"name", "name", TABLE_LEFT}, {"count", "n", TABLE_RIGHT}, {"note", "note", TABLE_LEFT}};

static struct table *people(void)
{
	struct table *table = table_new(columns, 3);
	json_t *rows[][3] = {
		{json_string("Zoë"), json_integer(7), json_string("x")},
		{json_string("Æther €"), json_integer(-1234), json_null()},
		{json_string("a"), json_real(0.25), json_true()},
		{json_string("b\033[2J\x7f"), json_integer(0),
		 json_string("\xC2\x9B"
			     "31m")},
	};

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(table_add(table, rows[i]), ERR_OK);
	return table;
}

/* What a table prints; the caller frees it. */
static char *printed(const struct table *table, bool as_json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(table_print(table, file, as_json), ERR_OK);
	fclose(file);
	return text;
}

/* A letter is a column, whatever bytes it has; numbers stand right; nothing controls the terminal. */
static void test_columns_align(void **state)
{
	struct table *table = people();
	char *text = printed(table, false);

	(void)state;
	assert_string_equal(text, "name     count  note\n"
				  "Zoë          7  x\n"
				  "Æther €  -1234  -\n"
				  "a          0.2  yes\n"
				  "b?[2J?       0  ??31m\n");
	free(text);
	table_free(&table);
	assert_null(table);
}

static void test_json_is_the_values(void **state)
{
	struct table *table = people();
	char *text = printed(table, true);
	json_t *rows = json_loads(text, 0, NULL);

	(void)state;
	assert_int_equal(json_array_size(rows), 4);
	json_t *row = json_array_get(rows, 1);
	assert_int_equal(json_object_size(row), 3);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "Æther €");
	assert_int_equal(json_integer_value(json_object_get(row, "n")), -1234);
	assert_true(json_is_null(json_object_get(row, "note")));
	assert_true(json_is_true(json_object_get(json_array_get(rows, 2), "note")));
	/* as it is, but escaped: no control character in the output */
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 3), "name")), "b\033[2J\x7f");
	assert_null(strchr(text, '\033'));
	json_decref(rows);
	free(text);
	table_free(&table);
}

static void test_empty_table(void **state)
{
	struct table *table = table_new(columns, 3);
	char *text = printed(table, false);

	(void)state;
	assert_string_equal(text, "name  count  note\n");
	free(text);
	text = printed(table, true);
	assert_string_equal(text, "[]\n");
	free(text);
	table_free(&table);
	table_free(&table);
}

static void test_text_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("Zoë"), 3);
	assert_int_equal(text_width("••••5678"), 8);
	assert_int_equal(text_width("\U0001F600"), 1);
}

static void test_text_clean(void **state)
{
	char text[] = "a\tb\nc\rd\033[31m\x7f"
		      "e\xC2\x9B"
		      "f\xC2\xA0"
		      "g\xC2\x80";

	(void)state;
	text_clean(text);
	assert_string_equal(text, "a?b?c?d?[31m?e??f\xC2\xA0"
				  "g??");
}

static void test_no_terminal(void **state)
{
	FILE *file = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(file);
	assert_false(is_terminal(file));
	fclose(file);
}

static enum err make(void *context)
{
	struct table *table CLEANUP(table_free) = table_new(columns, 3);
	char buffer[256];
	FILE *file = fmemopen(buffer, sizeof(buffer), "w");

	(void)context;
	if (table == NULL || file == NULL) {
		if (file != NULL)
			fclose(file);
		return ERR_MEMORY;
	}
	json_t *cells[] = {json_string("a"), json_integer(1), json_null()};
	enum err err = table_add(table, cells);
	if (err == ERR_OK)
		err = table_print(table, file, false);
	fclose(file);
	return err;
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, make, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_align),	  cmocka_unit_test(test_json_is_the_values),
		cmocka_unit_test(test_empty_table),	  cmocka_unit_test(test_text_width),
		cmocka_unit_test(test_text_clean),	  cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
