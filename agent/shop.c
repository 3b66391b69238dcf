#include "shop.h"

#include <string.h>

#include "alarm.h"
#include "kluis/log.h"
#include "purged.h"

/* ---- time ---- */

uint64_t shop_now_ms(struct shop *shop)
{
	pthread_mutex_lock(&shop->time_lock);
	uint64_t now_ms = timekeeper_now_ms(&shop->time, shop->clock(shop->clock_context));
	pthread_mutex_unlock(&shop->time_lock);
	return now_ms;
}

void shop_contact(struct shop *shop, uint64_t entry_ms)
{
	pthread_mutex_lock(&shop->time_lock);
	timekeeper_contact(&shop->time, entry_ms, shop->clock(shop->clock_context));
	shop->contact_ms = entry_ms;
	pthread_mutex_unlock(&shop->time_lock);
}

bool shop_agreement(struct shop *shop, uint8_t ret_hash[static HASH_SIZE], enum agreement_state *ret_state)
{
	pthread_rwlock_rdlock(&shop->lock);
	bool has_agreement = shop->agreement != NULL;
	if (has_agreement)
		memcpy(ret_hash, shop->agreement->hash, HASH_SIZE);
	*ret_state = shop->state;
	pthread_rwlock_unlock(&shop->lock);
	return has_agreement;
}

/* ---- the copy ---- */

static struct purged_question question_of(struct shop *shop)
{
	return (struct purged_question){.replica = &shop->replica,
					.charter = shop->charter,
					.agreement = shop->agreement,
					.state = shop->state,
					.now_ms = shop_now_ms(shop)};
}

enum err shop_copy_is_open(struct shop *shop, const char *purpose)
{
	struct purged_question question = question_of(shop);
	bool is_over;

	return purged_judge(&question, purpose, &is_over);
}

/* Why the copy for a purpose is to be purged; ERR_OK: it is not. */
static enum err reason_to_purge(struct shop *shop, const char *purpose, enum err *ret_reason)
{
	struct purged_question question = question_of(shop);
	bool is_over, is_stale;

	enum err reason = purged_judge(&question, purpose, &is_over);
	*ret_reason = ERR_OK;
	if (is_over) {
		*ret_reason = reason;
		return ERR_OK;
	}
	TRY(replica_is_stale(&shop->replica, purpose, &is_stale));
	if (is_stale)
		*ret_reason = ERR_EXPIRED; /* without its key nothing opens it */
	return ERR_OK;
}

/* Terminated, or expired by the clock: not what passes (suspension, a lease's end). Then what waits to be sent would
 * never be taken any more. */
static bool is_agreement_over(struct shop *shop)
{
	if (shop->agreement == NULL)
		return false;
	return shop->state == AGREEMENT_TERMINATED || shop->state == AGREEMENT_EXPIRED ||
	       shop_now_ms(shop) / 1000 >= shop->agreement->until_s;
}

struct sweeping {
	struct shop *shop;
	uint64_t waiting; /* in the outbox, to be certified with the first purge */
	unsigned purged;
};

static enum err sweep_one(struct sweeping *sweeping, const char *purpose, enum err reason)
{
	struct shop *shop = sweeping->shop;
	uint64_t now_ms = shop_now_ms(shop);

	if (reason == ERR_CRYPTO || reason == ERR_CORRUPT)
		alarm_raise(shop->store, ALARM_ALTERED, now_ms, "the lease for '%s' was altered; its copy is destroyed",
			    purpose);
	TRY(purged_purge(&shop->replica, purpose, reason, sweeping->waiting, now_ms));
	sweeping->waiting = 0;
	sweeping->purged++;
	return ERR_OK;
}

/* What a crash interrupted, with the counts that were written down then. */
static enum err sweep_pending(struct sweeping *sweeping, struct arena *arena)
{
	char **purposes;
	size_t count;

	TRY(purged_pending(sweeping->shop->store, arena, &purposes, &count));
	for (size_t i = 0; i < count; i++) {
		TRY(purged_purge(&sweeping->shop->replica, purposes[i], ERR_EXPIRED, 0, shop_now_ms(sweeping->shop)));
		sweeping->purged++;
	}
	return ERR_OK;
}

static enum err sweep_copies(struct sweeping *sweeping, struct arena *arena)
{
	char **purposes;
	size_t count;
	enum err reason;

	TRY(replica_purposes(&sweeping->shop->replica, arena, &purposes, &count));
	for (size_t i = 0; i < count; i++) {
		TRY(reason_to_purge(sweeping->shop, purposes[i], &reason));
		if (reason != ERR_OK)
			TRY(sweep_one(sweeping, purposes[i], reason));
	}
	return ERR_OK;
}

static enum err sweep_outbox(struct shop *shop)
{
	static struct log_topic topic = LOG_TOPIC("outbox");
	uint64_t count;

	TRY(outbox_destroy(shop->outbox, &count));
	log_event(&topic, "the agreement is over: %llu items that waited were destroyed", (unsigned long long)count);
	return ERR_OK;
}

/* With the lock held for writing. The outbox goes last: its count is written down with a purge before. */
static enum err sweep(struct sweeping *sweeping)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct shop *shop = sweeping->shop;
	uint64_t waiting = 0, refused = 0;
	bool is_over = is_agreement_over(shop) && shop->outbox != NULL;

	arena_init(&arena, REQUEST_ARENA_MAX);
	if (is_over)
		outbox_counts(shop->outbox, &waiting, &refused);
	sweeping->waiting = waiting + refused;
	TRY(sweep_pending(sweeping, &arena));
	TRY(sweep_copies(sweeping, &arena));
	return waiting + refused > 0 ? sweep_outbox(shop) : ERR_OK;
}

/* Most of the time there is nothing to do, which is seen without keeping tills waiting. */
static enum err is_anything_due(struct shop *shop, bool *ret_is_due)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	uint64_t waiting = 0, refused = 0;
	enum err reason;
	char **purposes;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(purged_pending(shop->store, &arena, &purposes, &count));
	*ret_is_due = count > 0;
	if (is_agreement_over(shop) && shop->outbox != NULL)
		outbox_counts(shop->outbox, &waiting, &refused);
	*ret_is_due = *ret_is_due || waiting + refused > 0;
	TRY(replica_purposes(&shop->replica, &arena, &purposes, &count));
	for (size_t i = 0; i < count && !*ret_is_due; i++) {
		TRY(reason_to_purge(shop, purposes[i], &reason));
		*ret_is_due = reason != ERR_OK;
	}
	return ERR_OK;
}

enum err shop_sweep(struct shop *shop, unsigned *ret_purged)
{
	struct sweeping sweeping = {.shop = shop};
	bool is_due = true;

	pthread_rwlock_rdlock(&shop->lock);
	enum err err = is_anything_due(shop, &is_due);
	pthread_rwlock_unlock(&shop->lock);
	TRY(err);
	if (is_due) {
		pthread_rwlock_wrlock(&shop->lock);
		err = sweep(&sweeping);
		pthread_rwlock_unlock(&shop->lock);
	}
	TRY(err);
	*ret_purged = sweeping.purged;
	return ERR_OK;
}

/* ---- certificates ---- */

enum err shop_certificates(struct shop *shop, struct arena *arena, struct purge_certificate **ret_certificates,
			   size_t *ret_count)
{
	return purged_list(shop->store, arena, ret_certificates, ret_count);
}

enum err shop_certified(struct shop *shop, const char *purpose)
{
	return purged_certified(shop->store, purpose);
}
