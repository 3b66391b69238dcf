#include "vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/file.h"
#include "kluis/keys.h"

#define FILE_MAX (4 * 1024 * 1024)

static _Noreturn void stop(const char *name, const char *why)
{
	fprintf(stderr, "%s/%s: %s\n", TEST_VECTORS, name, why);
	abort();
}

struct bytes vector_read(const char *name)
{
	struct fault fault = {0};
	struct bytes bytes;
	char path[1024];

	bytes_init(&bytes, FILE_MAX);
	snprintf(path, sizeof(path), "%s/%s", TEST_VECTORS, name);
	if (file_read(path, &bytes, &fault) != ERR_OK)
		stop(name, fault.text);
	return bytes;
}

static void split(const char *name, char *line, size_t count, char **ret_columns)
{
	size_t found = 0;

	for (char *column = line; column != NULL; found++) {
		char *space = strchr(column, ' ');

		if (found == count)
			stop(name, "too many columns in a line");
		if (space != NULL)
			*space = '\0';
		ret_columns[found] = strcmp(column, "-") == 0 ? column + 1 : column;
		column = space == NULL ? NULL : space + 1;
	}
	if (found < count)
		stop(name, "too few columns in a line");
}

size_t vector_each(const char *name, size_t count, void (*each)(char *const *columns))
{
	struct bytes file = vector_read(name);
	struct reader reader = reader_of(bytes_slice(&file));
	char *columns[VECTOR_COLUMNS_MAX];
	size_t lines = 0;

	while (reader.rest.length > 0) {
		struct slice line = reader_line(&reader);
		char *text = strndup((const char *)line.data, line.length);

		if (reader.is_short || text == NULL)
			stop(name, "no newline at the end");
		if (text[0] != '#' && text[0] != '\0') {
			split(name, text, count, columns);
			each(columns);
			lines++;
		}
		free(text);
	}
	bytes_fini(&file);
	return lines;
}

struct bytes vector_hex(const char *column)
{
	size_t size = strlen(column) / 2;
	struct bytes bytes;
	uint8_t *place;

	bytes_init(&bytes, FILE_MAX);
	if (bytes_reserve(&bytes, size, &place) != ERR_OK || hex_parse(slice_text(column), place, size) != ERR_OK)
		stop(column, "not hex");
	bytes.length = size;
	return bytes;
}
