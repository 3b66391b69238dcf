#include "core/core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/request.h"
#include "kluis/hash.h"

/* Requests kept for the next ones, so that a busy broker allocates nothing. */
#define POOL_MAX 1024

static const char *const table_names[TABLE_COUNT] = {
	"meta",	       "entry",	   "tile",	  "paper",  "principal", "invitation", "lane",
	"store",       "employee", "customer",	  "record", "receipt",	 "receipt_at", "lookup",
	"use",	       "feed",	   "feed_at",	  "import", "journal",	 "holding",    "finding",
	"feed_newest", "witness",  "cosignature", "notice", "notice_at", "erasure",    "received",
};

const struct store_layout core_layout = {
	.tables = table_names, .table_count = TABLE_COUNT, .schema = 3, .application = "kluis-broker"};

const struct ledger_tables core_ledger_tables = {.entry = TABLE_ENTRY, .tile = TABLE_TILE, .meta = TABLE_META};

/* ---- opening ---- */

static enum err read_last_time(struct core *core, struct store_txn *txn)
{
	struct slice bytes;
	uint64_t size = ledger_size(core->ledger);

	if (size == 0)
		return ERR_OK;
	TRY(ledger_entry(&core_ledger_tables, txn, size - 1, &bytes));
	uint64_t time_ms;
	TRY(entry_read_time(bytes, &time_ms));
	core->last_time_ms = time_ms;
	return ERR_OK;
}

static enum err read_feed_next(struct core *core, struct store_txn *txn)
{
	struct slice value;
	enum err err = store_get(txn, TABLE_META, slice_text("feed/next"), &value);

	core->feed_next = 1;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (value.length != 8)
		return ERR_CORRUPT;
	core->feed_next = get_u64(value.data);
	return ERR_OK;
}

/* Its own, so only its form is looked at. */
enum err parse_checkpoint(struct slice bytes, struct checkpoint *ret_checkpoint)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct fault fault = {""};
	struct note note;

	arena_init(&arena, PAPER_MAX);
	enum err err = note_parse(bytes, &arena, &note, &fault);
	if (err == ERR_OK)
		err = checkpoint_parse(note.text, ret_checkpoint, &fault);
	return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

static enum err read_checkpoint_size(struct core *core, struct store_txn *txn)
{
	struct slice note;
	struct checkpoint checkpoint;
	enum err err = ledger_checkpoint(&core_ledger_tables, txn, &note);

	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	TRY(logs_check(txn, core->keys, &core->logs, note));
	TRY(parse_checkpoint(note, &checkpoint));
	core->checkpoint_size = checkpoint.size;
	return ERR_OK;
}

/* With another controller's key no paper would open and no command of head office's be taken. */
static enum err check_controller(struct core *core, struct store_txn *txn)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct slice hash, text;

	arena_init(&arena, 4 * PAPER_MAX);
	enum err err = store_get(txn, TABLE_META, slice_text("charter"), &hash);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	TRY(store_get(txn, TABLE_PAPER, hash, &text));
	struct note *note = arena_alloc(&arena, sizeof *note);
	if (note == NULL)
		return ERR_MEMORY;
	TRY(note_parse(text, &arena, note, NULL));
	return note_verify(note, &core->keys->controller) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static enum err read_state(struct core *core, struct store_txn *txn, struct bytes *lookup_row, struct fault *fault)
{
	TRY(ledger_open(txn, &core_ledger_tables, &core->ledger, fault));
	enum err err = vault_open(txn, core->keys, &core->vault, lookup_row, fault);
	if (err != ERR_OK)
		return fault_set(fault, err,
				 "the master key does not open this broker's data; is it the right master.key?");
	TRY(read_last_time(core, txn));
	TRY(read_feed_next(core, txn));
	TRY(logs_refresh(txn, core->keys, &core->logs, fault));
	err = read_checkpoint_size(core, txn);
	if (err != ERR_OK)
		return fault_set(fault, err,
				 "the stored checkpoint is not signed by this log key; is it the right log.key?");
	err = rounds_load(core->rounds, txn);
	if (err != ERR_OK)
		return fault_set(fault, err, "what is kept of the witnesses' round cannot be read");
	err = check_controller(core, txn);
	if (err != ERR_OK)
		return fault_set(fault, err,
				 "the charter in force is not signed by this key; is it the right controller.key?");
	return ERR_OK;
}

