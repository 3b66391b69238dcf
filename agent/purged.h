/*
 * Ending a copy so that the counts that are certified are exact, whatever is interrupted: what is to be purged is
 * written down first, with the counts as they are, then purged, then marked as done (FORMAT.md R128).
 *
 *     meta: "purged/<purpose>" -> u8 is_done || u32 reason || u64 customers || u64 waiting || u64 time ||
 *                             u64 time of the last one certified
 *
 * Under no purpose ("purged/") stand the outbox's items, in the transaction that destroys them. What is purged again
 * before the broker took the first certificate is one certificate with both counts; what is purged again while that is
 * under way is left for another one.
 *
 * Threads: as the replica.
 */
#ifndef KLUIS_AGENT_PURGED_H
#define KLUIS_AGENT_PURGED_H

#include "shop.h"

/* Purges the copy for a purpose. Also when nothing can be written down (a full disk), the key is destroyed; the
 * failure is then handed up and purged_is_pending says that it is to be done again. */
enum err purged_purge(const struct replica *replica, const char *purpose, enum err reason, uint64_t time_ms) MUST_USE;
/* Destroys what is in the outbox. */
enum err purged_outbox(struct outbox *outbox, enum err reason, uint64_t time_ms) MUST_USE;
/* A purge was begun and not ended. */
enum err purged_is_pending(struct store *store, const char *purpose, bool *ret_is_pending) MUST_USE;
/* Certificates of purges that are done, oldest first, in the arena; purposes of those that are not are left out. */
enum err purged_list(struct store *store, struct arena *arena, struct purge_certificate **ret_certificates,
		     size_t *ret_count) MUST_USE;
/* Purposes with a purge that was begun and not ended. */
enum err purged_pending(struct store *store, struct arena *arena, char ***ret_purposes, size_t *ret_count) MUST_USE;
/* Of this purpose the broker has not taken every certificate: till then no lease is to be asked for, which the
 * certificate would end (R128). */
enum err purged_is_uncertified(struct store *store, const char *purpose, bool *ret_is_uncertified) MUST_USE;
/* The broker has this one. ERR_NOT_FOUND. */
enum err purged_certified(struct store *store, const struct purge_certificate *certificate) MUST_USE;

/* The operation that certifies, a purge or an erasure (erased.h), in the caller's places and the certificate's own; and
 * which certificate an operation was. */
void purged_operation(const struct purge_certificate *certificate, char name[static NAME_MAX_ + 1],
		      Kluis__Purge *ret_purge, Kluis__Operation *ret_operation);
void purged_of(const Kluis__Operation *operation, struct purge_certificate *ret_certificate);

/* May the copy be read now? As shop_copy_is_open, of what is given; *ret_is_over: it is to be purged for that. */
struct purged_question {
	const struct replica *replica;
	const struct charter *charter;
	const struct agreement *agreement; /* NULL: none */
	enum agreement_state state;
	uint64_t now_ms;
};
enum err purged_judge(const struct purged_question *question, const char *purpose, bool *ret_is_over) MUST_USE;

#endif
