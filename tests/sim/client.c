/*
 * The lanes of those who ask: real sessions and real copies, over a simulated disk and a network whose answers come
 * later or never. A session's call therefore ends in ERR_TIMEOUT; resuming it either sends once more or, when an
 * answer has come, takes that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/checkpoint.h"
#include "sim.h"

#define TRIES 1
#define SETTLE_MAX 100

/* ---- the network and the disk of a lane ---- */

static enum err send_message(void *context, struct slice message, struct bytes *ret_reply)
{
	struct client *client = context;
	struct sim *sim = client->sim;

	if (client->is_feeding) {
		client->is_feeding = client->has_inbox = false;
		return bytes_append(ret_reply, bytes_slice(&client->inbox));
	}
	client->ticket = ++sim->tickets;
	if (sim->queue_count == QUEUE_MAX)
		return ERR_TIMEOUT;
	struct message *copy = &sim->queue[sim->queue_count++];
	*copy = (struct message){.client = (size_t)(client - sim->clients), .ticket = client->ticket};
	copy->data = run_take(message.length + 1);
	memcpy(copy->data, message.data, message.length);
	copy->length = message.length;
	return ERR_TIMEOUT;
}

static enum err load_lane(void *context, uint32_t lane, struct bytes *ret_state)
{
	struct client *client = context;

	(void)lane;
	return client->has_disk ? bytes_append(ret_state, bytes_slice(&client->disk)) : ERR_NOT_FOUND;
}

static enum err save_lane(void *context, uint32_t lane, struct slice state)
{
	struct client *client = context;
	unsigned fails = client->save_fails;

	(void)lane;
	client->save_fails = 0;
	if (fails == 1 && !client->sim->is_calm)
		return ERR_DISK_FULL;
	bytes_clear(&client->disk);
	TRY(bytes_append(&client->disk, state));
	client->has_disk = true;
	return fails == 2 && !client->sim->is_calm ? ERR_IO : ERR_OK;
}

static void open_lane(struct client *client)
{
	struct exchange exchange = {.context = client, .send = send_message};
	struct session_memory memory = {.context = client, .load = load_lane, .save = save_lane};
	struct fault fault = {""};

	if (session_open(&client->session, &client->actor->key, client->lane, exchange, memory, &fault) != ERR_OK)
		run_fail(&client->sim->run, "session", "%s", fault.text);
	client->is_open = true;
	client->has_inbox = client->is_feeding = false;
	client->ticket = 0; /* what still comes on connections of before the crash comes to nobody */
}

static void close_lane(struct client *client)
{
	client->session.is_unsaved = false;
	session_close(&client->session);
	client->is_open = false;
}

/* ---- setting up ---- */

static void actor_new(struct sim *sim, struct actor *actor, const char *name)
{
	uint8_t seed[KEY_SIZE];

	random_fill(&sim->run.random, seed, sizeof(seed));
	run_must(&sim->run, secret_key_from_seed(slice_text(name), seed, &actor->key), "key");
	random_fill(&sim->run.random, actor->sealing, sizeof(actor->sealing));
}

static void open_copy(struct sim *sim, struct actor *actor, bool create)
{
	struct fault fault = {""};

	if (store_open(actor->copy_folder, &replica_layout, create, &actor->copy.store, &fault) != ERR_OK)
		run_fail(&sim->run, "copy", "%s", fault.text);
	actor->copy.key = actor->sealing;
	actor->copy.keys = key_shelf_memory(&actor->shelf);
}

static void lane_new(struct sim *sim, struct actor *actor, uint32_t lane, size_t *count)
{
	struct client *client = &sim->clients[(*count)++];

	client->sim = sim;
	client->actor = actor;
	client->lane = lane;
	bytes_init(&client->disk, 2 * MESSAGE_MAX);
	bytes_init(&client->inbox, MESSAGE_MAX);
	open_lane(client);
}

void clients_new(struct sim *sim)
{
	char name[PRINCIPAL_MAX + 1];
	size_t count = 0;

	actor_new(sim, &sim->office, FRANCHISE_ORIGIN "/controller");
	for (uint32_t lane = 0; lane < OFFICE_LANES; lane++)
		lane_new(sim, &sim->office, lane, &count);
	for (uint32_t i = 0; i < STORES; i++) {
		struct actor *store = &sim->stores[i];
		store->store = 10 + 7 * i;
		snprintf(name, sizeof(name), "%s/store/%u", FRANCHISE_ORIGIN, store->store);
		actor_new(sim, store, name);
		snprintf(store->copy_folder, sizeof(store->copy_folder), "copy-%u", store->store);
		open_copy(sim, store, true);
		for (uint32_t lane = 0; lane < STORE_LANES; lane++)
			lane_new(sim, store, lane, &count);
	}
	actor_new(sim, &sim->auditor, FRANCHISE_ORIGIN "/auditor/court");
	lane_new(sim, &sim->auditor, 0, &count);
}

