#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seeded.h"

#define FRAME 1024

uint64_t draw(struct sim *sim, uint64_t bound)
{
	return run_draw(&sim->run, bound);
}

bool chance(struct sim *sim, unsigned percent)
{
	return run_chance(&sim->run, percent);
}

/* ---- events ---- */

static struct client *any_client(struct sim *sim)
{
	return &sim->clients[draw(sim, CLIENTS)];
}

/* One that waits for an answer, or one that does not; NULL: there is none. */
static struct client *any_waiting(struct sim *sim, bool is_waiting)
{
	size_t from = draw(sim, CLIENTS);

	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &sim->clients[(from + i) % CLIENTS];
		if (client->session.has_pending == is_waiting)
			return client;
	}
	return NULL;
}

static void event_work(struct sim *sim)
{
	struct client *client = any_waiting(sim, false);

	if (client != NULL)
		work_any(client);
}

static void event_answer(struct sim *sim)
{
	if (sim->answer_count > 0)
		client_deliver(sim, draw(sim, sim->answer_count));
}

static void event_retry(struct sim *sim)
{
	struct client *client = any_waiting(sim, true);

	if (client != NULL)
		client_again(client);
}

static void event_lose(struct sim *sim)
{
	bool is_answer = chance(sim, 50);
	struct message *list = is_answer ? sim->answers : sim->queue;
	size_t *count = is_answer ? &sim->answer_count : &sim->queue_count;

	if (*count == 0)
		return;
	size_t i = draw(sim, *count);
	message_free(&list[i]);
	list[i] = list[--*count];
}

static void event_repeat(struct sim *sim)
{
	if (sim->queue_count == 0 || sim->queue_count == QUEUE_MAX)
		return;
	const struct message *old = &sim->queue[draw(sim, sim->queue_count)];
	struct message *copy = &sim->queue[sim->queue_count++];
	*copy = *old;
	copy->data = run_take(old->length + 1);
	memcpy(copy->data, old->data, old->length);
	sim->counts[COUNT_LATE]++;
}

static void event_batch(struct sim *sim)
{
	for (uint64_t count = 1 + draw(sim, 6); count > 0; count--)
		broker_prepare(sim);
	if (chance(sim, 60))
		broker_commit(sim);
}

/* Most steps take no time; a run lasts some weeks. */
static void event_time(struct sim *sim)
{
	static const uint64_t spans_ms[] = {300, 300, 2000, 2000, 60000, 3600000, 3600000, 8 * 3600000, 2 * DAY_MS};
	uint64_t next = sim->now_ms + 1 + draw(sim, spans_ms[draw(sim, 9)]);

	if (next < sim->begin_ms + 100 * DAY_MS)
		sim->now_ms = next;
}

static void event_skew(struct sim *sim)
{
	sim->skew_ms = chance(sim, 60) ? 0 : -(int64_t)draw(sim, chance(sim, 50) ? 4000 : 20000);
}

static void event_disk(struct sim *sim)
{
	sim->is_full = !sim->is_full;
	store_memory_set_full(sim->franchise.store, sim->is_full);
	run_trace(&sim->run, "the broker's disk is %s", sim->is_full ? "full" : "not full");
}

static void event_client_crash(struct sim *sim)
{
	client_crash(any_client(sim));
}

static void event_save_fails(struct sim *sim)
{
	any_client(sim)->save_fails = 1 + (unsigned)draw(sim, 2);
}

/* What failed is mended after a while. */
static void mend(struct sim *sim)
{
	if (sim->is_full && chance(sim, 8))
		event_disk(sim);
	if (sim->skew_ms != 0 && chance(sim, 8))
		sim->skew_ms = 0;
}

static void event(struct sim *sim)
{
	static const struct {
		unsigned weight;
		void (*run)(struct sim *sim);
	} rows[] = {
		{300, event_work},
		{260, event_batch},
		{260, event_answer},
		{60, event_retry},
		{15, event_lose},
		{30, event_repeat},
		{40, event_time},
		{4, event_skew},
		{4, event_disk},
		{8, broker_crash},
		{12, broker_commit_and_die},
		{6, event_client_crash},
		{2, event_save_fails},
		{6, check_now},
	};
	unsigned total = 0, place;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		total += rows[i].weight;
	place = (unsigned)draw(sim, total);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (place < rows[i].weight) {
			rows[i].run(sim);
			return;
		}
		place -= rows[i].weight;
	}
}

/* ---- a run ---- */

static void settle(struct sim *sim)
{
	sim->is_calm = true;
	sim->skew_ms = 0;
	sim->is_full = false;
	store_memory_set_full(sim->franchise.store, false);
	for (size_t i = 0; i < CLIENTS; i++)
		client_settle(&sim->clients[i]);
	while (sim->queue_count > 0 || sim->waiting_count > 0) {
		broker_prepare(sim);
		broker_commit(sim);
	}
}

static void report(const struct sim *sim)
{
	if (!sim->run.is_verbose)
		return;
	printf("seed %llu: %llu entries, %llu disclosed, %llu refused, %llu pages, %llu joins, %llu crashes, %llu "
	       "answered again, %zu customers\n",
	       (unsigned long long)sim->run.seed, (unsigned long long)sim->model->counts[MODEL_ENTRIES],
	       (unsigned long long)sim->model->counts[MODEL_DISCLOSED],
	       (unsigned long long)sim->model->counts[MODEL_REFUSED],
	       (unsigned long long)sim->model->counts[MODEL_PAGES], (unsigned long long)sim->model->counts[MODEL_JOINS],
	       (unsigned long long)sim->counts[COUNT_CRASHES], (unsigned long long)sim->counts[COUNT_AGAIN],
	       sim->model->customers.count);
}

static void begin(struct sim *sim, uint64_t seed)
{
	seeded_start(seed);
	store_memory_reset(seed);
	sim->run.random.state = seed * 2 + 1;
	sim->begin_ms = sim->now_ms = FRANCHISE_DAY * DAY_MS + draw(sim, DAY_MS);
	sim->has_windows = chance(sim, 40);
	arena_init(&sim->franchise.arena, (size_t)64 * 1024 * 1024);
	clients_new(sim);
	sim->model = model_new(&sim->run, &sim->franchise.log.public, &sim->office.key.public);
	for (size_t i = 0; i < STORES; i++)
		model_add_store(sim->model, sim->stores[i].store, sim->stores[i].key.public.name);
	broker_new(sim);
	work_begin(sim);
}

static void end(struct sim *sim, struct hash *ret_root)
{
	settle(sim);
	check_now(sim);
	check_copies(sim);
	broker_crash(sim);
	broker_checkpoint(sim);
	check_now(sim);
	check_auditor(sim);
	report(sim);
	frontier_root(&sim->model->tree, ret_root);
	clients_free(sim);
	broker_close(sim);
	model_free(&sim->model);
	arena_fini(&sim->franchise.arena);
	free(sim->received.items);
	store_memory_reset(0);
}

void sim_run(const struct seeds_run *run, struct hash *ret_root)
{
	struct sim *sim = run_take(sizeof(*sim));

	sim->run = (struct run){.seed = run->seed, .is_verbose = run->is_verbose, .now_ms = &sim->now_ms};
	begin(sim, run->seed);
	for (sim->run.step = 1; sim->run.step <= run->steps; sim->run.step++) {
		mend(sim);
		event(sim);
	}
	end(sim, ret_root);
	free(sim);
}
