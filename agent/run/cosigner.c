#include "run/cosigner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alarm.h"
#include "home.h"
#include "kluis/checkpoint.h"
#include "kluis/envelope.h"
#include "kluis/hash.h"
#include "replica.h"
#include "sealed_row.h"

/*
 * What was cosigned last, in the table META: u64 size || root || u8 whether the broker has it || the note. Written
 * before a cosignature leaves, so that no crash makes the store sign two histories.
 */
#define STATE_KEY "cosigned"
#define REPORTED_KEY "cosigner-reported" /* root of the last checkpoint that head office was told about */
#define STATE_MAX (PAPER_MAX + 64)
#define INCIDENT_TAMPERING 5

struct state {
	uint64_t size;
	struct hash root;
	bool is_sent;
	struct bytes note;
};

static void state_fini(struct state *state)
{
	bytes_fini(&state->note);
}

static enum err load(const struct shop *shop, struct state *ret_state)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct bytes row CLEANUP(bytes_fini) = {0};

	bytes_init(&ret_state->note, PAPER_MAX);
	bytes_init(&row, STATE_MAX);
	TRY(store_begin_read(shop->store, &txn));
	enum err err = sealed_row_get(txn, shop->replica.key, slice_text(STATE_KEY), &row);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	struct reader reader = reader_of(bytes_slice(&row));
	ret_state->size = reader_u64(&reader);
	struct slice root = reader_take(&reader, HASH_SIZE);
	ret_state->is_sent = reader_u8(&reader) == 1;
	if (reader.is_short)
		return ERR_CORRUPT;
	memcpy(ret_state->root.bytes, root.data, HASH_SIZE);
	return bytes_append(&ret_state->note, reader.rest);
}

struct row {
	const uint8_t *key;
	const char *name;
	struct slice value;
};

static enum err put_row(struct store_txn *txn, void *context)
{
	const struct row *row = context;

	return sealed_row_put(txn, row->key, slice_text(row->name), row->value);
}

static enum err save(const struct shop *shop, const struct checkpoint *checkpoint, struct slice note, bool is_sent)
{
	struct bytes value CLEANUP(bytes_fini) = {0};

	bytes_init(&value, STATE_MAX);
	TRY(bytes_append_u64(&value, checkpoint->size));
	TRY(bytes_append(&value, SLICE_ARRAY(checkpoint->root.bytes)));
	TRY(bytes_append_u8(&value, is_sent));
	TRY(bytes_append(&value, note));
	struct row row = {.key = shop->replica.key, .name = STATE_KEY, .value = bytes_slice(&value)};
	return store_update(shop->store, put_row, &row);
}

/* ---- the round ---- */

struct round {
	struct slice note, text, proof;
	struct checkpoint checkpoint;
};

static enum err ask(const struct cosigner_options *options, Kluis__Operation *operation, struct arena *arena,
		    const Kluis__Reply **ret_reply, enum err *ret_code, struct fault *fault)
{
	return session_ask(options->shop->key, options->exchange, LANE_SYNC, operation, shop_now_ms(options->shop),
			   arena, ret_reply, ret_code, fault);
}

/* Each of the log's keys in force signs each checkpoint (R141). */
static enum err open_round(const struct cosigner_options *options, struct arena *arena, struct round *round,
			   struct fault *fault)
{
	struct note *note = arena_alloc(arena, sizeof *note); /* too large for a frame */

	if (note == NULL)
		return ERR_MEMORY;
	TRY(note_parse(round->note, arena, note, fault));
	round->text = note->text;
	for (size_t i = 0; i < options->log_count; i++)
		TRY(checkpoint_open(round->note, &options->logs[i], &round->checkpoint, fault));
	return options->log_count > 0 ? ERR_OK : ERR_SIGNATURE;
}

static enum err get_round(const struct cosigner_options *options, uint64_t old_size, struct arena *arena,
			  struct round *ret_round, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetRound get = KLUIS__GET_ROUND__INIT;
	const Kluis__Reply *reply;
	enum err code;

	get.old_size = old_size;
	operation.kind_case = KLUIS__OPERATION__KIND_GET_ROUND;
	operation.get_round = &get;
	TRY(ask(options, &operation, arena, &reply, &code, fault));
	if (code != ERR_OK)
		return code;
	if (reply->data[0]->n_items != 2)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no round to cosign");
	ret_round->note = wire_slice(reply->data[0]->items[0]);
	ret_round->proof = wire_slice(reply->data[0]->items[1]);
	return open_round(options, arena, ret_round, fault);
}

static enum err check_consistency(const struct state *state, const struct round *round)
{
	struct merkle_proof proof = {.count = round->proof.length / HASH_SIZE};

	if (state->size == 0) /* nothing was cosigned yet */
		return ERR_OK;
	if (round->checkpoint.size < state->size)
		return ERR_INCONSISTENT;
	if (round->checkpoint.size == state->size)
		return slice_equal(SLICE_ARRAY(round->checkpoint.root.bytes), SLICE_ARRAY(state->root.bytes))
			       ? ERR_OK
			       : ERR_INCONSISTENT;
	if (round->proof.length % HASH_SIZE != 0 || proof.count > MERKLE_PROOF_MAX)
		return ERR_INCONSISTENT;
	if (proof.count > 0)
		memcpy(proof.hashes, round->proof.data, round->proof.length);
	return merkle_verify_consistency(state->size, round->checkpoint.size, &state->root, &round->checkpoint.root,
					 &proof) == ERR_OK
		       ? ERR_OK
		       : ERR_INCONSISTENT;
}

/* ---- another history ---- */

