/*
 * Items of an import on their way: gathered into one envelope with a Progress operation, sent, and their results
 * counted.
 *
 * Threads: one thread.
 */
#ifndef KLUIS_COMMAND_IMPORT_BATCH_H
#define KLUIS_COMMAND_IMPORT_BATCH_H

#include "command/import_rejects.h"
#include "command/import_source.h"

#define IMPORT_TRIES 5				     /* of a request whose answer did not come */
#define IMPORT_BATCH_OPERATIONS (OPERATIONS_MAX - 1) /* and the Progress */
#define IMPORT_BATCH_PARTS                                                                                             \
	(256 * 1024)		/* bytes of parts: unpacked they fit the broker's arena for a request many times */
#define IMPORT_BATCH_ITEMS 4096 /* also rejected ones: how long an import may go on without telling how far it is */
#define IMPORT_ITEM_REQUEST_MAX 4096 /* bytes of one operation: a registration with a consent for each purpose */

static_assert(IMPORT_BATCH_PARTS + RECORD_MAX + REQUEST_MAX < MESSAGE_MAX / 2, "a full batch fits a message");

struct import_batch {
	struct session *session;
	uint8_t import[HASH_SIZE];
	struct import_rejects *rejects;
	struct import_summary *summary;
	uint64_t rows; /* of the file, dealt with once this batch is */

	struct arena arena; /* of the items and of the request */
	struct import_item items[IMPORT_BATCH_ITEMS];
	size_t item_count;
	size_t operation_count, request_bytes, part_bytes;
	Kluis__Operation *operations[OPERATIONS_MAX]; /* of the request that is sent */
	Kluis__Part *parts[OPERATIONS_MAX];
};

/* An empty batch that goes on after rows rows. NULL without memory. */
struct import_batch *import_batch_new(struct session *session, const uint8_t import[static HASH_SIZE],
				      struct import_rejects *rejects, struct import_summary *summary, uint64_t rows);
void import_batch_free(struct import_batch **batch);

/* Adds an item that was made in batch->arena. The batch must not be full. */
void import_batch_add(struct import_batch *batch, const struct import_item *item);
bool import_batch_is_full(const struct import_batch *batch);

/* Sends the batch in one envelope and counts what became of each item; the batch is then empty. ERR_STATE if the broker
 * is further than this import: another one of the same file is running. */
enum err import_batch_send(struct import_batch *batch, bool is_last, struct fault *fault) MUST_USE;

/* Is the entry's request a batch of this import? */
bool import_batch_is_of(const struct import_batch *batch, const struct entry *entry);

/* Empties the batch without sending: its rows were dealt with by an earlier run. Those rejected here are listed, should
 * that run not have come to it. */
enum err import_batch_drop(struct import_batch *batch, struct fault *fault) MUST_USE;
/* The same for a batch that an earlier run had on its way when it was killed: entry is the broker's of that request,
 * which says what became of the items. False, and the batch is as it was, if entry is not of this batch. */
enum err import_batch_settle(struct import_batch *batch, const struct entry *entry, bool *ret_is_settled,
			     struct fault *fault) MUST_USE;

/* Asks how far the import is. */
enum err import_batch_ask(struct import_batch *batch, uint64_t *ret_rows, bool *ret_is_done,
			  struct fault *fault) MUST_USE;

#endif
