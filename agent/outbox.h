/*
 * What the store writes (receipts, registrations, changes, consents, incidents, requests) and the broker has not taken
 * yet. An item is on stable storage before the till is told; it is delivered once, in order; one that the
 * broker refuses is set aside with the reason and holds nothing up.
 *
 * Exactly once: an item is deleted after the answer to the envelope that carried it, in one transaction with what the
 * answer says, and before the session's next request, which is what overwrites the lane's memory of that envelope
 * (session.h). A crash in between finds the request pending, sends the same bytes and gets the same answer. Items
 * marked for a request that never came to be on the lane's disk carry its number, so an answer to the one before is not
 * theirs.
 *
 * Items are sealed under the agent's own key: they are the store's own, not the copy's; they outlive a lease, and go at
 * the agreement's end (outbox_destroy). Each is bound to the one before by a counter and a running hash in a sealed
 * row: outbox_open names what was altered or is missing.
 *
 * Threads: add from any thread; the courier's calls from one.
 */
#ifndef KLUIS_AGENT_OUTBOX_H
#define KLUIS_AGENT_OUTBOX_H

#include "kluis/limits.h"
#include "kluis/store.h"
#include "kluis/wire.h"

struct outbox;

/* ERR_CORRUPT with a fault that names the item. */
enum err outbox_open(struct store *store, const uint8_t seal_key[static KEY_SIZE], struct outbox **ret_outbox,
		     struct fault *fault) MUST_USE;
void outbox_close(struct outbox **outbox);

#define OUTBOX_ITEMS_MAX 100000 /* then tills are told that the outbox is full */

/* Operation with its commitment set, and the part that opens it (NULL if it has none). employee: 16 bytes or empty
 * (an incident of the agent's own). ERR_BUSY when full, ERR_DISK_FULL. Durable when it returns. */
enum err outbox_add(struct outbox *outbox, const Kluis__Operation *operation, const Kluis__Part *part,
		    struct slice employee, uint64_t time_ms, uint64_t *ret_number) MUST_USE;

enum outbox_state { OUTBOX_WAITING, OUTBOX_SENT, OUTBOX_REFUSED };
struct outbox_item {
	uint64_t number;
	uint64_t time_ms; /* when it was rung up */
	enum outbox_state state;
	uint8_t employee[PSEUDONYM_SIZE];
	bool has_employee;
	Kluis__Operation *operation; /* these in the arena given */
	Kluis__Part *part;
	enum err reason; /* refused */
	char clause[CLAUSE_MAX + 1];
	uint64_t entry; /* refused: that says so; sent: the number of the request that carries it */
};
/* Hands items of a state to visit, oldest first, at most count; each item lives in the arena. */
typedef enum err outbox_fn(void *context, const struct outbox_item *item);
enum err outbox_each(struct outbox *outbox, enum outbox_state state, size_t count, struct arena *arena,
		     outbox_fn *visit, void *context) MUST_USE;
/* The first one of a state whose number is beyond after, in the arena. ERR_NOT_FOUND after the last. */
enum err outbox_next(struct outbox *outbox, enum outbox_state state, uint64_t after, struct arena *arena,
		     struct outbox_item *ret_item) MUST_USE;
/* Another one whenever anything in the outbox became another. */
uint64_t outbox_changes(struct outbox *outbox);
void outbox_counts(struct outbox *outbox, uint64_t *ret_waiting, uint64_t *ret_refused);

/* The courier: these items go with the next envelope, in this order (their number is what outbox_settle expects), whose
 * sequence number is request. */
enum err outbox_mark_sent(struct outbox *outbox, const uint64_t *numbers, size_t count, uint64_t request) MUST_USE;
/* What became of one sent item. */
struct outbox_outcome {
	uint64_t number;
	enum err code; /* ERR_OK: delivered, deleted */
	bool is_later; /* refused for a reason that passes (hours, suspension, another agreement): waits again */
	char clause[CLAUSE_MAX + 1];
	uint64_t entry;
};
/* All of an envelope's at once, one transaction. */
enum err outbox_settle(struct outbox *outbox, const struct outbox_outcome *outcomes, size_t count) MUST_USE;
/* Sent without an answer to come any more (a request given up): they wait again. */
enum err outbox_unsend(struct outbox *outbox) MUST_USE;
/* A refused item waits again, or is thrown away for good, by a person's decision. ERR_NOT_FOUND. */
enum err outbox_retry(struct outbox *outbox, uint64_t number) MUST_USE;
enum err outbox_discard(struct outbox *outbox, uint64_t number) MUST_USE;
/* The end of the agreement: all are destroyed, and gone writes down how many, in the same transaction. Nothing happens
 * where there is none. */
typedef enum err outbox_gone_fn(struct store_txn *txn, uint64_t count, void *context);
enum err outbox_destroy(struct outbox *outbox, outbox_gone_fn *gone, void *context) MUST_USE;
/* Likewise those that name the customer (16 bytes). ret_is_under_way: one is sent and has no answer yet; it stays. */
enum err outbox_erase(struct outbox *outbox, struct slice customer, outbox_gone_fn *gone, void *context,
		      bool *ret_is_under_way) MUST_USE;

#endif