void clients_free(struct sim *sim)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		close_lane(&sim->clients[i]);
		bytes_fini(&sim->clients[i].disk);
		bytes_fini(&sim->clients[i].inbox);
	}
	for (size_t i = 0; i < STORES; i++) {
		store_close(&sim->stores[i].copy.store);
		secret_key_fini(&sim->stores[i].key);
	}
	secret_key_fini(&sim->office.key);
	secret_key_fini(&sim->auditor.key);
}

struct client *client_of(struct sim *sim, const struct actor *actor, uint32_t lane)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (sim->clients[i].actor == actor && sim->clients[i].lane == lane)
			return &sim->clients[i];
	run_fail(&sim->run, "sim", "no such lane");
}

size_t store_place(const struct sim *sim, const struct actor *actor)
{
	return (size_t)(actor - sim->stores);
}

void client_rekey(struct sim *sim, struct actor *actor, bool is_new_key)
{
	uint8_t seed[KEY_SIZE];
	char name[PRINCIPAL_MAX + 1];

	if (!is_new_key)
		return;
	memcpy(name, actor->key.public.name, sizeof(name));
	random_fill(&sim->run.random, seed, sizeof(seed));
	for (size_t i = 0; i < CLIENTS; i++)
		if (sim->clients[i].actor == actor)
			close_lane(&sim->clients[i]);
	secret_key_fini(&actor->key);
	run_must(&sim->run, secret_key_from_seed(slice_text(name), seed, &actor->key), "key");
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &sim->clients[i];
		if (client->actor != actor)
			continue;
		client->has_disk = client->is_sync = false;
		client->out_of_order = 0;
		open_lane(client);
	}
}

void client_crash(struct client *client)
{
	struct sim *sim = client->sim;
	struct actor *actor = client->actor;

	run_trace(&sim->run, "%s dies", actor->key.public.name);
	for (size_t i = 0; i < CLIENTS; i++)
		if (sim->clients[i].actor == actor) {
			close_lane(&sim->clients[i]);
			open_lane(&sim->clients[i]);
		}
	if (actor->copy.store == NULL)
		return;
	store_memory_crash_now(actor->copy.store);
	store_close(&actor->copy.store);
	open_copy(sim, actor, false);
}

/* ---- asking ---- */

const struct agreement_spec *client_agreement(struct sim *sim, struct actor *actor)
{
	const struct agreement_spec *spec;

	if (actor < sim->stores || actor >= sim->stores + STORES)
		return NULL;
	spec = sim->model->stores[store_place(sim, actor)].current.spec;
	if (spec != NULL && (sim->is_calm || !chance(sim, 5)))
		actor->agreement = spec;
	return actor->agreement;
}

/* After a call or a resumption: what it means. */
static void look_at(struct client *client, enum err err, const struct fault *fault)
{
	struct sim *sim = client->sim;

	if (err != ERR_OK && err != ERR_TIMEOUT)
		run_trace(&sim->run, "%s lane %u: %s %s", client->actor->key.public.name, client->lane, error_text(err),
			  fault->text);
	if (err == ERR_MISMATCH || err == ERR_CORRUPT || err == ERR_CRYPTO || err == ERR_INPUT ||
	    err == ERR_COMMITMENT || err == ERR_TOO_LARGE || err == ERR_MEMORY)
		run_fail(&sim->run, "I1", "%s lane %u: %s %s", client->actor->key.public.name, client->lane,
			 error_text(err), fault->text);
	if (err == ERR_OK)
		client->out_of_order = 0;
	if (err != ERR_SEQUENCE)
		return;
	if (++client->out_of_order > 10)
		run_fail(&sim->run, "I5", "%s lane %u cannot go on: %s", client->actor->key.public.name, client->lane,
			 fault->text);
}

static void tell_all(struct client *client, const struct action *actions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (actions[i].part != NULL)
			model_tell(client->sim->model, operation_commitment(actions[i].operation),
				   wire_slice(actions[i].part->content));
}

