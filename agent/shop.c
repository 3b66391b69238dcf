#include "shop.h"

#include <string.h>

#include "alarm.h"
#include "erased.h"
#include "purged.h"
#include "sealed_row.h"

#define STATE_KEY "agreement-state"

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

/* ---- the agreement's state ---- */

struct keeping {
	const uint8_t *key;
	uint8_t row[1 + HASH_SIZE];
};

static enum err put_state(struct store_txn *txn, void *context)
{
	const struct keeping *keeping = context;

	return sealed_row_put(txn, keeping->key, slice_text(STATE_KEY), SLICE_ARRAY(keeping->row));
}

enum err shop_keep_state(struct shop *shop, const uint8_t agreement[static HASH_SIZE], enum agreement_state state)
{
	struct keeping keeping = {.key = shop->replica.key, .row = {(uint8_t)state}};

	memcpy(keeping.row + 1, agreement, HASH_SIZE);
	return store_update(shop->store, put_state, &keeping);
}

enum err shop_load_state(struct shop *shop)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init(&plain, 1 + HASH_SIZE);
	shop->state = shop->agreement == NULL ? AGREEMENT_NONE : AGREEMENT_ACTIVE;
	TRY(store_begin_read(shop->store, &txn));
	enum err err = sealed_row_get(txn, shop->replica.key, slice_text(STATE_KEY), &plain);
	if (err == ERR_NOT_FOUND || shop->agreement == NULL)
		return ERR_OK;
	TRY(err);
	struct slice kept = bytes_slice(&plain);
	if (kept.length != 1 + HASH_SIZE || kept.data[0] > AGREEMENT_EXPIRED)
		return ERR_CORRUPT;
	if (slice_equal(slice_part(kept, 1, HASH_SIZE), SLICE_ARRAY(shop->agreement->hash)))
		shop->state = (enum agreement_state)kept.data[0];
	return ERR_OK;
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
	if (reason != ERR_OK && reason < ERR_NOT_FOUND) /* the world failed: nothing is known of the lease */
		return reason;
	TRY(replica_is_stale(&shop->replica, purpose, &is_stale));
	if (is_stale)
		*ret_reason = ERR_EXPIRED; /* without its key nothing opens it */
	return ERR_OK;
}

/* ERR_TERMINATED, or ERR_EXPIRED by the clock: then what waits to be sent would never be taken any more. ERR_OK also
 * for what passes (suspension, a lease's end). */
static enum err agreement_over(struct shop *shop)
{
	if (shop->agreement == NULL)
		return ERR_OK;
	if (shop->state == AGREEMENT_TERMINATED)
		return ERR_TERMINATED;
	bool is_expired = shop->state == AGREEMENT_EXPIRED || shop_now_ms(shop) / 1000 >= shop->agreement->until_s;
	return is_expired ? ERR_EXPIRED : ERR_OK;
}

/* Is there anything in the outbox that the agreement's end destroys? */
static bool is_outbox_due(struct shop *shop)
{
	uint64_t waiting = 0, refused = 0;

	if (shop->outbox != NULL && agreement_over(shop) != ERR_OK)
		outbox_counts(shop->outbox, &waiting, &refused);
	return waiting + refused > 0;
}

struct sweeping {
	struct shop *shop;
	unsigned purged;
};

static enum err sweep_one(struct sweeping *sweeping, const char *purpose, enum err reason)
{
	struct shop *shop = sweeping->shop;
	uint64_t now_ms = shop_now_ms(shop);

	if (reason == ERR_CRYPTO || reason == ERR_CORRUPT)
		alarm_raise(shop->store, ALARM_ALTERED, now_ms, "the lease for '%s' was altered; its copy is destroyed",
			    purpose);
	shop->purges++;
	TRY(purged_purge(&shop->replica, purpose, reason, now_ms));
	sweeping->purged++;
	return ERR_OK;
}

/* What a crash interrupted, with the counts that were written down then. */
static enum err sweep_pending(struct sweeping *sweeping, struct arena *arena)
{
	char **purposes;
	size_t count;

	TRY(purged_pending(sweeping->shop->store, arena, &purposes, &count));
	for (size_t i = 0; i < count; i++)
		TRY(sweep_one(sweeping, purposes[i], ERR_EXPIRED));
	return ERR_OK;
}

static enum err sweep_copy(struct sweeping *sweeping, const char *purpose)
{
	enum err reason;

	TRY(reason_to_purge(sweeping->shop, purpose, &reason));
	return reason == ERR_OK ? ERR_OK : sweep_one(sweeping, purpose, reason);
}

/* One that cannot be looked at, or not be purged, keeps none of the others. */
static enum err sweep_copies(struct sweeping *sweeping, struct arena *arena)
{
	enum err first = ERR_OK;
	char **purposes;
	size_t count;

	TRY(replica_purposes(&sweeping->shop->replica, arena, &purposes, &count));
	for (size_t i = 0; i < count; i++) {
		enum err err = sweep_copy(sweeping, purposes[i]);
		first = first == ERR_OK ? err : first;
	}
	return first;
}

/* With the lock held for writing. */
static enum err sweep(struct sweeping *sweeping)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct shop *shop = sweeping->shop;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(sweep_pending(sweeping, &arena));
	TRY(sweep_copies(sweeping, &arena));
	if (shop->outbox != NULL)
		TRY(erased_sweep(&shop->replica, shop->outbox, shop_now_ms(shop)));
	return is_outbox_due(shop) ? purged_outbox(shop->outbox, agreement_over(shop), shop_now_ms(shop)) : ERR_OK;
}

/* Most of the time there is nothing to do, which is seen without keeping tills waiting. */
static enum err is_anything_due(struct shop *shop, bool *ret_is_due)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	enum err reason;
	char **purposes;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(purged_pending(shop->store, &arena, &purposes, &count));
	TRY(erased_is_pending(shop->store, ret_is_due));
	*ret_is_due = *ret_is_due || count > 0 || is_outbox_due(shop);
	TRY(replica_purposes(&shop->replica, &arena, &purposes, &count));
	for (size_t i = 0; i < count && !*ret_is_due; i++) {
		enum err err = reason_to_purge(shop, purposes[i], &reason);
		*ret_is_due = err != ERR_OK || reason != ERR_OK;
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
	return erased_certificates(shop->store, arena, ret_certificates, ret_count);
}

enum err shop_certified(struct shop *shop, const struct purge_certificate *certificate)
{
	return erased_certified(shop->store, certificate);
}
