/*
 * Rows of a CSV file: what is read, written again with every cell in quotes, reads as the same rows; and a second pass
 * gives the same ones.
 */
#include <stdlib.h>
#include <string.h>

#include "command/csv_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(enum err code)
{
	if (code != ERR_OK)
		abort();
}

static void write_cell(struct bytes *text, struct slice cell)
{
	must(bytes_append_u8(text, '"'));
	for (size_t i = 0; i < cell.length; i++) {
		if (cell.data[i] == '"')
			must(bytes_append_u8(text, '"'));
		must(bytes_append_u8(text, cell.data[i]));
	}
	must(bytes_append_u8(text, '"'));
}

/* Reads all rows and writes them in the one form; how it ended. */
static enum err rewrite(struct csv_reader *reader, struct bytes *ret_text)
{
	struct csv_row row;
	struct fault fault = {.text = ""};
	uint64_t line = 0;
	enum err code;

	while ((code = csv_reader_next(reader, &row, &fault)) == ERR_OK) {
		if (row.line <= line || row.count == 0)
			abort();
		line = row.line;
		for (size_t i = 0; i < row.count; i++) {
			if (i > 0)
				must(bytes_append_u8(ret_text, ','));
			write_cell(ret_text, row.cells[i]);
		}
		must(bytes_append_u8(ret_text, '\n'));
	}
	if ((code == ERR_NOT_FOUND) != (fault.text[0] == '\0'))
		abort();
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_memory memory = {.whole = SLICE(data, size)};
	struct bytes first CLEANUP(bytes_fini), again CLEANUP(bytes_fini), second CLEANUP(bytes_fini);
	struct csv_reader *reader CLEANUP(csv_reader_free) = NULL;
	struct csv_reader *rereader CLEANUP(csv_reader_free) = NULL;
	size_t maximum = 4 * size + 16;
	enum err code;

	if (size > 16384) /* quoting may double a row: keep the second form under its bound too */
		return 0;
	bytes_init(&first, maximum);
	bytes_init(&again, maximum);
	bytes_init(&second, maximum);
	must(csv_reader_new(csv_source_memory(&memory), "fuzz", &reader));
	code = rewrite(reader, &first);
	must(csv_reader_rewind(reader, NULL));
	if (rewrite(reader, &again) != code || !slice_equal(bytes_slice(&first), bytes_slice(&again)))
		abort();

	struct csv_memory written = {.whole = bytes_slice(&first)};
	must(csv_reader_new(csv_source_memory(&written), "fuzz", &rereader));
	if (rewrite(rereader, &second) != ERR_NOT_FOUND || !slice_equal(bytes_slice(&first), bytes_slice(&second)))
		abort();
	return 0;
}
