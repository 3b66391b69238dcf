/*
 * The one writer: everything that waits goes into one transaction and one
 * fsync. What a request had read is compared with what has been written since; where it
 * no longer holds, the request is prepared again on the state as it is.
 */
#include <string.h>

#include "core/request.h"
#include "vault/master.h"

struct batch {
	struct core *core;
	struct prepared **requests;
	size_t count;
	uint64_t time_ms;
	uint64_t number; /* of this commit */
	uint64_t feed_next;
	struct core_news *news;
};

static void mark(struct batch *batch, enum table table, struct slice key)
{
	batch->core->slots[view_hash(table, key) % SLOT_COUNT] = batch->number;
}

/* ---- who sees something else now ---- */

static void news_for(struct core_news *news, uint32_t store)
{
	if (news->is_for_all)
		return;
	for (size_t i = news->count; i > 0; i--)
		if (news->stores[i - 1] == store)
			return;
	if (news->count == CORE_NEWS_STORES_MAX)
		news->is_for_all = true;
	else
		news->stores[news->count++] = store;
}

/* A key of another kind of principal, or none, is nobody's news. */
static void news_for_principal(struct core_news *news, struct slice name)
{
	struct principal principal;

	if (principal_parse(name, &principal) == ERR_OK && principal.kind == PRINCIPAL_STORE)
		news_for(news, principal.store);
}

/* What a Watch's answer is made of, and the key that it is taken under (FORMAT.md R121). */
static void note_news(struct core_news *news, const struct effect *effect)
{
	if (effect->kind == EFFECT_TOUCH && effect->store == FEED_ALL)
		news->is_feed_all = true;
	else if (effect->kind == EFFECT_TOUCH)
		news_for(news, effect->store);
	else if (effect->table == TABLE_STORE || effect->table == TABLE_EMPLOYEE)
		news_for(news, get_u32(effect->key.data));
	else if (effect->table == TABLE_PRINCIPAL)
		news_for_principal(news, effect->key);
	else if (effect->table == TABLE_META && slice_equal(effect->key, slice_text("trust")))
		news->is_for_all = true;
}

const struct core_news *core_news(const struct core *core)
{
	return &core->news;
}

/* ---- writing ---- */

static bool still_holds(const struct core *core, const struct prepared *prepared)
{
	if (prepared->view.is_alone)
		return false;
	for (size_t i = 0; i < prepared->view.read_count; i++)
		if (core->slots[prepared->view.reads[i] % SLOT_COUNT] > prepared->snapshot)
			return false;
	return true;
}

/* The customer's place in the feed becomes the newest; the older one goes. */
static void apply_touch(struct batch *batch, struct store_txn *txn, const struct effect *effect)
{
	uint8_t at[4 + PSEUDONYM_SIZE], place[12];
	struct slice old;

	put_u32(at, effect->store);
	memcpy(at + 4, effect->key.data, PSEUDONYM_SIZE);
	put_u32(place, effect->store);
	if (store_get(txn, TABLE_FEED_AT, SLICE_ARRAY(at), &old) == ERR_OK && old.length == 8) {
		memcpy(place + 4, old.data, 8);
		store_delete(txn, TABLE_FEED, SLICE_ARRAY(place));
	}
	put_u64(place + 4, batch->feed_next++);
	store_put(txn, TABLE_FEED, SLICE_ARRAY(place), effect->key);
	store_put(txn, TABLE_FEED_AT, SLICE_ARRAY(at), SLICE(place + 4, 8));
	store_put(txn, TABLE_FEED_NEWEST, SLICE(place, 4), SLICE(place + 4, 8));
}

/* Cursors show what was put before in this transaction. */
static enum err apply_delete_all(struct batch *batch, struct store_txn *txn, const struct effect *effect)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	uint8_t copy[STORE_KEY_MAX];

	TRY(store_seek(txn, effect->table, effect->key, &cursor));
	while (store_next(cursor, &key, &value) && slice_equal(slice_part(key, 0, effect->key.length), effect->key)) {
		size_t length = key.length;
		memcpy(copy, key.data, length);
		store_delete(txn, effect->table, SLICE(copy, length));
		mark(batch, effect->table, SLICE(copy, length));
	}
	return store_txn_status(txn);
}

static enum err apply(struct batch *batch, struct store_txn *txn, const struct effect *effect)
{
	note_news(batch->news, effect);
	if (effect->kind == EFFECT_TOUCH) {
		apply_touch(batch, txn, effect);
		return ERR_OK;
	}
	if (effect->kind == EFFECT_DELETE_ALL)
		return apply_delete_all(batch, txn, effect);
	if (effect->kind == EFFECT_PUT)
		store_put(txn, effect->table, effect->key, effect->value);
	else
		store_delete(txn, effect->table, effect->key);
	mark(batch, effect->table, effect->key);
	return ERR_OK;
}

