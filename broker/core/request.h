/*
 * One request on its way: what core.c (the batch, the log) and run.c (the
 * request on one state of the tables) share.
 */
#ifndef KLUIS_REQUEST_H
#define KLUIS_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/core.h"
#include "core/handler.h"
#include "core/logs.h"
#include "core/papers.h"
#include "core/round.h"
#include "ledger/ledger.h"
#include "vault/vault.h"

/* Last writer of each row, by hash: 0.5 MiB for the whole broker; a collision only prepares a request again. */
#define SLOT_COUNT 65536

struct core {
	struct store *store;
	const struct core_keys *keys;
	struct vault *vault;
	struct papers *papers;
	struct ledger *ledger;
	_Atomic uint64_t last_time_ms;	/* of the last entry */
	_Atomic uint64_t commit_number; /* commits since the start */
	uint64_t slots[SLOT_COUNT];	/* the writer's: commit that last changed a row with this hash */
	uint64_t feed_next;		/* the writer's: next change number */
	uint64_t checkpoint_size;	/* the writer's */
	struct logs logs;		/* the writer's */
	struct core_news news;		/* the writer's */
	struct rounds *rounds;
	pthread_mutex_t pool_mutex;
	struct prepared *pool;
	size_t pool_count;
};

struct prepared {
	struct core *core;
	struct prepared *next;	    /* in the pool */
	struct arena message_arena; /* the opened envelope */
	struct arena run_arena;	    /* what one run made; dropped when the request is prepared again */
	struct envelope envelope;
	uint8_t key[KEY_SIZE]; /* that the signature was checked with */
	enum core_trust trust;
	bool is_first_contact; /* Join */
	bool is_key_fresh;     /* read from the state that the next run sees */
	bool is_old_key;       /* the principal's key before its last rotation (R140) */

	/* of the latest run */
	struct view view;
	uint64_t snapshot; /* commit_number that the run's state is at least as new as */
	uint64_t time_ms;
	bool needs_commit;
	bool advances_lane;
	enum err code;	   /* for replies without an entry */
	uint64_t expected; /* with ERR_SEQUENCE */
	uint64_t index;	   /* of the entry, once committed or when sent again */
	bool has_entry;
	bool is_new;	   /* at commit: of this batch, not one sent again */
	uint32_t findings; /* about the sender, put down by the latest run (R126) */
	struct fault fault;
	bool waits; /* for news; then wait says for which */
	struct core_wait wait;
	struct bytes entry; /* encoded */
	struct part_list parts;
	Kluis__Data **data;
	size_t data_count;
	struct bytes reply;
};

extern const struct ledger_tables core_ledger_tables;

/* Runs the opened and verified request on txn's state at time_ms: fills in the latest run's fields. Failures of the
 * world become a reply without entry. */
void request_run(struct prepared *prepared, struct store_txn *txn, uint64_t time_ms);

/* After the batch: encodes the reply, or one that says err. */
void request_finish(struct prepared *prepared, enum err err);

/* The broker's own latest checkpoint, whose signatures logs_check has seen to; origin points into bytes. ERR_CORRUPT.
 */
enum err parse_checkpoint(struct slice bytes, struct checkpoint *ret_checkpoint) MUST_USE;

/* The lane row's key and value (tables.h). */
struct lane {
	uint64_t sequence;
	struct hash request; /* BLAKE2b-256 of the request bytes */
	uint64_t index;
	struct hash leaf;
};
#define LANE_KEY_MAX (1 + PRINCIPAL_MAX)
#define LANE_ROW_SIZE (8 + HASH_SIZE + 8 + HASH_SIZE)
struct slice lane_key(const Kluis__Request *request, uint32_t lane, uint8_t place[static LANE_KEY_MAX]);
void lane_encode(const struct lane *lane, uint8_t ret_row[static LANE_ROW_SIZE]);
enum err lane_decode(struct slice row, struct lane *ret_lane) MUST_USE;
void lane_hash(struct slice request, struct hash *ret_hash);

/* The handler of an operation's kind, NULL if it has none. */
handler_fn *dispatch_handler(Kluis__Operation__KindCase kind);

#endif
