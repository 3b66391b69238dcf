/*
 * Ending a copy so that the counts that are certified are exact, whatever is interrupted: what is to be purged is
 * written down first, with the counts as they are, then purged, then marked as done (FORMAT.md R128).
 *
 *     meta: "purged/<purpose>" -> u8 is_done || u32 reason || u64 customers || u64 waiting || u64 time
 *
 * What was purged again before the broker took the first certificate is one certificate with both counts.
 *
 * Threads: as the replica.
 */
#ifndef KLUIS_AGENT_PURGED_H
#define KLUIS_AGENT_PURGED_H

#include "shop.h"

/* Purges the copy for a purpose; waiting: items of the outbox that go with it. Also when nothing can be written
 * down (a full disk), the key is destroyed; the failure is then handed up and purged_is_pending says that it is
 * to be done again. */
enum err purged_purge(const struct replica *replica, const char *purpose, enum err reason, uint64_t waiting,
		      uint64_t time_ms) MUST_USE;
/* A purge was begun and not ended. */
enum err purged_is_pending(struct store *store, const char *purpose, bool *ret_is_pending) MUST_USE;
/* Certificates of purges that are done, oldest first, in the arena; purposes of those that are not are left out. */
enum err purged_list(struct store *store, struct arena *arena, struct purge_certificate **ret_certificates,
		     size_t *ret_count) MUST_USE;
/* Purposes with a purge that was begun and not ended. */
enum err purged_pending(struct store *store, struct arena *arena, char ***ret_purposes, size_t *ret_count) MUST_USE;
/* The broker has it. ERR_NOT_FOUND. */
enum err purged_certified(struct store *store, const char *purpose) MUST_USE;

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