static enum err write_lookup_row(struct store_txn *txn, void *row)
{
	store_put(txn, TABLE_META, slice_text(VAULT_META_LOOKUP), bytes_slice(row));
	return ERR_OK;
}

static enum err open_state(struct core *core, uint64_t now_ms, struct fault *fault)
{
	struct store_txn *txn;
	struct bytes lookup_row CLEANUP(bytes_fini) = {0};

	bytes_init_secret(&lookup_row, RECORD_MAX);
	TRY(store_begin_read(core->store, &txn));
	enum err err = read_state(core, txn, &lookup_row, fault);
	store_end_read(&txn);
	TRY(err);
	if (now_ms + CLOCK_TOLERANCE_MS < core->last_time_ms)
		return fault_set(fault, ERR_CLOCK,
				 "the clock is behind the log's last entry; set it right and start again");
	if (lookup_row.length == 0)
		return ERR_OK;
	return store_update(core->store, write_lookup_row, &lookup_row);
}

enum err core_open(struct store *store, const struct core_keys *keys, uint64_t now_ms, struct core **ret_core,
		   struct fault *fault)
{
	struct core *core CLEANUP(core_close) = calloc(1, sizeof *core);

	if (core == NULL)
		return ERR_MEMORY;
	core->store = store;
	core->keys = keys;
	pthread_mutex_init(&core->pool_mutex, NULL);
	TRY(papers_new(&keys->controller, &core->papers));
	TRY(rounds_new(&core->rounds));
	TRY(open_state(core, now_ms, fault));
	*ret_core = core;
	core = NULL;
	return ERR_OK;
}

static void prepared_destroy(struct prepared *prepared)
{
	arena_fini(&prepared->run_arena);
	arena_fini(&prepared->message_arena);
	bytes_fini(&prepared->entry);
	bytes_fini(&prepared->reply);
	free(prepared);
}

void core_close(struct core **core)
{
	if (*core == NULL)
		return;
	while ((*core)->pool != NULL) {
		struct prepared *prepared = (*core)->pool;
		(*core)->pool = prepared->next;
		prepared_destroy(prepared);
	}
	ledger_free(&(*core)->ledger);
	vault_free(&(*core)->vault);
	papers_free(&(*core)->papers);
	rounds_free(&(*core)->rounds);
	pthread_mutex_destroy(&(*core)->pool_mutex);
	free(*core);
	*core = NULL;
}

uint64_t core_size(struct core *core)
{
	return ledger_size(core->ledger);
}

/* ---- preparing ---- */

static struct prepared *from_pool(struct core *core)
{
	pthread_mutex_lock(&core->pool_mutex);
	struct prepared *prepared = core->pool;
	if (prepared != NULL) {
		core->pool = prepared->next;
		core->pool_count--;
	}
	pthread_mutex_unlock(&core->pool_mutex);
	return prepared;
}

static struct prepared *prepared_new(struct core *core)
{
	struct prepared *prepared = from_pool(core);

	if (prepared != NULL)
		return prepared;
	prepared = calloc(1, sizeof *prepared);
	if (prepared == NULL)
		return NULL;
	prepared->core = core;
	arena_init(&prepared->message_arena, REQUEST_ARENA_MAX);
	arena_init(&prepared->run_arena, REQUEST_ARENA_MAX);
	bytes_init(&prepared->entry, ENTRY_MAX);
	bytes_init_secret(&prepared->reply, MESSAGE_MAX);
	return prepared;
}

