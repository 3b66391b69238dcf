/*
 * What is kept in memory of each row of a file: by which customers or stores are told apart and receipts put together.
 *
 * Threads: one thread.
 */
#ifndef KLUIS_COMMAND_IMPORT_ROWS_H
#define KLUIS_COMMAND_IMPORT_ROWS_H

#include "command/import.h"

/* A text in the rows' one buffer. */
struct import_text {
	uint32_t offset;
	uint16_t length;
};

struct import_row {
	uint64_t line;
	const char *reason; /* static text; not NULL: the row is at fault */
	bool is_keyless;    /* at fault in what tells rows apart: it stands alone */
	uint32_t store;
	int32_t day;
	struct import_text key; /* customer's or store's value */
	struct import_text product;
	int64_t units, amount, cost;
};

/* Rows with the same store, day and key: order[first, first + count) */
struct import_group {
	uint32_t first, count;
};

struct import_rows {
	struct bytes rows; /* of struct import_row, in the file's order */
	struct bytes texts;
	struct bytes order;  /* of uint32_t: rows sorted by store, day, key, place in the file */
	struct bytes groups; /* of struct import_group, by the place of their first row */
	size_t count, group_count;
};

void import_rows_init(struct import_rows *rows);
void import_rows_fini(struct import_rows *rows);

/* Adds a row, whose key and product are first put by import_rows_text. ERR_TOO_LARGE past IMPORT_ROWS_MAX, ERR_MEMORY.
 */
enum err import_rows_add(struct import_rows *rows, const struct import_row *row, struct fault *fault) MUST_USE;
/* Keeps a text of at most VALUE_MAX bytes. ERR_TOO_LARGE past IMPORT_TEXT_MAX, ERR_MEMORY. */
enum err import_rows_text(struct import_rows *rows, struct slice text, struct import_text *ret_text,
			  struct fault *fault) MUST_USE;

/* Sorts and groups what was added. ERR_MEMORY. */
enum err import_rows_group(struct import_rows *rows) MUST_USE;

const struct import_row *import_rows_at(const struct import_rows *rows, size_t place);
struct slice import_rows_slice(const struct import_rows *rows, struct import_text text);
/* Once grouped: a group, and its rows by number from 0. */
const struct import_group *import_rows_group_at(const struct import_rows *rows, size_t number);
const struct import_row *import_rows_in(const struct import_rows *rows, const struct import_group *group,
					size_t number);

/* Once grouped: for rows that must be unique, replaces by reason that of each row but the first of its group that has
 * none. */
void import_rows_reject_doubles(struct import_rows *rows, const char *reason);

#endif
