/*
 * libcsv is fed line by line, so that each row is known to begin and end with a line; cells are gathered in one buffer
 * and cut when the row is whole.
 */
#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "command/csv_reader.h"
#include "kluis/limits.h"

#define CHUNK (64 * 1024)

struct csv_reader {
	struct csv_source source;
	const char *name;
	struct csv_parser parser;
	struct sha256_stream hash;

	uint8_t chunk[CHUNK]; /* as read; [at, filled) is not looked at yet */
	size_t at, filled;
	bool is_ended;

	struct bytes line; /* one line with its end */
	uint64_t line_number;
	uint64_t row_line;  /* that the row in hand begins on; 0: none is in hand */
	size_t row_bytes;   /* of the file, in the row in hand */
	bool is_in_quotes;  /* by the count of quotes: RFC 4180 doubles those within a cell */
	unsigned rows;	    /* that libcsv saw since the row in hand began */
	bool is_wide;	    /* more cells than CSV_COLUMNS_MAX */
	enum err cell_code; /* why a cell could not be kept */

	struct bytes text; /* of the row's cells, one after the other */
	size_t count;
	size_t lengths[CSV_COLUMNS_MAX];
	struct slice cells[CSV_COLUMNS_MAX];
};

static void take_cell(void *data, size_t length, void *context)
{
	struct csv_reader *reader = context;
	enum err code;

	if (reader->count == CSV_COLUMNS_MAX) {
		reader->is_wide = true;
		return;
	}
	code = bytes_append(&reader->text, SLICE(data, length));
	if (code != ERR_OK)
		reader->cell_code = code;
	reader->lengths[reader->count++] = length;
}

static void take_row(int end, void *context)
{
	struct csv_reader *reader = context;

	(void)end;
	reader->rows++;
}

