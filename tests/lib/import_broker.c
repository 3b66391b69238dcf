#include "import_broker.h"

#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/hash.h"

static void must(enum err code)
{
	if (code != ERR_OK)
		abort();
}

struct import_broker *import_broker_new(const struct secret_key *key)
{
	struct import_broker *broker = calloc(1, sizeof(*broker));

	if (!broker)
		abort();
	broker->key = key;
	bytes_init(&broker->text, 1 << 24);
	bytes_init(&broker->request, MESSAGE_MAX);
	bytes_init(&broker->reply, MESSAGE_MAX);
	bytes_init(&broker->disk, 2 * MESSAGE_MAX);
	return broker;
}

void import_broker_free(struct import_broker **broker)
{
	bytes_fini(&(*broker)->text);
	bytes_fini(&(*broker)->request);
	bytes_fini(&(*broker)->reply);
	bytes_fini(&(*broker)->disk);
	free(*broker);
	*broker = NULL;
}

/* Where an id is, or a free place; open addressing by its first bytes, which are random. */
static size_t place_of(const struct import_broker *broker, const uint8_t *id)
{
	static const uint8_t none[PSEUDONYM_SIZE];
	size_t place = get_u32(id) % IMPORT_BROKER_IDS;

	while (memcmp(broker->ids[place], none, PSEUDONYM_SIZE) != 0 &&
	       memcmp(broker->ids[place], id, PSEUDONYM_SIZE) != 0)
		place = (place + 1) % IMPORT_BROKER_IDS;
	return place;
}

/* Remembers an id with its content: ERR_EXISTS for another content, is_unchanged for the same. */
static enum err remember(struct import_broker *broker, const uint8_t *id, struct slice content, bool *ret_is_unchanged)
{
	size_t place = place_of(broker, id);
	uint8_t hash[HASH_SIZE];
	bool is_there = memcmp(broker->ids[place], id, PSEUDONYM_SIZE) == 0;

	sha256(content, hash);
	if (is_there && broker->contents[place] != get_u32(hash))
		return ERR_EXISTS;
	*ret_is_unchanged = is_there;
	if (!is_there && broker->id_count++ > IMPORT_BROKER_IDS / 2)
		abort();
	memcpy(broker->ids[place], id, PSEUDONYM_SIZE);
	broker->contents[place] = get_u32(hash);
	return ERR_OK;
}

static void *decode(const ProtobufCMessageDescriptor *type, ProtobufCBinaryData data, struct arena *arena)
{
	ProtobufCMessage *message = NULL;

	must(wire_decode(type, wire_slice(data), arena, &message));
	return message;
}

static enum err take_receipt(struct import_broker *broker, const Kluis__Receipt *receipt, const Kluis__Part *part,
			     struct arena *arena, bool *ret_is_unchanged)
{
	const Kluis__ReceiptContent *content = decode(&kluis__receipt_content__descriptor, part->content, arena);
	int year = 0, month = 0, day = 0;

	if (broker->store_limit && receipt->store > broker->store_limit)
		return ERR_STORE;
	if (broker->customer_limit && strtoull(content->customer->value, NULL, 10) > broker->customer_limit)
		return ERR_NOT_FOUND;
	TRY(remember(broker, receipt->id.data, wire_slice(part->content), ret_is_unchanged));
	if (*ret_is_unchanged)
		return ERR_OK;
	date_split(receipt->day, &year, &month, &day);
	year = year > IMPORT_BROKER_YEAR ? 1 : 0;
	struct import_sums *sums = &broker->sums[receipt->store % 25][year];
	sums->receipts++;
	sums->lines += content->n_lines;
	for (size_t i = 0; i < content->n_lines; i++) {
		sums->units += content->lines[i]->units;
		sums->amount += content->lines[i]->amount;
		sums->cost += content->lines[i]->cost;
	}
	return ERR_OK;
}

/* The identifier is the first field of every charter in the tests. */
static enum err take_registration(struct import_broker *broker, const Kluis__Registration *registration,
				  const Kluis__Part *part, struct arena *arena, bool *ret_is_unchanged)
{
	const Kluis__Values *values = decode(&kluis__values__descriptor, part->content, arena);
	uint8_t id[HASH_SIZE];

	if (values->n_values == 0 || values->values[0]->field != 1)
		return ERR_FIELD;
	sha256(slice_text(values->values[0]->value), id);
	TRY(remember(broker, id, wire_slice(part->content), ret_is_unchanged));
	if (*ret_is_unchanged)
		return ERR_OK;
	broker->customers++;
	for (size_t i = 0; i < values->n_values; i++)
		must(bytes_printf(&broker->text, "%s%u=%s", i ? "|" : "", values->values[i]->field,
				  values->values[i]->value));
	if (registration->has_store)
		must(bytes_printf(&broker->text, ";store %u", registration->store));
	if (registration->has_day)
		must(bytes_printf(&broker->text, ";day %d", registration->day));
	for (size_t i = 0; i < registration->n_consents; i++)
		must(bytes_printf(&broker->text, ";%s:%u", registration->consents[i]->purpose,
				  registration->consents[i]->status));
	must(bytes_printf(&broker->text, "\n"));
	return ERR_OK;
}

static enum err take_progress(struct import_broker *broker, const Kluis__Progress *progress, Kluis__Result *result)
{
	size_t i = 0;

