/*
 * What the outbox's two files share.
 *
 * Threads: under the outbox's mutex.
 */
#ifndef KLUIS_AGENT_OUTBOX_INTERNAL_H
#define KLUIS_AGENT_OUTBOX_INTERNAL_H

#include <pthread.h>

#include "outbox_list.h"

struct outbox {
	struct store *store;
	const uint8_t *key;
	pthread_mutex_t mutex;
	struct outbox_list list; /* these two guarded by mutex */
	uint64_t changes;
};

/* Rows and summary in one transaction, then the list in memory. */
struct outbox_change {
	const struct outbox *outbox;
	struct outbox_list *list;	 /* as it will be */
	const struct outbox_item *added; /* or NULL */
	const struct outbox_outcome *outcomes;
	size_t outcome_count;
	outbox_gone_fn *gone;
	void *gone_context;
};

/* Takes the list over when the transaction is on disk. */
enum err outbox_commit(struct outbox *outbox, struct outbox_change *change, store_write_fn *write) MUST_USE;
enum err outbox_put_summary(const struct outbox *outbox, const struct outbox_list *list,
			    struct store_txn *txn) MUST_USE;
enum err outbox_read(const struct outbox *outbox, struct store_txn *txn, uint64_t number, struct arena *arena,
		     struct outbox_item *ret_item) MUST_USE;

#endif
