/*
 * Customers whom head office has erased (FORMAT.md R152, R153). The page that says so takes the row out and writes
 * down, in the same transaction, that a certificate is owed. A sweep then destroys what waits about them in the outbox
 * and seals the copy anew under another key: what opened their row in free pages of the database, or in an older image
 * of it, is gone. Only then there is a certificate. Whatever is interrupted is done again.
 *
 *     meta: "erased/<pseudonym, hex>/<purpose>" -> u8 is_done || u64 customers || u64 waiting || u64 time
 *
 * Threads: as the replica.
 */
#ifndef KLUIS_AGENT_ERASED_H
#define KLUIS_AGENT_ERASED_H

#include "shop.h"

/* In the transaction that takes the row out. customer: 16 bytes. */
enum err erased_note(struct store_txn *txn, const char *purpose, struct slice customer, bool was_there) MUST_USE;
/* Is there one that a sweep has not dealt with? */
enum err erased_is_pending(struct store *store, bool *ret_is_pending) MUST_USE;
/* Deals with all; those of whom an item is under way to the broker, whose purpose then waits for the next sweep. Stale
 * copies (replica_is_stale) are to be purged first. Whoever reads the copy is kept out meanwhile. */
enum err erased_sweep(const struct replica *replica, struct outbox *outbox, uint64_t time_ms) MUST_USE;

/* Certificates of purges and erasures that the broker has not taken yet, in the arena: purges first, each oldest first.
 */
enum err erased_certificates(struct store *store, struct arena *arena, struct purge_certificate **ret_certificates,
			     size_t *ret_count) MUST_USE;
/* The broker has this one, of either kind. ERR_NOT_FOUND. */
enum err erased_certified(struct store *store, const struct purge_certificate *certificate) MUST_USE;

#endif