void prepared_free(struct prepared **prepared)
{
	struct prepared *old = *prepared;

	*prepared = NULL;
	if (old == NULL)
		return;
	struct core *core = old->core;
	arena_reset(&old->message_arena);
	arena_reset(&old->run_arena);
	bytes_clear(&old->entry);
	if (old->reply.length > 0)
		wipe(old->reply.data, old->reply.length);
	bytes_clear(&old->reply);
	pthread_mutex_lock(&core->pool_mutex);
	bool is_kept = core->pool_count < POOL_MAX;
	if (is_kept) {
		old->next = core->pool;
		core->pool = old;
		core->pool_count++;
	}
	pthread_mutex_unlock(&core->pool_mutex);
	if (!is_kept)
		prepared_destroy(old);
}

static bool is_join(const Kluis__Request *request)
{
	return request->operations[0]->kind_case == KLUIS__OPERATION__KIND_JOIN;
}

static enum err known_key(struct core *core, struct store_txn *txn, struct prepared *prepared)
{
	struct slice value;
	Rows__Principal *row;
	struct slice name = slice_text(prepared->envelope.decoded->principal);

	if (slice_equal(name, slice_text(core->keys->controller.name))) {
		memcpy(prepared->key, core->keys->controller.key, KEY_SIZE);
		return ERR_OK;
	}
	enum err err = store_get(txn, TABLE_PRINCIPAL, name, &value);
	if (err != ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_PRINCIPAL : err;
	TRY(wire_decode(&rows__principal__descriptor, value, &prepared->message_arena,
			(ProtobufCMessage **)(void *)&row));
	if (row->is_revoked)
		return ERR_PRINCIPAL;
	memcpy(prepared->key, row->public_key.data, KEY_SIZE);
	prepared->is_key_fresh = true;
	/* only what the old key signed before it was replaced may still be asked for (R140) */
	if (row->has_previous_key && envelope_verify(&prepared->envelope, prepared->key) != ERR_OK) {
		memcpy(prepared->key, row->previous_key.data, KEY_SIZE);
		prepared->is_old_key = true;
	}
	return ERR_OK;
}

/* A join is signed with the key that it brings (R31); it stands alone in its envelope. */
static enum err join_key(struct core *core, struct prepared *prepared)
{
	const Kluis__Request *request = prepared->envelope.decoded;
	struct principal ours;

	if (request->n_operations != 1)
		return ERR_INPUT;
	TRY(principal_parse(slice_text(core->keys->controller.name), &ours));
	if (!slice_equal(ours.origin, prepared->envelope.principal.origin))
		return ERR_PRINCIPAL;
	memcpy(prepared->key, request->operations[0]->join->public_key.data, KEY_SIZE);
	prepared->is_first_contact = true;
	return ERR_OK;
}

static enum err authenticate(struct core *core, struct store_txn *txn, struct prepared *prepared)
{
	if (is_join(prepared->envelope.decoded))
		TRY(join_key(core, prepared));
	else
		TRY(known_key(core, txn, prepared));
	if (envelope_verify(&prepared->envelope, prepared->key) != ERR_OK)
		return ERR_PRINCIPAL; /* says no more to whom it does not know (R37) */
	if (!prepared->is_first_contact && !prepared->is_old_key)
		prepared->trust = CORE_AUTHENTICATED;
	return ERR_OK;
}

static enum err prepare(struct core *core, struct slice message, uint64_t now_ms, struct prepared *prepared)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(envelope_open(message, &prepared->message_arena, &prepared->envelope, &prepared->fault));
	prepared->trust = CORE_UNKNOWN;
	/* before the snapshot: what commits in between is looked at as if it came after */
	prepared->snapshot = atomic_load(&core->commit_number);
	TRY(store_begin_read(core->store, &txn));
	TRY(authenticate(core, txn, prepared));
	uint64_t last_ms = atomic_load(&core->last_time_ms);
	if (now_ms + CLOCK_TOLERANCE_MS < last_ms)
		return ERR_CLOCK;
	request_run(prepared, txn, now_ms > last_ms ? now_ms : last_ms);
	return ERR_OK;
}

/* ---- replies ---- */

static const char *reply_text(const struct prepared *prepared)
{
	return prepared->fault.text[0] != '\0' ? prepared->fault.text : error_text(prepared->code);
}

static enum err encode_reply(struct prepared *prepared)
{
	Kluis__Reply reply = KLUIS__REPLY__INIT;
	Kluis__Personal personal = KLUIS__PERSONAL__INIT;
	char text[sizeof prepared->fault.text];