void client_send(struct client *client, const struct action *actions, size_t count, struct slice agreement,
		 struct slice employee)
{
	Kluis__Operation *operations[8];
	Kluis__Part *parts[8];
	struct slice papers[8];
	struct session_request request = {.agreement = agreement,
					  .employee = employee,
					  .operations = operations,
					  .operation_count = count,
					  .parts = parts,
					  .papers = papers,
					  .time_ms = client->sim->now_ms};
	struct session_answer answer;
	struct fault fault = {""};
	struct arena arena CLEANUP(arena_fini);

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	for (size_t i = 0; i < count; i++) {
		operations[i] = actions[i].operation;
		if (actions[i].part != NULL)
			parts[request.part_count++] = actions[i].part;
		if (actions[i].paper.length > 0)
			papers[request.paper_count++] = actions[i].paper;
	}
	tell_all(client, actions, count);
	client->is_sync = false;
	enum err err = session_call(&client->session, &request, TRIES, &arena, &answer, &fault);
	look_at(client, err, &fault);
	arena_reset(&client->sim->franchise.arena);
}

/* As the broker gives it; what a crash left of a copy is purged first. */
static void have_lease(struct client *client)
{
	const struct replica *copy = &client->actor->copy;
	struct sim *sim = client->sim;
	struct replica_lease lease;
	uint64_t customers;
	bool is_stale;

	run_must(&sim->run, replica_is_stale(copy, client->purpose, &is_stale), "stale");
	if (is_stale)
		run_must(&sim->run, replica_purge(copy, client->purpose, &customers), "purge");
	if (replica_lease(copy, client->purpose, &lease) == ERR_NOT_FOUND)
		run_must(&sim->run,
			 replica_set_lease(copy, client->purpose, UINT64_MAX, sim->now_ms,
					   SLICE_ARRAY(client->actor->sealing)),
			 "lease");
}

/* Now or at the answer the disk may fail under the copy. */
static void sync_now(struct client *client)
{
	struct sim *sim = client->sim;
	static const enum store_memory_when whens[] = {STORE_MEMORY_BEFORE, STORE_MEMORY_IN, STORE_MEMORY_AFTER};
	const struct agreement_spec *spec = client_agreement(sim, client->actor);
	struct fault fault = {""};

	if (spec == NULL)
		return;
	struct sync sync = {.session = &client->session,
			    .replica = &client->actor->copy,
			    .charter = &spec->charter->parsed,
			    .agreement = &spec->parsed,
			    .tries = TRIES};
	have_lease(client);
	bool dies = !sim->is_calm && chance(sim, 8);
	if (dies)
		store_memory_crash(client->actor->copy.store, whens[draw(sim, 3)]);
	client->is_sync = true;
	client->outcome = (struct sync_outcome){.written = 0};
	enum err err = sync_page(&sync, client->purpose, sim->now_ms, &client->outcome, &fault);
	client->has_page = err == ERR_OK;
	look_at(client, err, &fault);
	if (dies)
		client_crash(client);
}

void client_sync(struct client *client, const char *purpose)
{
	client->purpose = purpose;
	sync_now(client);
}

/* ---- answers ---- */

static void check_values(struct client *client, const Kluis__Reply *reply, const struct entry *entry)
{
	struct sim *sim = client->sim;
	size_t used = 0;

	if (reply->personal == NULL)
		return;
	for (size_t i = 0; i < entry->decoded->n_results; i++)
		for (size_t j = 0; j < entry->decoded->results[i]->n_disclosures; j++) {
			const Kluis__Disclosure *disclosure = entry->decoded->results[i]->disclosures[j];
			if (!disclosure->has_commitment)
				continue;
			if (used >= reply->personal->n_parts)
				run_fail(&sim->run, "I1", "fewer values than disclosures");
			model_disclosed(sim->model, entry, disclosure,
					wire_slice(reply->personal->parts[used++]->content));
		}
	if (used != reply->personal->n_parts)
		run_fail(&sim->run, "I1", "more values than disclosures");
}

