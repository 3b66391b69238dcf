/*
 * The log: entries, the Merkle tree over them, checkpoints; tables of
 * the broker's store (FORMAT.md section 6).
 *
 * Entries stand by index. Of the tree only full tiles are stored at level 0,
 * with the partial tiles of higher levels; the frontier stands in the meta table. So an append
 * writes the entry and the frontier, and every 256th a tile; nothing reads back.
 *
 * Threads: ledger_append in the writer's transaction only; the reads take any
 * transaction and see its snapshot.
 */
#ifndef KLUIS_LEDGER_H
#define KLUIS_LEDGER_H

#include "kluis/checkpoint.h"
#include "kluis/store.h"

/* Which tables of the store are the ledger's. */
struct ledger_tables {
	unsigned entry; /* u64 index -> entry */
	unsigned tile;	/* u8 level, u64 index -> hashes */
	unsigned meta;	/* names -> values; the ledger's begin with "ledger/" */
};

struct ledger;

/* Reads the frontier and the partial level-0 tile (at most 255 entries are hashed): start-up does not depend
 * on the size of the log. ERR_CORRUPT when entries and frontier disagree. */
enum err ledger_open(struct store_txn *txn, const struct ledger_tables *tables, struct ledger **ret_ledger,
		     struct fault *fault) MUST_USE;
void ledger_free(struct ledger **ledger);

/*
 * An append is in three steps so that a transaction can be run again: begin
 * copies the in-memory state, append adds entries to the copy and the
 * transaction, and after the commit either keep or drop makes the copy the state or forgets it.
 */
void ledger_begin(struct ledger *ledger);
/* ret_leaf may be NULL. ERR_TOO_LARGE over ENTRY_MAX. */
enum err ledger_append(struct ledger *ledger, struct store_txn *txn, struct slice entry, uint64_t *ret_index,
		       struct hash *ret_leaf) MUST_USE;
/* Writes the frontier; once, after the last append of the transaction. */
void ledger_finish(struct ledger *ledger, struct store_txn *txn);
void ledger_keep(struct ledger *ledger);
void ledger_drop(struct ledger *ledger);

/* Committed size and root as the writer's thread knows them. */
uint64_t ledger_size(const struct ledger *ledger);
void ledger_root(const struct ledger *ledger, struct hash *ret_root);

/* Reads on any transaction. Proofs: ERR_NOT_FOUND when size lies past the log's end, ERR_INPUT when index or
 * old_size lies past size, ERR_CORRUPT when tiles or entries are missing. */
enum err ledger_size_at(const struct ledger_tables *tables, struct store_txn *txn, uint64_t *ret_size) MUST_USE;
enum err ledger_entry(const struct ledger_tables *tables, struct store_txn *txn, uint64_t index,
		      struct slice *ret_entry) MUST_USE;
enum err ledger_prove_inclusion(const struct ledger_tables *tables, struct store_txn *txn, uint64_t index,
				uint64_t size, struct merkle_proof *ret_proof) MUST_USE;
enum err ledger_prove_consistency(const struct ledger_tables *tables, struct store_txn *txn, uint64_t old_size,
				  uint64_t new_size, struct merkle_proof *ret_proof) MUST_USE;

/* Root of the tree of the first size entries. ERR_NOT_FOUND, ERR_CORRUPT as above. */
enum err ledger_root_at(const struct ledger_tables *tables, struct store_txn *txn, uint64_t size,
			struct hash *ret_root) MUST_USE;

/* The latest signed checkpoint; ERR_NOT_FOUND before the first. */
enum err ledger_checkpoint(const struct ledger_tables *tables, struct store_txn *txn, struct slice *ret_note) MUST_USE;
void ledger_put_checkpoint(const struct ledger_tables *tables, struct store_txn *txn, struct slice note);

#endif
