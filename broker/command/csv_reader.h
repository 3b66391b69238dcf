/*
 * Rows of a CSV file, strictly by RFC 4180, one at a time, with the number of the line that each begins on. Plain
 * or gzipped. libcsv parses; what it would let pass is refused here.
 *
 * A fault that leaves open where the next row begins (a stray or unclosed quote, a lone carriage return, a row over
 * CSV_LINE_MAX bytes, a truncated gzip file) ends the reading: ERR_INPUT with "<name>:<line>: ...". What concerns one
 * row alone (too few cells, bad UTF-8, a NUL byte) is left to the caller, who has the row.
 *
 * Allowed beyond the RFC: lines that end in LF alone, a last line without an end, a byte order mark, empty lines
 * (skipped).
 *
 * Threads: a reader belongs to one thread.
 */
#ifndef KLUIS_COMMAND_CSV_READER_H
#define KLUIS_COMMAND_CSV_READER_H

#include "kluis/hash.h"

#define CSV_COLUMNS_MAX 256

/* Where bytes come from: a file, or memory in tests. */
struct csv_source {
	void *context;
	/* Up to count bytes; *ret_count 0 at the end. ERR_IO, ERR_INPUT. */
	enum err (*read)(void *context, uint8_t *place, size_t count, size_t *ret_count, struct fault *fault);
	/* Back to the first byte. */
	enum err (*rewind)(void *context, struct fault *fault);
	void (*close)(void *context);
};

struct csv_row {
	uint64_t line; /* that the row begins on, from 1 */
	size_t count;
	const struct slice *cells; /* valid until the next call */
};

struct csv_reader;

/* Opens path, gzipped or not. ERR_NOT_FOUND, ERR_IO. */
enum err csv_source_open(const char *path, struct csv_source *ret_source, struct fault *fault) MUST_USE;

/* Bytes that are in memory already, owned by the caller, who keeps both while the source is in use; at moves on as
 * it is read. */
struct csv_memory {
	struct slice whole;
	size_t at;
};
struct csv_source csv_source_memory(struct csv_memory *memory);

/* Reads from source, which the reader closes at its end; name stands in faults and must outlive the reader. ERR_MEMORY;
 * source is then closed. */
enum err csv_reader_new(struct csv_source source, const char *name, struct csv_reader **ret_reader) MUST_USE;
void csv_reader_free(struct csv_reader **reader);

/* The next row. ERR_NOT_FOUND after the last one. */
enum err csv_reader_next(struct csv_reader *reader, struct csv_row *ret_row, struct fault *fault) MUST_USE;
/* From the first row again. */
enum err csv_reader_rewind(struct csv_reader *reader, struct fault *fault) MUST_USE;
/* SHA-256 of the (unpacked) bytes read since the beginning, and then more: of the whole file once csv_reader_next has
 * said ERR_NOT_FOUND. */
void csv_reader_hash(const struct csv_reader *reader, struct slice more, uint8_t ret_hash[static HASH_SIZE]);

#endif
