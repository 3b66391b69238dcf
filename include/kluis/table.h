/*
 * What commands print: tables that align, or JSON for machines, from the same
 * rows; colours and progress bars only on a terminal.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_TABLE_H
#define KLUIS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kluis/error.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *title; /* heading, lower case */
	const char *key;   /* of the JSON object's member */
	enum table_align align;
};

struct table;

/* A table with these columns, which must outlive it. NULL when memory is short. */
struct table *table_new(const struct table_column *columns, size_t column_count);
void table_free(struct table **table);
/* Adds a row: one JSON value for each column; the references are taken over. Strings print as they are, numbers
 * in decimal, null as "-", booleans as yes and no. */
enum err table_add(struct table *table, json_t *const *cells) MUST_USE;
/* Aligned text with headings; or, as_json, an array of objects. */
enum err table_print(const struct table *table, FILE *file, bool as_json) MUST_USE;

/* Columns that a UTF-8 text takes on a terminal, control characters counted as one. */
size_t text_width(const char *text);
/* The text without control characters, as every text from outside must be before it reaches a terminal. In place. */
void text_clean(char *text);

/* True if file is a terminal and NO_COLOR is not set. */
bool is_terminal(FILE *file);

/* A progress bar on standard error, shown only if that is a terminal, redrawn at most ten times a second. */
struct progress {
	const char *what; /* "customers" */
	uint64_t total;	  /* 0: not known */
	uint64_t began_ms, drawn_ms;
	bool is_shown;
};
void progress_begin(struct progress *progress, const char *what, uint64_t total);
void progress_show(struct progress *progress, uint64_t done);
/* Clears the line. */
void progress_end(struct progress *progress);

#endif
