#include "run/daemon_shop.h"

#include <string.h>

#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/principal.h"
#include "run/cosigner.h"
#include "sealed_row.h"

#define TIME_KEY "time"

static struct moment read_clock(void *context)
{
	(void)context;
	return (struct moment){.wall_ms = clock_now_ms(), .steady_ms = clock_boot_ms()};
}

/* ---- what is kept ---- */

static enum err load_time(struct shop *shop)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct bytes kept CLEANUP(bytes_fini) = {0};

	bytes_init(&kept, TIMEKEEPER_SIZE);
	TRY(store_begin_read(shop->store, &txn));
	enum err err = sealed_row_get(txn, shop->replica.key, slice_text(TIME_KEY), &kept);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	return timekeeper_load(bytes_slice(&kept), read_clock(NULL), &shop->time);
}

struct keeping {
	const uint8_t *key;
	uint8_t time[TIMEKEEPER_SIZE];
};

static enum err put_time(struct store_txn *txn, void *context)
{
	const struct keeping *keeping = context;

	return sealed_row_put(txn, keeping->key, slice_text(TIME_KEY), SLICE_ARRAY(keeping->time));
}

enum err daemon_shop_keep(struct shop *shop)
{
	struct keeping keeping = {.key = shop->replica.key};

	pthread_mutex_lock(&shop->time_lock);
	timekeeper_keep(&shop->time, keeping.time);
	pthread_mutex_unlock(&shop->time_lock);
	return store_update(shop->store, put_time, &keeping);
}

/* ---- open ---- */

/* The agent's own arena keeps the papers of the start until the agent is closed; the shop's is empty until the keeper
 * brings others. */
static enum err load_papers(struct agent *agent, struct shop *shop, struct fault *ret_papers, struct fault *fault)
{
	struct fault cause = {""};
	enum err err = agent_load_agreement(agent, &cause);

	if (err != ERR_OK && ret_papers != NULL)
		*ret_papers = cause;
	if (err == ERR_NO_AGREEMENT || (err != ERR_OK && ret_papers != NULL))
		return ERR_OK;
	if (err != ERR_OK)
		return fault_set(fault, err, "%s", cause.text);
	shop->charter = agent->charter;
	shop->agreement = agent->agreement;
	return ERR_OK;
}

/* Altered, it is evidence: nothing is repaired, and nobody reads on as if nothing were. */
static enum err refuse(const struct agent *agent, const char *what, struct fault *fault)
{
	return fault_set(fault, ERR_CORRUPT,
			 "%s; nothing was repaired: keep '%s' for head office and join anew into another folder", what,
			 agent->folder);
}

static enum err open_books(struct agent *agent, struct shop *shop, struct fault *fault)
{
	struct fault cause = {""};
	enum err err = journal_open(agent->store, agent->seal_key, &shop->journal, &cause);

	if (err == ERR_OK)
		err = outbox_open(agent->store, agent->seal_key, &shop->outbox, &cause);
	if (err == ERR_CORRUPT)
		return refuse(agent, cause.text, fault);
	return err == ERR_OK ? err : fault_set(fault, err, "%s", cause.text[0] == '\0' ? error_text(err) : cause.text);
}

static enum err load(struct agent *agent, struct shop *shop, struct fault *ret_papers, struct fault *fault)
{
	struct principal self;

	TRY(principal_parse(slice_text(agent->membership.principal), &self));
	shop->number = self.store;
	TRY(load_papers(agent, shop, ret_papers, fault));
	enum err err = load_time(shop);
	if (err == ERR_OK)
		err = shop_load_state(shop);
	if (err == ERR_OK)
		err = cosigner_load_seen(shop);
	if (err == ERR_CORRUPT)
		return refuse(agent, "the kept time or state cannot be read: it was altered, or seal.key was", fault);
	if (err != ERR_OK)
		return fault_set(fault, err, "the kept time or state cannot be read: %s", error_text(err));
	return open_books(agent, shop, fault);
}

static void init_locks(struct shop *shop)
{
	pthread_rwlockattr_t attributes;

	/* whoever takes something away goes before those who keep on coming to read it */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&shop->lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	pthread_mutex_init(&shop->time_lock, NULL);
}

enum err daemon_shop_open(struct agent *agent, struct shop *ret_shop, struct fault *ret_papers, struct fault *fault)
{
	*ret_shop = (struct shop){
		.store = agent->store, .replica = agent->replica, .clock = read_clock, .key = &agent->key};
	arena_init(&ret_shop->papers, 16 * PAPER_MAX);
	init_locks(ret_shop);
	enum err err = load(agent, ret_shop, ret_papers, fault);
	if (err != ERR_OK)
		daemon_shop_close(ret_shop);
	return err;
}

void daemon_shop_close(struct shop *shop)
{
	if (shop->store == NULL)
		return;
	outbox_close(&shop->outbox);
	journal_close(&shop->journal);
	arena_fini(&shop->papers);
	pthread_rwlock_destroy(&shop->lock);
	pthread_mutex_destroy(&shop->time_lock);
	*shop = (struct shop){.store = NULL};
}
