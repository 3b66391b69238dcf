#include "follower.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "run/keeper.h"

/* As the daemon's (agent/run/config.c, daemon.c, daemon_work.c). */
#define WAIT_MS 50000
#define MARGIN_MS 15000
#define LINK_WAIT_MS 10000
#define PAUSE_MS 200
#define QUICK_MS 5

#define PURPOSE "service"
#define PATIENCE_MS 5000

struct follower {
	char folder[SCRATCH_MAX], keys[SCRATCH_MAX + 8];
	struct link *link;
	struct channel *channel;
	struct shop shop;
	struct keeper *keeper;
	struct public_key controller;
	uint8_t customer[PSEUDONYM_SIZE];
	pthread_t thread;
	atomic_bool is_stopping;
	pthread_mutex_t mutex; /* of the rest */
	uint32_t version;
	uint64_t seen_ns;
};

static const uint8_t seal_key[KEY_SIZE] = {7};

static void must(bool is_well, const char *what, const struct fault *fault)
{
	if (is_well)
		return;
	fprintf(stderr, "follower: %s failed %s\n", what, fault == NULL ? "" : fault->text);
	exit(1);
}

static struct moment read_clock(void *context)
{
	(void)context;
	return (struct moment){.wall_ms = bench_broker_now_ms(), .steady_ms = clock_boot_ms()};
}

/* ---- looking ---- */

static enum err take_version(void *context, const struct replica_row *row)
{
	*(uint32_t *)context = row->version;
	return ERR_OK;
}

static void look(struct follower *follower)
{
	uint32_t version = 0;
	enum err err =
		replica_get(&follower->shop.replica, PURPOSE, SLICE_ARRAY(follower->customer), take_version, &version);

	if (err != ERR_OK)
		return; /* not copied yet */
	uint64_t now_ns = clock_steady_ns();
	pthread_mutex_lock(&follower->mutex);
	if (version != follower->version) {
		follower->version = version;
		follower->seen_ns = now_ns;
	}
	pthread_mutex_unlock(&follower->mutex);
}

bool follower_wait(struct follower *follower, uint32_t before, uint32_t *ret_version, uint64_t *ret_seen_ns)
{
	uint64_t until_ms = clock_steady_ms() + PATIENCE_MS;

	while (clock_steady_ms() < until_ms) {
		pthread_mutex_lock(&follower->mutex);
		uint32_t version = follower->version;
		*ret_seen_ns = follower->seen_ns;
		pthread_mutex_unlock(&follower->mutex);
		if (version > before) {
			*ret_version = version;
			return true;
		}
		clock_sleep_ms(1);
	}
	return false;
}

/* ---- keeping ---- */

/* The daemon's loop. */
static void *run(void *argument)
{
	struct follower *follower = argument;

	while (!atomic_load(&follower->is_stopping)) {
		struct fault fault = {""};
		if (!link_wait(follower->link, LINK_WAIT_MS))
			continue;
		uint64_t began_ms = clock_steady_ms();
		enum keeper_result result = keeper_step(follower->keeper, &fault);
		look(follower);
		if (result == KEEPER_REFUSED || result == KEEPER_ALARM)
			fprintf(stderr, "follower: %s\n", fault.text);
		if (result != KEEPER_MORE && (result != KEEPER_CURRENT || clock_steady_ms() - began_ms < QUICK_MS))
			clock_sleep_ms(PAUSE_MS);
	}
	return NULL;
}

static void open_shop(struct follower *follower, struct party *store)
{
	struct fault fault = {""};
	struct shop *shop = &follower->shop;
	char place[SCRATCH_MAX + 8];

	*shop = (struct shop){.clock = read_clock, .key = &store->key, .number = store->store};
	snprintf(place, sizeof(place), "%s/db", follower->folder);
	must(store_open(place, &replica_layout, true, &shop->store, &fault) == ERR_OK, "opening the copy", &fault);
	snprintf(follower->keys, sizeof(follower->keys), "%s/keys", follower->folder);
	shop->replica = (struct replica){.store = shop->store, .key = seal_key, .keys = key_files(follower->keys)};
	must(journal_open(shop->store, seal_key, &shop->journal, &fault) == ERR_OK &&
		     outbox_open(shop->store, seal_key, &shop->outbox, &fault) == ERR_OK &&
		     timekeeper_load(SLICE_EMPTY, read_clock(NULL), &shop->time) == ERR_OK,
	     "opening the shop", &fault);
	arena_init(&shop->papers, 16 * PAPER_MAX);
	pthread_rwlock_init(&shop->lock, NULL);
	pthread_mutex_init(&shop->time_lock, NULL);
}

static void open_keeper(struct follower *follower, struct party *store)
{
	struct fault fault = {""};
	struct keeper_options options = {.shop = &follower->shop,
					 .exchange = channel_exchange(follower->channel),
					 .memory = session_files(follower->folder),
					 .wait_ms = WAIT_MS,
					 .controller = &follower->controller,
					 .signers = &store->key.public,
					 .signer_count = 1};

	must(keeper_new(&options, &follower->keeper, &fault) == ERR_OK, "opening the keeper", &fault);
}

struct follower *follower_start(const struct bench_broker *broker, struct party *store, struct slice customer)
{
	struct follower *follower = calloc(1, sizeof(*follower));
	struct fault fault = {""};

	must(follower != NULL, "memory", NULL);
	pthread_mutex_init(&follower->mutex, NULL);
	follower->controller = broker->formula->office.key.public;
	memcpy(follower->customer, customer.data, PSEUDONYM_SIZE);
	scratch_new(follower->folder);
	must(link_open_lasting(broker->address, (const char *)broker->certificate.data, &follower->link, &fault) ==
			     ERR_OK &&
		     channel_open(follower->link, WAIT_MS + MARGIN_MS, &follower->channel) == ERR_OK,
	     "opening a link", &fault);
	open_shop(follower, store);
	open_keeper(follower, store);
	must(pthread_create(&follower->thread, NULL, run, follower) == 0, "starting a thread", NULL);
	return follower;
}

void follower_stop(struct follower **follower)
{
	struct follower *old = *follower;

	atomic_store(&old->is_stopping, true);
	link_stop(old->link);
	pthread_join(old->thread, NULL);
	keeper_free(&old->keeper);
	outbox_close(&old->shop.outbox);
	journal_close(&old->shop.journal);
	store_close(&old->shop.store);
	arena_fini(&old->shop.papers);
	channel_close(&old->channel);
	link_close(&old->link);
	scratch_remove(old->folder);
	free(old);
	*follower = NULL;
}