	reply.code = (uint32_t)prepared->code;
	if (prepared->code != ERR_OK) {
		snprintf(text, sizeof text, "%s", reply_text(prepared));
		reply.text = text;
	}
	reply.has_expected = prepared->code == ERR_SEQUENCE;
	reply.expected = prepared->expected;
	if (prepared->has_entry) {
		reply.has_index = reply.has_entry = 1;
		reply.index = prepared->index;
		reply.entry = wire_data(bytes_slice(&prepared->entry));
	}
	if (prepared->parts.count > 0) {
		personal.parts = prepared->parts.items;
		personal.n_parts = prepared->parts.count;
		reply.personal = &personal;
	}
	reply.data = prepared->data;
	reply.n_data = prepared->data_count;
	bytes_clear(&prepared->reply);
	return wire_encode(&reply.base, &prepared->reply);
}

static void fail(struct prepared *prepared, enum err code)
{
	prepared->code = code;
	prepared->needs_commit = false;
	prepared->has_entry = false;
	prepared->parts = (struct part_list){0};
	prepared->data_count = 0;
	prepared->waits = false;
}

/* A reply that does not fit says so in one that does; that one has no memory to ask for that a first one had not. */
static void finish(struct prepared *prepared)
{
	if (encode_reply(prepared) == ERR_OK)
		return;
	fail(prepared, ERR_TOO_LARGE);
	if (encode_reply(prepared) != ERR_OK)
		bytes_clear(&prepared->reply);
}

void request_finish(struct prepared *prepared, enum err err)
{
	if (err != ERR_OK)
		fail(prepared, err);
	prepared->needs_commit = false;
	finish(prepared);
}

enum err core_prepare(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared)
{
	struct prepared *prepared = prepared_new(core);

	if (prepared == NULL)
		return ERR_MEMORY;
	prepared->trust = CORE_GARBAGE;
	prepared->is_first_contact = prepared->is_key_fresh = prepared->is_old_key = false;
	prepared->fault.text[0] = '\0';
	prepared->view = (struct view){0};
	prepared->is_new = false;
	prepared->findings = 0;
	fail(prepared, ERR_OK);
	enum err err = prepare(core, message, now_ms, prepared);
	if (err != ERR_OK)
		fail(prepared, err);
	if (!prepared->needs_commit)
		finish(prepared);
	*ret_prepared = prepared;
	return ERR_OK;
}

bool prepared_waits(const struct prepared *prepared, struct core_wait *ret_wait)
{
	if (!prepared->waits)
		return false;
	*ret_wait = prepared->wait;
	ret_wait->snapshot = prepared->snapshot;
	return true;
}

bool prepared_needs_commit(const struct prepared *prepared)
{
	return prepared->needs_commit;
}

enum err prepared_failure(const struct prepared *prepared)
{
	return prepared->code < ERR_NOT_FOUND ? prepared->code : ERR_OK;
}

uint32_t prepared_findings(const struct prepared *prepared, uint32_t *ret_store)
{
	if (!prepared->has_entry || !prepared->is_new)
		return 0;
	*ret_store = prepared->envelope.principal.store;
	return prepared->findings;
}

enum core_trust prepared_trust(const struct prepared *prepared)
{
	return prepared->trust;
}

struct slice core_reply(const struct prepared *prepared)
{
	return bytes_slice(&prepared->reply);
}

enum err core_trust(struct core *core, uint8_t ret_hash[static HASH_SIZE], struct bytes *ret_note)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct slice hash, note;

	TRY(store_begin_read(core->store, &txn));
	TRY(store_get(txn, TABLE_META, slice_text(LOGS_META_TRUST), &hash));
	if (hash.length != HASH_SIZE)
		return ERR_CORRUPT;
	if (ret_note != NULL) {
		TRY(store_get(txn, TABLE_PAPER, hash, &note));
		TRY(bytes_append(ret_note, note));
	}
	memcpy(ret_hash, hash.data, HASH_SIZE);
	return ERR_OK;
}
