/*
 * What happened, as a table for people, JSON lines or CSV (RFC 4180) for machines: one row for each operation,
 * and for each local access that a store's journal records: by the time at which it was made.
 *
 * Threads: one.
 */
#ifndef AUDIT_LIST_H
#define AUDIT_LIST_H

#include <stdio.h>

#include "replay.h"

enum list_form { LIST_TABLE, LIST_JSON, LIST_CSV };

/* What a row must be to be listed; all zeros: everything. */
struct list_filter {
	bool has_store;
	uint32_t store;
	bool has_employee, has_customer;
	uint8_t employee[PSEUDONYM_SIZE], customer[PSEUDONYM_SIZE];
	const char *purpose;
	const char *operation;
	const char *verdict;	    /* "ok", "refused" or the name of a code */
	uint64_t from_ms, until_ms; /* until is the first millisecond that is too late; 0: no end */
};

struct list {
	enum list_form form;
	struct list_filter filter;
	FILE *file;
	bool is_coloured;
	uint64_t rows; /* printed */
};

/* ERR_USAGE unless text is "ok", "refused" or the name of a code. */
enum err list_check_verdict(const char *text, struct fault *fault) MUST_USE;

/* Prints the heading, if the form has one; then a row for each step that the filter lets pass. */
enum err list_begin(struct list *list) MUST_USE;
enum err list_step(void *list, const struct state *state, const struct step *step, struct fault *fault);

#endif