/* Blanks are part of a cell (RFC 4180 section 2.4). */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static enum err begin(struct csv_reader *reader)
{
	if (csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
		return ERR_MEMORY;
	csv_set_space_func(&reader->parser, no_space);
	sha256_begin(&reader->hash);
	reader->at = reader->filled = 0;
	reader->is_ended = false;
	reader->line_number = 0;
	return ERR_OK;
}

enum err csv_reader_new(struct csv_source source, const char *name, struct csv_reader **ret_reader)
{
	struct csv_reader *reader = calloc(1, sizeof(*reader));

	if (!reader || begin(reader) != ERR_OK) {
		source.close(source.context);
		free(reader);
		return ERR_MEMORY;
	}
	reader->source = source;
	reader->name = name;
	bytes_init(&reader->line, CSV_LINE_MAX);
	bytes_init(&reader->text, CSV_LINE_MAX);
	*ret_reader = reader;
	return ERR_OK;
}

void csv_reader_free(struct csv_reader **reader)
{
	if (!*reader)
		return;
	csv_free(&(*reader)->parser);
	bytes_fini(&(*reader)->line);
	bytes_fini(&(*reader)->text);
	(*reader)->source.close((*reader)->source.context);
	free(*reader);
	*reader = NULL;
}

enum err csv_reader_rewind(struct csv_reader *reader, struct fault *fault)
{
	enum err code;

	csv_free(&reader->parser);
	TRY(begin(reader));
	code = reader->source.rewind(reader->source.context, fault);
	if (code != ERR_OK)
		fault_prefix(fault, reader->name);
	return code;
}

void csv_reader_hash(const struct csv_reader *reader, struct slice more, uint8_t ret_hash[static HASH_SIZE])
{
	struct sha256_stream copy = reader->hash; /* to end it would end the reading */

	sha256_update(&copy, more);
	sha256_end(&copy, ret_hash);
}

static enum err fill(struct csv_reader *reader, struct fault *fault)
{
	enum err code;

	reader->at = reader->filled = 0;
	code = reader->source.read(reader->source.context, reader->chunk, CHUNK, &reader->filled, fault);
	if (code != ERR_OK) {
		fault_prefix(fault, reader->name);
		return code;
	}
	reader->is_ended = reader->filled == 0;
	sha256_update(&reader->hash, SLICE(reader->chunk, reader->filled));
	return ERR_OK;
}

static enum err too_long(const struct csv_reader *reader, uint64_t row_line, struct fault *fault)
{
	return fault_set(fault, ERR_INPUT, "%s:%llu: the row that begins here is over %d bytes; is a quote not closed?",
			 reader->name, (unsigned long long)row_line, CSV_LINE_MAX);
}

/* The next line with its end into reader->line; empty at the end of the file. */
static enum err next_line(struct csv_reader *reader, struct fault *fault)
{
	bytes_clear(&reader->line);
	while (!reader->is_ended) {
		const uint8_t *from = reader->chunk + reader->at;
		size_t rest = reader->filled - reader->at;
		const uint8_t *end = rest == 0 ? NULL : memchr(from, '\n', rest);
		size_t count = end ? (size_t)(end - from) + 1 : rest;
		enum err code = bytes_append(&reader->line, SLICE(from, count));

		if (code == ERR_TOO_LARGE)
			return too_long(reader, reader->row_line ? reader->row_line : reader->line_number + 1, fault);
		TRY(code);
		reader->at += count;
		if (end)
			break;
		TRY(fill(reader, fault));
	}
	if (reader->line.length > 0)
		reader->line_number++;
	return ERR_OK;
}

/* libcsv ends a row at any carriage return; RFC 4180 only at one before a line feed. Counts quotes on the way. */
static enum err check_returns(struct csv_reader *reader, struct fault *fault)
{
	const uint8_t *data = reader->line.data;
	size_t length = reader->line.length;

	for (size_t i = 0; i < length; i++) {
		if (data[i] == '"')
			reader->is_in_quotes = !reader->is_in_quotes;
		if (data[i] == '\r' && !reader->is_in_quotes && !(i + 2 == length && data[i + 1] == '\n'))
			return fault_set(
				fault, ERR_INPUT,
				"%s:%llu: a carriage return that no line feed follows; save the file with lines "
				"that end in LF or CRLF",
				reader->name, (unsigned long long)reader->line_number);
	}
	return ERR_OK;
}

static enum err quoting_fault(struct csv_reader *reader, struct fault *fault)
{
	if (csv_error(&reader->parser) != CSV_EPARSE)
		return ERR_MEMORY;
	return fault_set(
		fault, ERR_INPUT,
		"%s:%llu: wrong quoting in the row that begins on line %llu: a cell with a quote stands in quotes, "
		"and quotes within it are doubled (RFC 4180)",
		reader->name, (unsigned long long)reader->line_number, (unsigned long long)reader->row_line);
}

/* Hands the line to libcsv. */
static enum err parse_line(struct csv_reader *reader, struct fault *fault)
{
	static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
	struct slice line = bytes_slice(&reader->line);

	if (reader->line_number == 1 && slice_equal(slice_part(line, 0, sizeof(mark)), SLICE_ARRAY(mark)))
		line = slice_part(line, sizeof(mark), line.length);
	reader->row_bytes += line.length;
	if (reader->row_bytes > CSV_LINE_MAX)
		return too_long(reader, reader->row_line, fault);
	if (csv_parse(&reader->parser, line.data, line.length, take_cell, take_row, reader) != line.length)
		return quoting_fault(reader, fault);
	return reader->cell_code;
}

static enum err finish_row(struct csv_reader *reader, struct csv_row *ret_row, struct fault *fault)
{
	size_t offset = 0;

	TRY(reader->cell_code);
	if (reader->is_wide)
		return fault_set(fault, ERR_INPUT, "%s:%llu: over %d columns", reader->name,
				 (unsigned long long)reader->row_line, CSV_COLUMNS_MAX);
	for (size_t i = 0; i < reader->count; i++) {
		reader->cells[i] = slice_part(bytes_slice(&reader->text), offset, reader->lengths[i]);
		offset += reader->lengths[i];
	}
	*ret_row = (struct csv_row){.line = reader->row_line, .count = reader->count, .cells = reader->cells};
	return ERR_OK;
}

static void start_row(struct csv_reader *reader)
{
	bytes_clear(&reader->text);
	reader->count = 0;
	reader->rows = 0;
	reader->row_bytes = 0;
	reader->row_line = 0;
	reader->is_in_quotes = false;
	reader->is_wide = false;
	reader->cell_code = ERR_OK;
}

/* After the last line: a row may still wait for its end. */
static enum err last_row(struct csv_reader *reader, struct csv_row *ret_row, struct fault *fault)
{
	if (csv_fini(&reader->parser, take_cell, take_row, reader) != 0)
		return quoting_fault(reader, fault);
	return reader->rows > 0 ? finish_row(reader, ret_row, fault) : ERR_NOT_FOUND;
}

enum err csv_reader_next(struct csv_reader *reader, struct csv_row *ret_row, struct fault *fault)
{
	start_row(reader);
	for (;;) {
		TRY(next_line(reader, fault));
		if (reader->line.length == 0)
			return last_row(reader, ret_row, fault);
		if (reader->row_line == 0)
			reader->row_line = reader->line_number;
		TRY(check_returns(reader, fault));
		TRY(parse_line(reader, fault));
		if (reader->rows > 0)
			return finish_row(reader, ret_row, fault);
		/* an ended line without a row is empty, or a row goes on within quotes */
		if (!reader->is_in_quotes && reader->line.data[reader->line.length - 1] == '\n')
			start_row(reader);
	}
}
