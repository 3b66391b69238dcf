/*
 * The broker in the simulation: the core on a simulated disk, with messages that wait to be prepared, prepared
 * requests that wait to be committed, and a machine that dies.
 */
#include <stdlib.h>
#include <string.h>

#include "core/tables.h"
#include "ledger/ledger.h"
#include "sim.h"

#define FOLDER "broker"
#define BATCH_MAX 8

extern const struct ledger_tables core_ledger_tables;

uint64_t broker_now(const struct sim *sim)
{
	return (uint64_t)((int64_t)sim->now_ms + sim->skew_ms);
}

/* What is durable now and the model has not seen yet. */
static void show_model(struct sim *sim)
{
	struct store_txn *txn;
	struct slice bytes;
	uint64_t size;

	run_must(&sim->run, store_begin_read(sim->franchise.store, &txn), "read");
	run_must(&sim->run, ledger_size_at(&core_ledger_tables, txn, &size), "size");
	if (size < sim->model->leaves.count)
		run_fail(&sim->run, "I8", "the log had %zu entries and has %llu", sim->model->leaves.count,
			 (unsigned long long)size);
	while (sim->model->leaves.count < size) {
		run_must(&sim->run, ledger_entry(&core_ledger_tables, txn, sim->model->leaves.count, &bytes), "entry");
		model_take(sim->model, bytes);
	}
	if (ledger_checkpoint(&core_ledger_tables, txn, &bytes) == ERR_OK)
		model_checkpoint(sim->model, bytes);
	store_end_read(&txn);
}

static void open_core(struct sim *sim, bool create)
{
	struct fault fault = {""};
	struct franchise *broker = &sim->franchise;

	run_must(&sim->run, store_open(FOLDER, &core_layout, create, &broker->store, &fault), "open the store");
	store_memory_set_full(broker->store, false);
	sim->is_full = false;
	enum err err = core_open(broker->store, &broker->keys, broker_now(sim), &broker->core, &fault);
	if (err == ERR_CLOCK) {
		sim->skew_ms = 0;
		err = core_open(broker->store, &broker->keys, broker_now(sim), &broker->core, &fault);
	}
	if (err != ERR_OK)
		run_fail(&sim->run, "I8", "the broker does not come up again: %s %s", error_text(err), fault.text);
	store_memory_set_rerun(broker->store, chance(sim, 30) ? 3 : 0);
}

void broker_new(struct sim *sim)
{
	struct franchise *broker = &sim->franchise;
	uint8_t seed[KEY_SIZE];

	random_fill(&sim->run.random, seed, sizeof(seed));
	run_must(&sim->run, secret_key_from_seed(slice_text(FRANCHISE_ORIGIN "/log"), seed, &broker->log), "log key");
	random_fill(&sim->run.random, broker->master, sizeof(broker->master));
	broker->keys = (struct core_keys){
		.log = &broker->log, .controller = sim->office.key.public, .master = broker->master, .epoch = 1};
	open_core(sim, true);
}

void message_free(struct message *message)
{
	free(message->data);
	message->data = NULL;
}

static void close_core(struct sim *sim)
{
	for (size_t i = 0; i < sim->waiting_count; i++) {
		prepared_free(&sim->waiting[i].prepared);
		message_free(&sim->waiting[i].message);
	}
	sim->waiting_count = 0;
	core_close(&sim->franchise.core);
	store_close(&sim->franchise.store);
}

void broker_close(struct sim *sim)
{
	close_core(sim);
	for (size_t i = 0; i < sim->queue_count; i++)
		message_free(&sim->queue[i]);
	for (size_t i = 0; i < sim->answer_count; i++)
		message_free(&sim->answers[i]);
	secret_key_fini(&sim->franchise.log);
}

/* What waited has no answer; what was on its way still is. */
void broker_crash(struct sim *sim)
{
	run_trace(&sim->run, "the broker dies with %zu waiting", sim->waiting_count);
	store_memory_crash_now(sim->franchise.store);
	close_core(sim);
	open_core(sim, false);
	show_model(sim);
	sim->counts[COUNT_CRASHES]++;
}

/* ---- answers ---- */

