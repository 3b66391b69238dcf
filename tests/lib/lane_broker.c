#include "lane_broker.h"

#include <stdlib.h>
#include <string.h>

#include "kluis/merkle.h"

/* A test's world does not run out of memory; if it does, there is nothing to test. */
static void must(enum err err)
{
	if (err != ERR_OK)
		abort();
}

static void replace(struct bytes *bytes, struct slice slice)
{
	bytes_clear(bytes);
	must(bytes_append(bytes, slice));
}

void lane_broker_init(struct lane_broker *broker, const struct secret_key *key)
{
	memset(broker, 0, sizeof(*broker));
	broker->key = key;
	bytes_init(&broker->request, MESSAGE_MAX);
	bytes_init(&broker->reply, MESSAGE_MAX);
	bytes_init(&broker->delayed, MESSAGE_MAX);
	bytes_init(&broker->disk, 2 * MESSAGE_MAX);
}

void lane_broker_fini(struct lane_broker *broker)
{
	bytes_fini(&broker->request);
	bytes_fini(&broker->reply);
	bytes_fini(&broker->delayed);
	bytes_fini(&broker->disk);
}

bool lane_broker_has_executed(const struct lane_broker *broker, uint64_t number)
{
	for (size_t i = 0; i < broker->executed_count; i++) {
		if (broker->executed[i] == number)
			return true;
	}
	return false;
}

static void refuse(enum err code, uint64_t expected, struct bytes *ret_reply)
{
	char text[] = "as the test says";
	Kluis__Reply reply = KLUIS__REPLY__INIT;
	reply.code = code;
	reply.text = text;
	reply.has_expected = expected > 0;
	reply.expected = expected;
	must(wire_encode(&reply.base, ret_reply));
}

static void execute(struct lane_broker *broker, const struct envelope *envelope)
{
	for (size_t i = 0; i < envelope->decoded->n_operations; i++) {
		struct slice customer = wire_slice(envelope->decoded->operations[i]->restriction->customer);
		if (broker->executed_count == LANE_BROKER_EXECUTED_MAX)
			abort();
		broker->executed[broker->executed_count++] = get_u64(customer.data);
	}
}

/* Appends the reply with its entry. */
static void enter(struct lane_broker *broker, const struct envelope *envelope, enum err code, struct bytes *ret_reply)
{
	Kluis__Result result = KLUIS__RESULT__INIT;
	Kluis__Result *results[] = {&result};
	Kluis__Entry entry = KLUIS__ENTRY__INIT;
	entry.time_ms = 1;
	entry.request = wire_data(envelope->request);
	entry.signature = wire_data(envelope->signature);
	entry.code = code;
	entry.n_results = code == ERR_OK ? 1 : 0;
	entry.results = results;
	CLEANUP(bytes_fini) struct bytes leaf;
	bytes_init(&leaf, ENTRY_MAX);
	must(entry_encode(&entry, &leaf));
	merkle_leaf(bytes_slice(&leaf), &broker->leaf);
	broker->index = broker->entries++;

	Kluis__Reply reply = KLUIS__REPLY__INIT;
	reply.code = code;
	reply.has_index = true;
	reply.index = broker->index;
	reply.has_entry = true;
	reply.entry = wire_data(bytes_slice(&leaf));
	must(wire_encode(&reply.base, ret_reply));
}

/* R35 */
static bool acknowledges_well(const struct lane_broker *broker, const Kluis__Request *request)
{
	if (broker->sequence == 0)
		return request->acknowledgement == NULL;
	return request->acknowledgement != NULL && request->acknowledgement->index == broker->index &&
	       slice_equal(wire_slice(request->acknowledgement->leaf), SLICE_ARRAY(broker->leaf.bytes));
}

static void serve(struct lane_broker *broker, struct slice message, enum err refusal, struct bytes *ret_reply)
{
	CLEANUP(arena_fini) struct arena arena;
	arena_init(&arena, REQUEST_ARENA_MAX);
	struct envelope envelope;
	must(envelope_open(message, &arena, &envelope, NULL));
	must(envelope_verify(&envelope, broker->key->public.key));
	uint64_t sequence = envelope.decoded->sequence;
	if (sequence == broker->sequence && slice_equal(envelope.request, bytes_slice(&broker->request))) {
		must(bytes_append(ret_reply, bytes_slice(&broker->reply)));
		return;
	}
	if (sequence == broker->sequence) {
		broker->reused++;
		enter(broker, &envelope, ERR_REUSED, ret_reply);
		return;
	}
	if (sequence != broker->sequence + 1) {
		refuse(ERR_SEQUENCE, broker->sequence + 1, ret_reply);
		return;
	}
	broker->bad_acknowledgements += !acknowledges_well(broker, envelope.decoded);
	if (refusal == ERR_OK)
		execute(broker, &envelope);
	enter(broker, &envelope, refusal, ret_reply);
	broker->sequence = sequence;
	replace(&broker->request, envelope.request);
	replace(&broker->reply, bytes_slice(ret_reply));
}

