/*
 * A store's journal for tests, and what a store sends about its copy: records as they should be, to be sent as they
 * are or spoilt in one place.
 */
#ifndef TEST_JOURNAL_BOOK_H
#define TEST_JOURNAL_BOOK_H

#include "franchise.h"
#include "kluis/journal.h"

/* Where the journal ends; all zeros: no record yet. */
struct book {
	uint64_t number;
	struct hash hash;
};

/* The next record of an access that showed version 1 of a customer under grant 0, its card: made now by the store's
 * employee under its agreement, for service, received by entry; it saw no checkpoint. */
Kluis__JournalRecord book_next(struct franchise *formula, const struct book *book, const struct party *store,
			       struct slice customer, uint64_t entry);
/* Writes a record as it is, right or not: the journal then ends with it. */
ProtobufCBinaryData book_write(struct franchise *formula, struct book *book, const Kluis__JournalRecord *record);

/* With the journal's end where the book has it. */
struct action action_local_access(struct franchise *formula, const struct book *book,
				  const ProtobufCBinaryData *records, size_t count);
struct action action_lease(struct franchise *formula, const char *purpose, const struct book *book);
struct action action_purge(struct franchise *formula, const char *purpose, enum err reason);
/* One erased customer's part (R153). */
struct action action_purge_customer(struct franchise *formula, const char *purpose, struct slice customer);
struct action action_erase(struct franchise *formula, struct slice customer, uint32_t ground);
struct action action_erasures(struct franchise *formula);
struct action action_holdings(struct franchise *formula);
struct action action_findings(struct franchise *formula);

/* The i-th row of an answer to holdings or findings, decoded in the formula's arena; ends the test if there is none. */
const Kluis__HoldingRow *answer_holding(struct franchise *formula, const struct answer *answer, size_t i);
const Kluis__ErasureRow *answer_erasure(struct franchise *formula, const struct answer *answer, size_t i);
const Kluis__FindingRow *answer_finding(struct franchise *formula, const struct answer *answer, size_t i);

#endif