static void put_lane(struct batch *batch, struct store_txn *txn, const struct prepared *prepared,
		     const struct hash *leaf)
{
	uint8_t place[LANE_KEY_MAX], row[LANE_ROW_SIZE];
	const Kluis__Request *request = prepared->envelope.decoded;
	struct slice key = lane_key(request, request->lane, place);
	struct lane lane = {.sequence = request->sequence, .index = prepared->index, .leaf = *leaf};

	lane_hash(prepared->envelope.request, &lane.request);
	lane_encode(&lane, row);
	store_put(txn, TABLE_LANE, key, SLICE_ARRAY(row));
	mark(batch, TABLE_LANE, key);
}

static enum err write_request(struct batch *batch, struct store_txn *txn, struct prepared *prepared)
{
	struct hash leaf;

	/* decisions look at whole seconds (R47): within one, the batch's time is as good as the one prepared with */
	bool is_other_time = prepared->time_ms / 1000 != batch->time_ms / 1000;
	/* but an invitation's end is a millisecond (R62) */
	is_other_time |= prepared->is_first_contact && prepared->time_ms != batch->time_ms;
	if (is_other_time || !still_holds(batch->core, prepared)) {
		request_run(prepared, txn, batch->time_ms);
		/* now as new as this transaction: should it run again, it has to be prepared again too */
		prepared->snapshot = 0;
	}
	if (!prepared->needs_commit)
		return ERR_OK;
	for (size_t i = 0; i < prepared->view.effect_count; i++)
		TRY(apply(batch, txn, &prepared->view.effects[i]));
	if (!prepared->has_entry) /* a cosignature (R144) */
		return store_txn_status(txn);
	entry_set_time(prepared->entry.data, prepared->entry.length, batch->time_ms);
	TRY(ledger_append(batch->core->ledger, txn, bytes_slice(&prepared->entry), &prepared->index, &leaf));
	if (prepared->advances_lane)
		put_lane(batch, txn, prepared, &leaf);
	return store_txn_status(txn);
}

static enum err write_batch(struct store_txn *txn, void *context)
{
	struct batch *batch = context;
	uint8_t next[8];

	ledger_begin(batch->core->ledger);
	batch->feed_next = batch->core->feed_next;
	*batch->news = (struct core_news){.number = batch->number};
	for (size_t i = 0; i < batch->count; i++)
		if (batch->requests[i]->is_new)
			TRY(write_request(batch, txn, batch->requests[i]));
	put_u64(next, batch->feed_next);
	store_put(txn, TABLE_META, slice_text("feed/next"), SLICE_ARRAY(next));
	ledger_finish(batch->core->ledger, txn);
	return ERR_OK;
}

enum err core_commit(struct core *core, struct prepared **requests, size_t count, uint64_t now_ms)
{
	uint64_t last_ms = atomic_load(&core->last_time_ms);
	struct batch batch = {.core = core,
			      .requests = requests,
			      .count = count,
			      .time_ms = now_ms > last_ms ? now_ms : last_ms,
			      .number = atomic_load(&core->commit_number) + 1,
			      .news = &core->news};

	for (size_t i = 0; i < count; i++)
		requests[i]->is_new = requests[i]->needs_commit;
	uint64_t size = ledger_size(core->ledger);
	enum err err = store_update(core->store, write_batch, &batch);
	if (err == ERR_OK) {
		ledger_keep(core->ledger);
		core->feed_next = batch.feed_next;
		if (ledger_size(core->ledger) > size)
			atomic_store(&core->last_time_ms, batch.time_ms);
	} else {
		ledger_drop(core->ledger);
		core->news = (struct core_news){.number = batch.number};
	}
	/* also after a failure: rows marked in it may not be taken for unchanged */
	atomic_store(&core->commit_number, batch.number);
	for (size_t i = 0; i < count; i++)
		if (requests[i]->is_new)
			request_finish(requests[i], err);
	return err;
}

/* ---- checkpoints ---- */

static enum err write_checkpoint(struct store_txn *txn, void *note)
{
	ledger_put_checkpoint(&core_ledger_tables, txn, bytes_slice(note));
	return ERR_OK;
}

/* As the entries up to here have left them. */
static enum err refresh_keys(struct core *core)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	TRY(store_begin_read(core->store, &txn));
	TRY(epochs_end(txn, core->keys));
	return logs_refresh(txn, core->keys, &core->logs, NULL);
}

/* By each key of the trust in force (R141). */
static enum err sign_checkpoint(struct core *core, uint64_t size, struct bytes *ret_note)
{
	struct checkpoint checkpoint = {.origin = slice_text(core->logs.keys[0]->public.name), .size = size};
	struct bytes text CLEANUP(bytes_fini) = {0};

	bytes_init(&text, PAPER_MAX);
	ledger_root(core->ledger, &checkpoint.root);
	TRY(checkpoint_print(&checkpoint, &text));
	return note_sign(bytes_slice(&text), core->logs.keys, core->logs.count, ret_note);
}

enum err core_checkpoint(struct core *core)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	uint64_t size = ledger_size(core->ledger);

	bytes_init(&note, PAPER_MAX);
	if (size == core->checkpoint_size)
		return ERR_OK;
	TRY(refresh_keys(core));
	TRY(sign_checkpoint(core, size, &note));
	TRY(store_update(core->store, write_checkpoint, &note));
	core->checkpoint_size = size;
	return ERR_OK;
}