static void deliver_delayed(struct lane_broker *broker)
{
	if (broker->is_slow)
		return;
	CLEANUP(bytes_fini) struct bytes nobody;
	bytes_init(&nobody, MESSAGE_MAX);
	if (broker->delayed.length > 0)
		serve(broker, bytes_slice(&broker->delayed), ERR_OK, &nobody);
	bytes_clear(&broker->delayed);
}

/* A well-formed answer whose entry holds a request that nobody sent. */
static void answer_about_another(struct lane_broker *broker, struct slice message, struct bytes *ret_reply)
{
	CLEANUP(arena_fini) struct arena arena;
	arena_init(&arena, REQUEST_ARENA_MAX);
	struct envelope envelope;
	must(envelope_open(message, &arena, &envelope, NULL));
	const struct hash leaf = broker->leaf;
	const uint64_t index = broker->index;
	uint8_t *signature = arena_copy(&arena, envelope.signature);
	signature[0] ^= 1;
	envelope.signature = SLICE(signature, SIGNATURE_SIZE);
	bytes_clear(ret_reply);
	enter(broker, &envelope, ERR_OK, ret_reply);
	/* It was never written. */
	broker->entries--;
	broker->index = index;
	broker->leaf = leaf;
}

/* R34 comes first: what was executed is answered, not refused. */
static bool was_executed(const struct lane_broker *broker, struct slice message)
{
	CLEANUP(arena_fini) struct arena arena;
	arena_init(&arena, REQUEST_ARENA_MAX);
	struct envelope envelope;
	must(envelope_open(message, &arena, &envelope, NULL));
	return slice_equal(envelope.request, bytes_slice(&broker->request));
}

static enum lane_fate next_fate(struct lane_broker *broker)
{
	if (broker->random != NULL)
		return random_below(broker->random, 3) > 0 ? FATE_DELIVERED
							   : (enum lane_fate)random_below(broker->random, FATE_GARBLED);
	return broker->received < broker->fate_count ? broker->fates[broker->received] : FATE_DELIVERED;
}

static enum err send_message(void *context, struct slice message, struct bytes *ret_reply)
{
	struct lane_broker *broker = context;
	enum lane_fate fate = next_fate(broker);
	broker->received++;
	deliver_delayed(broker);
	CLEANUP(bytes_fini) struct bytes reply;
	bytes_init(&reply, MESSAGE_MAX);
	if (fate == FATE_REQUEST_LOST)
		return ERR_NETWORK;
	if (fate == FATE_DELAYED) {
		replace(&broker->delayed, message);
		return ERR_TIMEOUT;
	}
	if (fate == FATE_BUSY || (fate == FATE_REFUSED && !was_executed(broker, message))) {
		refuse(fate == FATE_BUSY ? ERR_BUSY : ERR_PRINCIPAL, 0, ret_reply);
		return ERR_OK;
	}
	serve(broker, message, fate == FATE_REFUSED_ENTRY ? ERR_SUSPENDED : ERR_OK, &reply);
	if (fate == FATE_REPLY_LOST)
		return ERR_TIMEOUT;
	if (fate == FATE_TWICE) {
		bytes_clear(&reply);
		serve(broker, message, ERR_OK, &reply);
	}
	if (fate == FATE_GARBLED)
		reply.length /= 2;
	if (fate == FATE_FOREIGN)
		answer_about_another(broker, message, &reply);
	return bytes_append(ret_reply, bytes_slice(&reply));
}

static void pause_a_little(void *context, unsigned attempt)
{
	struct lane_broker *broker = context;
	(void)attempt;
	broker->pauses++;
}

struct exchange lane_broker_exchange(struct lane_broker *broker)
{
	return (struct exchange){.context = broker, .send = send_message, .pause = pause_a_little};
}

static enum err load_disk(void *context, uint32_t lane, struct bytes *ret_state)
{
	struct lane_broker *broker = context;
	(void)lane;
	return broker->has_disk ? bytes_append(ret_state, bytes_slice(&broker->disk)) : ERR_NOT_FOUND;
}

static enum err save_disk(void *context, uint32_t lane, struct slice state)
{
	struct lane_broker *broker = context;
	(void)lane;
	if (broker->save_err != ERR_OK)
		return broker->save_err;
	replace(&broker->disk, state);
	broker->has_disk = true;
	broker->saves++;
	return ERR_OK;
}

struct session_memory lane_broker_memory(struct lane_broker *broker)
{
	return (struct session_memory){.context = broker, .load = load_disk, .save = save_disk};
}

const struct session_request *lane_request_init(struct lane_request *request, uint64_t number)
{
	memset(request, 0, sizeof(*request));
	put_u64(request->customer, number);
	kluis__restriction__init(&request->restriction);
	request->restriction.customer = wire_data(SLICE_ARRAY(request->customer));
	request->restriction.is_restricted = true;
	kluis__operation__init(&request->operation);
	request->operation.kind_case = KLUIS__OPERATION__KIND_RESTRICTION;
	request->operation.restriction = &request->restriction;
	request->operations[0] = &request->operation;
	request->request.operations = request->operations;
	request->request.operation_count = 1;
	request->request.time_ms = 1;
	return &request->request;
}