	while (i < broker->import_count &&
	       !slice_equal(SLICE_ARRAY(broker->imports[i].import), wire_slice(progress->import)))
		i++;
	if (i == broker->import_count) {
		if (broker->import_count++ == IMPORT_BROKER_IMPORTS)
			abort();
		memcpy(broker->imports[i].import, progress->import.data, HASH_SIZE);
	}
	if (progress->has_rows && progress->rows < broker->imports[i].rows)
		return ERR_STATE;
	if (progress->has_rows) {
		broker->imports[i].rows = progress->rows;
		broker->imports[i].is_done = progress->is_done;
	}
	result->has_rows = true;
	result->rows = broker->imports[i].rows;
	result->has_is_done = true;
	result->is_done = broker->imports[i].is_done;
	return ERR_OK;
}

static enum err take_store(struct import_broker *broker, const Kluis__OpenStore *store)
{
	broker->stores++;
	must(bytes_printf(&broker->text, "%u %s %s\n", store->store, store->name, store->country));
	return ERR_OK;
}

static void execute(struct import_broker *broker, const struct envelope *envelope, struct arena *arena,
		    Kluis__Result *results)
{
	size_t part = 0;

	for (size_t i = 0; i < envelope->decoded->n_operations; i++) {
		const Kluis__Operation *operation = envelope->decoded->operations[i];
		Kluis__Result *result = &results[i];
		bool is_unchanged = false;
		enum err code = ERR_FORBIDDEN;

		kluis__result__init(result);
		if (operation->kind_case == KLUIS__OPERATION__KIND_RECEIPT)
			code = take_receipt(broker, operation->receipt, envelope->parts[part++], arena, &is_unchanged);
		if (operation->kind_case == KLUIS__OPERATION__KIND_REGISTRATION)
			code = take_registration(broker, operation->registration, envelope->parts[part++], arena,
						 &is_unchanged);
		if (operation->kind_case == KLUIS__OPERATION__KIND_OPEN_STORE)
			code = take_store(broker, operation->open_store);
		if (operation->kind_case == KLUIS__OPERATION__KIND_PROGRESS)
			code = take_progress(broker, operation->progress, result);
		result->code = code;
		result->has_is_unchanged = is_unchanged;
		result->is_unchanged = is_unchanged;
		broker->unchanged += is_unchanged;
	}
}

static void serve(struct import_broker *broker, struct slice message, struct bytes *ret_reply)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes leaf CLEANUP(bytes_fini);
	struct envelope envelope;
	Kluis__Entry entry = KLUIS__ENTRY__INIT;
	Kluis__Reply reply = KLUIS__REPLY__INIT;

	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&leaf, ENTRY_MAX);
	must(envelope_open(message, &arena, &envelope, NULL));
	must(envelope_verify(&envelope, broker->key->public.key));
	if (slice_equal(envelope.request, bytes_slice(&broker->request))) { /* R34: the same reply again */
		must(bytes_append(ret_reply, bytes_slice(&broker->reply)));
		return;
	}
	size_t count = envelope.decoded->n_operations;
	Kluis__Result *results = arena_array(&arena, count, sizeof(*results));
	entry.results = arena_array(&arena, count, sizeof(*entry.results));
	if (!results || !entry.results)
		abort();
	execute(broker, &envelope, &arena, results);
	for (size_t i = 0; i < count; i++)
		entry.results[i] = &results[i];
	entry.n_results = count;
	entry.time_ms = 1;
	entry.request = wire_data(envelope.request);
	entry.signature = wire_data(envelope.signature);
	must(entry_encode(&entry, &leaf));
	reply.has_index = true;
	reply.index = broker->envelopes++;
	reply.has_entry = true;
	reply.entry = wire_data(bytes_slice(&leaf));
	broker->operations_most = count > broker->operations_most ? count : broker->operations_most;
	broker->message_most = message.length > broker->message_most ? message.length : broker->message_most;
	bytes_clear(&broker->request);
	bytes_clear(&broker->reply);
	must(bytes_append(&broker->request, envelope.request));
	must(wire_encode(&reply.base, &broker->reply));
	must(bytes_append(ret_reply, bytes_slice(&broker->reply)));
}

static enum err send_message(void *context, struct slice message, struct bytes *ret_reply)
{
	struct import_broker *broker = context;
	struct bytes reply CLEANUP(bytes_fini);
	unsigned number = ++broker->received;

	bytes_init(&reply, MESSAGE_MAX);
	if ((broker->lose_request_at && number >= broker->lose_request_at) ||
	    (broker->lose_reply_at && number > broker->lose_reply_at))
		return ERR_NETWORK;
	serve(broker, message, &reply);
	return number == broker->lose_reply_at ? ERR_TIMEOUT : bytes_append(ret_reply, bytes_slice(&reply));
}

struct exchange import_broker_exchange(struct import_broker *broker)
{
	return (struct exchange){.context = broker, .send = send_message};
}

static enum err load_disk(void *context, uint32_t lane, struct bytes *ret_state)
{
	struct import_broker *broker = context;

	(void)lane;
	return broker->has_disk ? bytes_append(ret_state, bytes_slice(&broker->disk)) : ERR_NOT_FOUND;
}

static enum err save_disk(void *context, uint32_t lane, struct slice state)
{
	struct import_broker *broker = context;

	(void)lane;
	bytes_clear(&broker->disk);
	must(bytes_append(&broker->disk, state));
	broker->has_disk = true;
	return ERR_OK;
}

struct session_memory import_broker_memory(struct import_broker *broker)
{
	return (struct session_memory){.context = broker, .load = load_disk, .save = save_disk};
}
