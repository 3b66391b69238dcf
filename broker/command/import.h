/*
 * Import of customers, receipts and stores from CSV files: head office's side, over a session with the running broker.
 *
 * The whole file is read once before anything is sent, so that a fault of its form (a missing column, wrong quoting)
 * leaves nothing half done. Rows with a fault of their own are rejected, by line number and reason, and the rest is
 * imported. Rows go in envelopes of many operations, each with a Progress operation in the same commit: an import that
 * was killed goes on where the broker stands, and one that is complete changes nothing. An import is known by SHA-256
 * of file (unpacked) and mapping.
 *
 * Threads: one thread.
 */
#ifndef KLUIS_COMMAND_IMPORT_H
#define KLUIS_COMMAND_IMPORT_H

#include <stdio.h>

#include "command/mapping.h"
#include "kluis/session.h"

#define IMPORT_ROWS_MAX 20000000	     /* of one file: what is gathered to group and compare rows fits memory */
#define IMPORT_TEXT_MAX (512u * 1024 * 1024) /* bytes of customers' keys and products gathered, likewise */

struct import_options {
	enum import_kind kind;
	const char *file;    /* CSV, plain or gzipped */
	const char *mapping; /* mapping file */
	const char *rejects; /* file for rejected rows, "line,reason", mode 0600; NULL: the first few go to errors */
	const struct charter *charter; /* in force at the broker */
	const struct session_answer
		*resumed; /* to a request that a killed command had on its way, perhaps this import's:
			     what it says of rows is counted and listed. NULL: none is known */
	bool is_json;	  /* the summary as one JSON object */
	FILE *output;	  /* for the summary */
	FILE *errors;	  /* for the first rejected rows when there is no rejects file */
};

/* Counts of rows, but for records. */
struct import_summary {
	uint64_t rows;	    /* of the file, without its header */
	uint64_t earlier;   /* dealt with before this run */
	uint64_t accepted;  /* written, by this run, like the following */
	uint64_t unchanged; /* were there already */
	uint64_t rejected;
	uint64_t records; /* customers, receipts or stores that accepted and unchanged rows make */
	uint64_t duration_ms;
};

/*
 * Imports and prints the summary. Rejected rows are no failure, unless every row of the file is rejected by this run:
 * ERR_INPUT, as for a fault of file or mapping, that with "<file>:<line>"; what the session or the broker's refusal of
 * a whole envelope gives; ERR_STATE when another process imports the same file. On every failure what was committed
 * stays and the same command goes on from there.
 */
enum err import_run(const struct import_options *options, struct session *session, struct fault *fault) MUST_USE;

#endif
