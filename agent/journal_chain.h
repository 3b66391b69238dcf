/*
 * The journal on disk: records by number, and one sealed row that says where the chain begins and ends. Both change in
 * one transaction, so a row that does not fit the records was changed by somebody else.
 *
 *     logged: number, hash ──▶ record ──▶ record ──▶ record = end: number, hash
 *     (deleted already)        the records that are there
 *
 * Threads: pure but for the transaction.
 */
#ifndef KLUIS_AGENT_JOURNAL_CHAIN_H
#define KLUIS_AGENT_JOURNAL_CHAIN_H

#include "journal.h"
#include "kluis/merkle.h"

#define JOURNAL_KEY_SIZE 8

struct store *journal_store(struct journal *journal);

/* What the sealed row says; all zeros before the first record. */
struct journal_chain {
	uint64_t number; /* of the last record */
	struct hash hash;
	uint64_t time_ms, seen_size; /* what it says: later records say no less */
	struct hash seen_root;
	uint64_t logged; /* up to here the broker has them, and they are deleted */
	struct hash logged_hash;
};

struct slice journal_key(uint64_t number, uint8_t place[static JOURNAL_KEY_SIZE]);

/* All zeros if there is none. ERR_CRYPTO when it was altered, ERR_CORRUPT. */
enum err journal_chain_get(struct store_txn *txn, const uint8_t key[static KEY_SIZE],
			   struct journal_chain *ret_chain) MUST_USE;
enum err journal_chain_put(struct store_txn *txn, const uint8_t key[static KEY_SIZE],
			   const struct journal_chain *chain) MUST_USE;

/* Every record is there, unaltered, in its place, and none besides. ERR_CORRUPT with a fault that names the first at
 * fault. */
enum err journal_chain_check(struct store_txn *txn, const struct journal_chain *chain, struct fault *fault) MUST_USE;

/* Counts a customer against a grant's day, unless counted; at a day's first one forgets the days before yesterday
 * (which a till's clock may still ask for). */
enum err journal_count(struct store_txn *txn, const struct journal_access *access) MUST_USE;

#endif
