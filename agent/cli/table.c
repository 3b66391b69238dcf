#include "kluis/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct table {
	const struct table_column *columns;
	size_t column_count;
	json_t *rows; /* array of arrays */
};

struct table *table_new(const struct table_column *columns, size_t column_count)
{
	struct table *table = calloc(1, sizeof *table);

	if (table == NULL)
		return NULL;
	*table = (struct table){.columns = columns, .column_count = column_count, .rows = json_array()};
	if (table->rows == NULL)
		table_free(&table);
	return table;
}

void table_free(struct table **table)
{
	if (*table == NULL)
		return;
	json_decref((*table)->rows);
	free(*table);
	*table = NULL;
}

enum err table_add(struct table *table, json_t *const *cells)
{
	json_t *row = json_array();
	bool is_whole = row != NULL;

	for (size_t i = 0; i < table->column_count; i++)
		if (json_array_append_new(row, cells[i]) != 0)
			is_whole = false;
	if (!is_whole || json_array_append(table->rows, row) != 0) {
		json_decref(row);
		return ERR_MEMORY;
	}
	json_decref(row);
	return ERR_OK;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xC0) != 0x80; /* a code point's first byte */
	return width;
}

void text_clean(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		bool is_c1 = at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0; /* U+009B is a terminal's escape too */
		if (is_c1)
			at[1] = '?';
		if (is_c1 || *at < 0x20 || *at == 0x7F)
			*at = '?';
	}
}

/* What a cell shows; ret_text is on the heap, NULL when memory is short. */
static char *cell_text(const json_t *cell)
{
	char *text = NULL;
	int length = 0;

	if (json_is_string(cell))
		text = strdup(json_string_value(cell));
	else if (json_is_integer(cell))
		length = asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(cell));
	else if (json_is_real(cell))
		length = asprintf(&text, "%.1f", json_real_value(cell));
	else if (json_is_boolean(cell))
		text = strdup(json_is_true(cell) ? "yes" : "no");
	else
		text = strdup("-");
	if (text == NULL || length < 0)
		return NULL;
	text_clean(text);
	return text;
}

static enum err widths_of(const struct table *table, size_t *widths)
{
	for (size_t c = 0; c < table->column_count; c++) {
		widths[c] = text_width(table->columns[c].title);
		for (size_t r = 0; r < json_array_size(table->rows); r++) {
			char *text = cell_text(json_array_get(json_array_get(table->rows, r), c));
			if (text == NULL)
				return ERR_MEMORY;
			size_t width = text_width(text);
			widths[c] = width > widths[c] ? width : widths[c];
			free(text);
		}
	}
	return ERR_OK;
}

/* The last column of a row needs no blanks behind it. */
static void print_cell(FILE *file, const char *text, size_t width, enum table_align align, bool is_last)
{
	int blanks = (int)(width - text_width(text));

	if (align == TABLE_RIGHT)
		fprintf(file, "%*s%s", blanks, "", text);
	else
		fprintf(file, "%s%*s", text, is_last ? 0 : blanks, "");
	fputs(is_last ? "\n" : "  ", file);
}

static enum err print_text(const struct table *table, FILE *file, const size_t *widths)
{
	size_t last = table->column_count - 1;
	bool is_bold = is_terminal(file);

	if (is_bold)
		fputs("\033[1m", file);
	for (size_t c = 0; c <= last; c++)
		print_cell(file, table->columns[c].title, widths[c], table->columns[c].align, c == last);
	if (is_bold)
		fputs("\033[0m", file);
	for (size_t r = 0; r < json_array_size(table->rows); r++)
		for (size_t c = 0; c <= last; c++) {
			char *text = cell_text(json_array_get(json_array_get(table->rows, r), c));
			if (text == NULL)
				return ERR_MEMORY;
			print_cell(file, text, widths[c], table->columns[c].align, c == last);
			free(text);
		}
	return ERR_OK;
}

static enum err print_json(const struct table *table, FILE *file)
{
	json_t *objects = json_array();

	for (size_t r = 0; r < json_array_size(table->rows); r++) {
		json_t *object = json_object();
		for (size_t c = 0; c < table->column_count; c++)
			json_object_set(object, table->columns[c].key,
					json_array_get(json_array_get(table->rows, r), c));
		json_array_append_new(objects, object);
	}
	int failed = objects == NULL ? -1 : json_dumpf(objects, file, JSON_INDENT(2));
	json_decref(objects);
	fputc('\n', file);
	return failed == 0 ? ERR_OK : ERR_IO;
}

enum err table_print(const struct table *table, FILE *file, bool as_json)
{
	if (as_json)
		return print_json(table, file);
	size_t *widths = calloc(table->column_count, sizeof *widths);
	if (widths == NULL)
		return ERR_MEMORY;
	enum err err = widths_of(table, widths);
	if (err == ERR_OK)
		err = print_text(table, file, widths);
	free(widths);
	return err;
}

bool is_terminal(FILE *file)
{
	return isatty(fileno(file)) && getenv("NO_COLOR") == NULL;
}
