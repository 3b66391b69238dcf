/*
 * The file of rejected rows: CSV, "line,reason", mode 0600, no value of the row in it. Without a file, the first few go
 * to a stream for people.
 *
 * Threads: one thread.
 */
#ifndef KLUIS_COMMAND_IMPORT_REJECTS_H
#define KLUIS_COMMAND_IMPORT_REJECTS_H

#include <stdio.h>

#include "kluis/bytes.h"

#define REJECTS_SHOWN 10 /* without a file */

struct import_rejects {
	const char *path; /* NULL: to stream */
	int descriptor;	  /* -1: none */
	FILE *stream;
	uint64_t count;
	struct bytes text;    /* not written yet */
	struct bytes earlier; /* of uint64_t: lines that the file held, ascending; they are not listed again */
};

/* Opens path (may be NULL) anew, or is_more, to go on after an import that was interrupted. ERR_IO; ERR_MODE for a file
 * that others may read or that is no plain file; ERR_EXISTS for one that holds something else than rejected rows. */
enum err import_rejects_open(struct import_rejects *ret_rejects, const char *path, bool is_more, FILE *stream,
			     struct fault *fault) MUST_USE;
/* Writes what is left and closes. Usable with CLEANUP after open or on zeros with descriptor -1; errors there are lost.
 */
void import_rejects_close(struct import_rejects *rejects);

/* From now on all rows are new: what the file held is forgotten. */
void import_rejects_forget(struct import_rejects *rejects);

/* Adds rows; in memory until import_rejects_flush. Rows that an interrupted import has listed already are counted, but
 * not listed again. ERR_MEMORY. */
enum err import_rejects_add(struct import_rejects *rejects, const uint64_t *lines, uint64_t count,
			    const char *reason) MUST_USE;
/* To the file. ERR_IO, ERR_DISK_FULL. */
enum err import_rejects_flush(struct import_rejects *rejects, struct fault *fault) MUST_USE;

#endif
