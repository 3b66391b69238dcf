/*
 * What an import sends, one item at a time: for each kind of file, how its rows become operations.
 *
 * Two passes. In the first each row is shown to gather; ready then sorts what was gathered. In the second next gives
 * the items, in an order that the file and the mapping alone decide, so that a number of rows says how far an import
 * is.
 *
 * Threads: one thread.
 */
#ifndef KLUIS_COMMAND_IMPORT_SOURCE_H
#define KLUIS_COMMAND_IMPORT_SOURCE_H

#include "command/import.h"

/* One operation, or rows that are rejected here. Lives in the arena. */
struct import_item {
	uint64_t row_count;    /* rows of the file that it is made of */
	const uint64_t *lines; /* where they begin */
	const char *reason;    /* not NULL: rejected, and there is no operation */
	Kluis__Operation *operation;
	Kluis__Part *part; /* NULL where the operation has none */
};

struct import_source {
	void *context;
	enum err (*gather)(void *context, const struct csv_row *row, struct fault *fault);
	enum err (*ready)(void *context, struct fault *fault);
	/* ERR_NOT_FOUND after the last item. */
	enum err (*next)(void *context, struct arena *arena, struct import_item *ret_item, struct fault *fault);
	void (*free)(void *context);
};

/* What a source is made from; all outlives it. In the second pass customers and stores read on from reader. */
struct import_input {
	const struct mapping *mapping;
	struct csv_reader *reader;
	size_t column_count; /* of the header: each row has as many */
	const struct secret_key *key;
};

/* ERR_MEMORY. */
enum err import_customers_new(const struct import_input *input, struct import_source *ret_source) MUST_USE;
enum err import_receipts_new(const struct import_input *input, struct import_source *ret_source) MUST_USE;
enum err import_stores_new(const struct import_input *input, struct import_source *ret_source) MUST_USE;
void import_source_free(struct import_source *source);

/* An item of a single row, rejected for reason (which outlives it); with a NULL reason for the caller to fill in.
 * ERR_MEMORY. */
enum err import_item_reject(struct arena *arena, uint64_t line, const char *reason,
			    struct import_item *ret_item) MUST_USE;

/* The identity of a receipt: the same store, day and customer give the same id in every run of the same head office. It
 * is keyed by the controller's secret key: ids stand in the log, and nobody else may try numbers of customers on them.
 */
void import_receipt_id(const struct secret_key *key, uint32_t store, int32_t day, struct slice customer,
		       uint8_t ret_id[static PSEUDONYM_SIZE]);

#endif