static void send_answer(struct sim *sim, const struct message *message, struct slice reply)
{
	if (sim->answer_count == QUEUE_MAX) /* lost */
		return;
	struct message *answer = &sim->answers[sim->answer_count++];
	*answer = (struct message){.client = message->client, .ticket = message->ticket, .length = reply.length};
	answer->data = run_take(reply.length + 1);
	if (reply.length > 0)
		memcpy(answer->data, reply.data, reply.length);
}

static void release(struct sim *sim, struct prepared **prepared, struct message *message)
{
	struct arena arena CLEANUP(arena_fini);
	Kluis__Reply *reply;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	run_must(&sim->run, WIRE_DECODE(Reply, reply, core_reply(*prepared), &arena, &reply), "reply");
	model_release(sim->model, reply, broker_now(sim), sim->durable);
	send_answer(sim, message, core_reply(*prepared));
	prepared_free(prepared);
	message_free(message);
}

/* ---- preparing and committing ---- */

void broker_prepare(struct sim *sim)
{
	struct prepared *prepared;

	if (sim->queue_count == 0 || sim->waiting_count == WAITING_MAX)
		return;
	sim->durable = sim->model->leaves.count;
	size_t i = sim->is_calm ? 0 : draw(sim, sim->queue_count);
	struct message message = sim->queue[i];
	memmove(&sim->queue[i], &sim->queue[i + 1], (sim->queue_count - i - 1) * sizeof(message));
	sim->queue_count--;
	run_must(&sim->run,
		 core_prepare(sim->franchise.core, SLICE(message.data, message.length), broker_now(sim), &prepared),
		 "prepare");
	if (prepared_needs_commit(prepared))
		sim->waiting[sim->waiting_count++] = (struct waiting){.prepared = prepared, .message = message};
	else
		release(sim, &prepared, &message);
}

static void shuffle(struct sim *sim)
{
	for (size_t i = sim->waiting_count; i > 1; i--) {
		size_t other = draw(sim, i);
		struct waiting kept = sim->waiting[i - 1];
		sim->waiting[i - 1] = sim->waiting[other];
		sim->waiting[other] = kept;
	}
}

static size_t take_batch(struct sim *sim, struct prepared *ret_batch[static BATCH_MAX])
{
	size_t count = sim->waiting_count;

	if (!sim->is_calm)
		shuffle(sim);
	if (count > BATCH_MAX)
		count = BATCH_MAX;
	if (!sim->is_calm && count > 1 && chance(sim, 30))
		count = 1 + draw(sim, count);
	for (size_t i = 0; i < count; i++)
		ret_batch[i] = sim->waiting[i].prepared;
	return count;
}

void broker_commit(struct sim *sim)
{
	struct prepared *batch[BATCH_MAX];
	size_t count = take_batch(sim, batch);

	if (count == 0)
		return;
	sim->durable = sim->model->leaves.count;
	enum err err = core_commit(sim->franchise.core, batch, count, broker_now(sim));
	if (err != ERR_OK && !(sim->is_full && err == ERR_DISK_FULL))
		run_fail(&sim->run, "core", "commit: %s", error_text(err));
	run_trace(&sim->run, "commits %zu: %s", count, error_text(err));
	show_model(sim);
	for (size_t i = 0; i < count; i++)
		release(sim, &sim->waiting[i].prepared, &sim->waiting[i].message);
	sim->waiting_count -= count;
	memmove(sim->waiting, sim->waiting + count, sim->waiting_count * sizeof(sim->waiting[0]));
	if (chance(sim, 40))
		broker_checkpoint(sim);
}

void broker_checkpoint(struct sim *sim)
{
	enum err err = core_checkpoint(sim->franchise.core);

	if (err != ERR_OK && !(sim->is_full && err == ERR_DISK_FULL))
		run_fail(&sim->run, "core", "checkpoint: %s", error_text(err));
	show_model(sim);
}

void broker_commit_and_die(struct sim *sim)
{
	static const enum store_memory_when whens[] = {STORE_MEMORY_BEFORE, STORE_MEMORY_IN, STORE_MEMORY_AFTER};
	struct prepared *batch[BATCH_MAX];

	store_memory_crash(sim->franchise.store, whens[draw(sim, 3)]);
	if (chance(sim, 20)) {
		enum err err = core_checkpoint(sim->franchise.core);
		(void)err; /* the machine is dead, or there was nothing to sign */
	} else {
		enum err err = core_commit(sim->franchise.core, batch, take_batch(sim, batch), broker_now(sim));
		(void)err;
	}
	broker_crash(sim);
}
