/*
 * A store as it runs: what tills, the keeper (who holds the copy) and the courier (who delivers) share. It has no
 * thread, no socket and no clock of its own: the daemon gives it these, and so does the simulation.
 *
 *     till ─▶ desk ──▶ journal, copy         keeper ─▶ watch, lease, sync, purge, papers, cosigning
 *               └────▶ outbox ◀── courier ─▶ deliver, upload the journal
 *
 * Threads: shop->lock. The desk holds it for reading while it answers; who changes papers, standing, leases or purges
 * holds it for writing. So nothing is answered under an agreement, role or lease that has ended: the purge waits for
 * answers that were under way, then all later ones see its result. The lock is never held while waiting for the
 * network.
 */
#ifndef KLUIS_AGENT_SHOP_H
#define KLUIS_AGENT_SHOP_H

#include <pthread.h>

#include "home.h"
#include "journal.h"
#include "outbox.h"
#include "timekeeper.h"

/* Lanes of a store's key beside enum agent_lane. */
#define LANE_UPLOAD 3

struct shop {
	pthread_rwlock_t lock;
	struct store *store;
	struct replica replica;
	struct journal *journal;
	struct outbox *outbox;
	struct timekeeper time; /* under time_lock, not lock */
	pthread_mutex_t time_lock;
	struct moment (*clock)(void *context);
	void *clock_context;
	const struct secret_key *key; /* the store's */
	uint32_t number;	      /* of the store */

	/* under lock: what is in force here */
	struct arena papers;		   /* of the two */
	const struct charter *charter;	   /* NULL without an agreement */
	const struct agreement *agreement; /* NULL likewise */
	enum agreement_state state;	   /* as the broker said last; on disk before anybody acts upon it */
	uint64_t purges;		   /* of copies, in this run */
	uint64_t seen_size;		   /* last checkpoint verified */
	struct hash seen_root;
	uint64_t known_size; /* the last one before the store heard how it stands, and acted upon it: what records name
			      */
	struct hash known_root;

	/* for status, under time_lock */
	uint64_t contact_ms; /* last answer of the broker's, by its clock; 0: none in this run */
	bool is_online;
};

/* The estimate of the broker's clock now; and after an entry was received. */
uint64_t shop_now_ms(struct shop *shop);
void shop_contact(struct shop *shop, uint64_t entry_ms);

/* What is in force: the agreement's hash and state. False without an agreement; the state all the same. */
bool shop_agreement(struct shop *shop, uint8_t ret_hash[static HASH_SIZE], enum agreement_state *ret_state);

/* What the broker says of an agreement's state, durable when it returns: a power cut must not make a store that has
 * purged for it go on as if it had never heard. And as it was kept for the agreement that is in force now; of a folder
 * that no daemon ran on, what signing made it. ERR_CORRUPT. */
enum err shop_keep_state(struct shop *shop, const uint8_t agreement[static HASH_SIZE],
			 enum agreement_state state) MUST_USE;
enum err shop_load_state(struct shop *shop) MUST_USE;

/* May the copy for a purpose be read now? ERR_OK; or why not: a code of R80 to R83 by what is known here, ERR_EXPIRED
 * also when the lease is over, ERR_NOT_FOUND when there is no copy. Under lock (read). */
enum err shop_copy_is_open(struct shop *shop, const char *purpose) MUST_USE;

/* What is to be purged now, whoever says so: purposes whose lease is over, whose sync R80 to R83 refuse, that are
 * stale; what opens customers who were erased (erased.h); and the outbox, once its items would never be taken any more.
 * Purges each under lock (write); the certificate waits in the meta table until the broker took it, so that a crash or
 * a broken network only delays it. ret_purged: purposes. */
enum err shop_sweep(struct shop *shop, unsigned *ret_purged) MUST_USE;
/* Certificates that the broker has not taken yet, oldest first, in the arena. */
struct purge_certificate {
	char purpose[NAME_MAX_ + 1]; /* empty: of no copy, but of what waited in the outbox */
	enum err reason;
	uint64_t customers, waiting, time_ms;
	bool has_customer; /* erased.h: the rest of the copy stays */
	uint8_t customer[PSEUDONYM_SIZE];
};
enum err shop_certificates(struct shop *shop, struct arena *arena, struct purge_certificate **ret_certificates,
			   size_t *ret_count) MUST_USE;
enum err shop_certified(struct shop *shop, const struct purge_certificate *certificate) MUST_USE;

#endif
