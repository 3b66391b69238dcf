/*
 * What does not hold: each difference that verify or replay --check finds, in words, with the place first.
 *
 * Threads: findings belong to one thread.
 */
#ifndef AUDIT_FINDING_H
#define AUDIT_FINDING_H

#include "kluis/bytes.h"

struct findings {
	/* Takes one finding: "entry 12 (tile/entries/000): time goes back". */
	void (*report)(void *context, const char *text);
	void *context;
	uint64_t count;
	uint64_t size; /* of the tree, to name the file that holds an entry; 0: not known */
};

/* Counts and reports "where: what". */
void finding_add(struct findings *findings, const char *where, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same about an entry: names it by index and by the file that holds it. */
void finding_add_entry(struct findings *findings, uint64_t index, const char *format, ...) PRINTF_LIKE(3, 4);
/* ERR_FINDING with the count in the fault if there are any. */
enum err finding_status(const struct findings *findings, struct fault *fault) MUST_USE;

#endif