/* Checkpoints and entries that are shown must be those of the one log. */
static void check_data(struct client *client, const Kluis__Reply *reply, const struct entry *entry)
{
	struct model *model = client->sim->model;
	size_t place = 0;

	for (size_t i = 0; i < entry->request->n_operations && place < reply->n_data; i++) {
		const Kluis__Operation *operation = entry->request->operations[i];
		if (!operation_row(operation->kind_case)->answers_data)
			continue;
		const Kluis__Data *data = reply->data[place++];
		if (operation->kind_case == KLUIS__OPERATION__KIND_GET_CHECKPOINT && data->n_items == 1)
			model_checkpoint(model, wire_slice(data->items[0]));
		for (size_t j = 0; operation->kind_case == KLUIS__OPERATION__KIND_READ_LOG && j < data->n_items; j++) {
			struct hash leaf;
			merkle_leaf(wire_slice(data->items[j]), &leaf);
			if (memcmp(&leaf, &model->leaves.items[operation->read_log->from + j], sizeof(leaf)) != 0)
				run_fail(&client->sim->run, "I3", "entry %zu was shown otherwise",
					 (size_t)operation->read_log->from + j);
		}
		if (operation->kind_case == KLUIS__OPERATION__KIND_PROVE && data->n_items == 1) {
			struct checkpoint checkpoint;
			struct fault fault = {""};
			uint64_t index;
			if (tlog_proof_verify(wire_slice(data->items[0]), &model->leaves.items[operation->prove->index],
					      &client->sim->franchise.log.public, &index, &checkpoint,
					      &fault) != ERR_OK ||
			    index != operation->prove->index)
				run_fail(&client->sim->run, "I3", "a proof does not verify: %s", fault.text);
		}
	}
}

/* I1, before the session itself looks at it. */
static void check_answer(struct client *client)
{
	struct arena arena CLEANUP(arena_fini);
	struct model *model = client->sim->model;
	struct fault fault = {""};
	struct entry entry;
	Kluis__Reply *reply;

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	run_must(&client->sim->run, WIRE_DECODE(Reply, reply, bytes_slice(&client->inbox), &arena, &reply), "reply");
	if (!reply->has_entry)
		return;
	run_must(&client->sim->run, entry_open(wire_slice(reply->entry), &arena, &entry, &fault), fault.text);
	if (reply->index >= model->leaves.count ||
	    memcmp(&entry.leaf, &model->leaves.items[reply->index], sizeof(entry.leaf)) != 0)
		run_fail(&client->sim->run, "I1", "received entry %llu, which the log does not have",
			 (unsigned long long)reply->index);
	*LIST_ADD(&client->sim->received) = (struct received){.index = reply->index, .leaf = entry.leaf};
	check_values(client, reply, &entry);
	check_data(client, reply, &entry);
}

void client_take(struct client *client)
{
	struct session_answer answer;
	struct fault fault = {""};
	struct arena arena CLEANUP(arena_fini);

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	check_answer(client);
	client->is_feeding = true;
	if (client->is_sync) {
		sync_now(client);
	} else {
		enum err err = session_resume(&client->session, TRIES, &arena, &answer, &fault);
		look_at(client, err, &fault);
	}
	client->is_feeding = client->has_inbox = false;
}

void client_again(struct client *client)
{
	struct session_answer answer;
	struct fault fault = {""};
	struct arena arena CLEANUP(arena_fini);

	arena_init(&arena, 2 * REQUEST_ARENA_MAX);
	enum err err = session_resume(&client->session, TRIES, &arena, &answer, &fault);
	client->sim->counts[COUNT_AGAIN]++;
	look_at(client, err, &fault);
}

void client_deliver(struct sim *sim, size_t i)
{
	struct message answer = sim->answers[i];
	struct client *client = &sim->clients[answer.client];

	sim->answers[i] = sim->answers[--sim->answer_count];
	if (client->ticket == answer.ticket && client->session.has_pending) {
		bytes_clear(&client->inbox);
		run_must(&sim->run, bytes_append(&client->inbox, SLICE(answer.data, answer.length)), "inbox");
		client->has_inbox = true;
		client_take(client);
	}
	message_free(&answer);
}

void client_settle(struct client *client)
{
	struct sim *sim = client->sim;

	for (unsigned i = 0; client->session.has_pending; i++) {
		if (i == SETTLE_MAX)
			run_fail(&sim->run, "I8", "%s lane %u gets no answer", client->actor->key.public.name,
				 client->lane);
		/* a page that is refused without an entry is asked for anew, again and again: at last let it go */
		if (i == SETTLE_MAX / 2)
			client->is_sync = false;
		client_again(client);
		while (sim->queue_count > 0 || sim->waiting_count > 0) {
			broker_prepare(sim);
			broker_commit(sim);
		}
		while (sim->answer_count > 0)
			client_deliver(sim, 0);
	}
}