static bool is_reported(const struct shop *shop, const struct hash *root)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct bytes row CLEANUP(bytes_fini) = {0};

	bytes_init(&row, HASH_SIZE);
	return store_begin_read(shop->store, &txn) == ERR_OK &&
	       sealed_row_get(txn, shop->replica.key, slice_text(REPORTED_KEY), &row) == ERR_OK &&
	       slice_equal(bytes_slice(&row), SLICE_ARRAY(root->bytes));
}

static enum err add_incident(struct shop *shop, char *text, struct arena *arena)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Incident incident = KLUIS__INCIDENT__INIT;
	Kluis__NoticeContent content = KLUIS__NOTICE_CONTENT__INIT;
	Kluis__Part *part;
	uint8_t id[PSEUDONYM_SIZE];
	uint64_t number;

	random_bytes(id, sizeof id);
	content.text = text;
	TRY(part_make(&content.base, arena, &part, &incident.commitment));
	incident.id = wire_data(SLICE_ARRAY(id));
	incident.kind = INCIDENT_TAMPERING;
	operation.kind_case = KLUIS__OPERATION__KIND_INCIDENT;
	operation.incident = &incident;
	return outbox_add(shop->outbox, &operation, part, SLICE_EMPTY, shop_now_ms(shop), &number);
}

/* Head office hears it too, once for each such checkpoint: the person who reads it may not be who did it. */
static enum err report(const struct cosigner_options *options, const struct round *round, char *text,
		       struct arena *arena)
{
	struct shop *shop = options->shop;
	struct row row = {
		.key = shop->replica.key, .name = REPORTED_KEY, .value = SLICE_ARRAY(round->checkpoint.root.bytes)};

	if (is_reported(shop, &round->checkpoint.root))
		return ERR_OK;
	TRY(add_incident(options->shop, text, arena));
	return store_update(shop->store, put_row, &row);
}

static enum err refuse(const struct cosigner_options *options, const struct state *state, const struct round *round,
		       struct arena *arena, struct fault *fault)
{
	struct shop *shop = options->shop;
	bool is_older = round->checkpoint.size < state->size;
	char text[200], name[48];
	enum err kept = ERR_OK;

	snprintf(text, sizeof text,
		 is_older ? "the broker's checkpoint of %" PRIu64 " entries is older than one of %" PRIu64
			    " seen before"
			  : "the broker's checkpoint of %" PRIu64 " entries contradicts one of %" PRIu64 " seen before",
		 round->checkpoint.size, state->size);
	/* before the alarm: what was shown once may never be shown again, and a power cut may come in between */
	snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64, round->checkpoint.size, shop_now_ms(shop));
	if (options->keep_evidence != NULL && !is_reported(shop, &round->checkpoint.root))
		kept = options->keep_evidence(options->context, name, bytes_slice(&state->note), round->note);
	alarm_raise(shop->store, is_older ? ALARM_OLDER : ALARM_INCONSISTENT, shop_now_ms(shop), "%s", text);
	TRY(kept);
	TRY(report(options, round, text, arena));
	return fault_set(fault, ERR_INCONSISTENT, "%s", text);
}

/* ---- cosigning ---- */

static void note_seen(struct shop *shop, const struct checkpoint *checkpoint)
{
	pthread_rwlock_wrlock(&shop->lock);
	shop->seen_size = checkpoint->size;
	shop->seen_root = checkpoint->root;
	pthread_rwlock_unlock(&shop->lock);
}

static enum err send_cosignature(const struct cosigner_options *options, const struct round *round, struct arena *arena,
				 struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Cosign cosign = KLUIS__COSIGN__INIT;
	uint8_t cosignature[COSIGNATURE_SIZE];
	const Kluis__Reply *reply;
	enum err code;

	TRY(note_make_cosignature(round->text, options->witness, shop_now_ms(options->shop) / 1000, cosignature));
	cosign.size = round->checkpoint.size;
	cosign.signature = wire_data(SLICE_ARRAY(cosignature));
	operation.kind_case = KLUIS__OPERATION__KIND_COSIGN;
	operation.cosign = &cosign;
	TRY(ask(options, &operation, arena, &reply, &code, fault));
	if (code == ERR_OK || code == ERR_STATE) /* state: the round is over */
		return ERR_OK;
	return fault_set(fault, code, "the broker did not take the cosignature: %s", error_text(code));
}

static enum err cosign(const struct cosigner_options *options, const struct state *state, const struct round *round,
		       struct arena *arena, struct fault *fault)
{
	const struct shop *shop = options->shop;

	bool is_old = round->checkpoint.size == state->size;

	if (!is_old)
		TRY(save(shop, &round->checkpoint, round->note, false));
	/* once it is kept: the journal's records must not name one that a crash makes unknown again (R126) */
	note_seen(options->shop, &round->checkpoint);
	if (is_old && state->is_sent)
		return ERR_OK;
	TRY(send_cosignature(options, round, arena, fault));
	return save(shop, &round->checkpoint, round->note, true);
}

enum err cosigner_step(const struct cosigner_options *options, struct fault *fault)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct state state CLEANUP(state_fini) = {0};
	struct round round = {.checkpoint = {.size = 0}};

	arena_init(&arena, REQUEST_ARENA_MAX);
	TRY(load(options->shop, &state));
	enum err err = get_round(options, state.size, &arena, &round, fault);
	if (err == ERR_NOT_FOUND) /* no round yet */
		return ERR_OK;
	TRY(err);
	if (check_consistency(&state, &round) != ERR_OK)
		return refuse(options, &state, &round, &arena, fault);
	return cosign(options, &state, &round, &arena, fault);
}

enum err cosigner_load_seen(struct shop *shop)
{
	struct state state CLEANUP(state_fini) = {0};

	TRY(load(shop, &state));
	shop->seen_size = state.size;
	shop->seen_root = state.root;
	return ERR_OK;
}
