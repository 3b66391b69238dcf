#include "shop_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "journal_book.h"
#include "kluis/file.h"
#include "kluis/hash.h"

static void must(enum err err, const char *what, const struct fault *fault)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "shop_world: %s: %s %s\n", what, error_text(err), fault == NULL ? "" : fault->text);
	abort();
}

static enum err encode_entry(const Kluis__Entry *entry, struct arena *arena, Kluis__Reply *reply)
{
	struct bytes encoded CLEANUP(bytes_fini) = {0};

	bytes_init(&encoded, MESSAGE_MAX);
	TRY(wire_encode(&entry->base, &encoded));
	reply->entry = wire_data(SLICE(arena_copy(arena, bytes_slice(&encoded)), encoded.length));
	return ERR_OK;
}

static enum err lie_about(const struct shop_world *world, struct slice truth, struct bytes *ret_reply)
{
	struct arena *arena = &world->formula->arena;
	Kluis__Reply *reply;
	Kluis__Entry *entry = NULL;

	TRY(WIRE_DECODE(Reply, reply, SLICE(arena_copy(arena, truth), truth.length), arena, &reply));
	if (reply->has_entry)
		TRY(WIRE_DECODE(Entry, entry, wire_slice(reply->entry), arena, &entry));
	if (reply->code == ERR_OK && (entry == NULL || entry->code == ERR_OK))
		world->lie(reply, entry);
	if (entry != NULL)
		TRY(encode_entry(entry, arena, reply));
	return wire_encode(&reply->base, ret_reply);
}

static enum err world_send(void *context, struct slice message, struct bytes *ret_reply)
{
	struct shop_world *world = context;
	struct exchange core = unlogged_exchange(world->formula);
	struct bytes reply CLEANUP(bytes_fini) = {0};

	world->sent++;
	if (world->is_cut)
		return ERR_NETWORK;
	bytes_init(&reply, MESSAGE_MAX);
	TRY(core.send(core.context, message, &reply));
	if (world->lose_reply > 0) {
		world->lose_reply--;
		return ERR_TIMEOUT;
	}
	if (world->is_garbled)
		return bytes_append(ret_reply, slice_text("\x08"));
	if (world->lie != NULL)
		return lie_about(world, bytes_slice(&reply), ret_reply);
	return bytes_append(ret_reply, bytes_slice(&reply));
}

struct exchange shop_world_exchange(struct shop_world *world)
{
	return (struct exchange){.context = world, .send = world_send};
}

static struct moment world_clock(void *context)
{
	const struct shop_world *world = context;

	return (struct moment){.wall_ms = world->formula->now_ms, .steady_ms = world->formula->now_ms};
}

static enum err keep_paper(void *context, const char *name, struct slice note)
{
	struct shop_world *world = context;

	(void)note;
	if (strcmp(name, "charter.note") == 0)
		world->charters_kept++;
	else
		world->agreements_kept++;
	return ERR_OK;
}

static void roster_changed(void *context)
{
	((struct shop_world *)context)->rosters_changed++;
}

static void open_shop(struct shop_world *world)
{
	struct fault fault = {""};
	struct shop *shop = &world->shop;

	*shop = (struct shop){
		.clock = world_clock, .clock_context = world, .key = &world->party->key, .number = world->party->store};
	char db[SCRATCH_MAX + 8];
	snprintf(db, sizeof db, "%s/db", world->folder);
	bool is_new = file_check_private(db, true, NULL) == ERR_NOT_FOUND;
	must(store_open(db, &replica_layout, is_new, &shop->store, &fault), "store", &fault);
	shop->replica =
		(struct replica){.store = shop->store, .key = world->seal_key, .keys = key_shelf_memory(&world->shelf)};
	must(journal_open(shop->store, world->seal_key, &shop->journal, &fault), "journal", &fault);
	must(outbox_open(shop->store, world->seal_key, &shop->outbox, &fault), "outbox", &fault);
	must(timekeeper_load(SLICE_EMPTY, world_clock(world), &shop->time), "time", NULL);
	arena_init(&shop->papers, 16 * PAPER_MAX);
	pthread_rwlock_init(&shop->lock, NULL);
	pthread_mutex_init(&shop->time_lock, NULL);
}

static void open_keeper(struct shop_world *world)
{
	struct fault fault = {""};
	struct keeper_options options = {.shop = &world->shop,
					 .exchange = shop_world_exchange(world),
					 .memory = session_files(world->folder),
					 .controller = &world->controller,
					 .signers = &world->party->key.public,
					 .signer_count = 1,
					 .keep_paper = keep_paper,
					 .roster_changed = roster_changed,
					 .context = world};

	must(keeper_new(&options, &world->keeper, &fault), "keeper", &fault);
}

static void close_shop(struct shop_world *world)
{
	struct shop *shop = &world->shop;

	keeper_free(&world->keeper);
	outbox_close(&shop->outbox);
	journal_close(&shop->journal);
	store_close(&shop->store);
	arena_fini(&shop->papers);
	pthread_rwlock_destroy(&shop->lock);
	pthread_mutex_destroy(&shop->time_lock);
}

void shop_world_begin(struct shop_world *world)
{
	*world = (struct shop_world){.formula = franchise_new(NULL)};
	world->party = franchise_store(world->formula, 12, GRANT_ALL);
	world->controller = world->formula->office.key.public;
	franchise_customer(world->formula, "1=4711|2=Anna Smith|3=0612345678");
	franchise_customer(world->formula, "1=4712|2=Bert Jones");
	scratch_new(world->folder);
	memset(world->seal_key, 7, sizeof world->seal_key);
	open_shop(world);
	struct replica_employee anna = {.handle = "anna", .role = "cashier", .name = "Anna"};
	memcpy(anna.pseudonym, world->party->employee, sizeof anna.pseudonym);
	must(replica_put_employee(&world->shop.replica, &anna), "anna", NULL);
	open_keeper(world);
}

void shop_world_end(struct shop_world *world)
{
	close_shop(world);
	scratch_remove(world->folder);
	franchise_free(&world->formula);
}

void shop_world_restart(struct shop_world *world)
{
	close_shop(world);
	open_shop(world);
	open_keeper(world);
}

/* What a courier does with them. */
static size_t certify(struct shop_world *world)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct purge_certificate *certificates;
	size_t count;

	arena_init(&arena, REQUEST_ARENA_MAX);
	must(shop_certificates(&world->shop, &arena, &certificates, &count), "certificates", NULL);
	if (world->is_cut || world->has_courier)
		return 0;
	for (size_t i = 0; i < count; i++) {
		franchise_one(world->formula, world->party,
			      action_purge(world->formula, certificates[i].purpose, certificates[i].reason));
		must(shop_certified(&world->shop, &certificates[i]), "certified", NULL);
	}
	return count;
}

enum keeper_result shop_world_keep(struct shop_world *world)
{
	enum keeper_result result = KEEPER_MORE;

	for (int i = 0; i < 100 && result == KEEPER_MORE; i++) {
		struct fault fault = {""};
		result = keeper_step(world->keeper, &fault);
		if (result != KEEPER_CURRENT || certify(world) == 0)
			continue;
		world->formula->now_ms += 1000;
		result = KEEPER_MORE;
	}
	return result;
}

uint64_t shop_world_copied(struct shop_world *world)
{
	uint64_t count = 0;

	must(replica_count(&world->shop.replica, "service", &count), "count", NULL);
	return count;
}

/* ---- for cmocka ---- */

int shop_world_set_up(void **state)
{
	struct shop_world *world = calloc(1, sizeof *world);

	must(world == NULL ? ERR_MEMORY : ERR_OK, "memory", NULL);
	shop_world_begin(world);
	*state = world;
	return 0;
}

int shop_world_tear_down(void **state)
{
	struct shop_world *world = *state;

	shop_world_end(world);
	free(world);
	return 0;
}
