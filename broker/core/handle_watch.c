/*
 * What has changed for a store: FORMAT.md R121, R122. Nothing here is a right to anything; it says that asking is
 * worth it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/handler.h"
#include "kluis/hash.h"

/* ---- the roster ---- */

/* The keys of a store's employees, ascending. */
struct roster {
	uint8_t (*pseudonyms)[PSEUDONYM_SIZE];
	size_t count, capacity;
};

static enum err roster_add(struct context *context, struct roster *roster, struct slice key)
{
	if (roster->count == roster->capacity) {
		size_t more = roster->capacity == 0 ? 16 : 2 * roster->capacity;
		void *place = arena_array(context->arena, more, PSEUDONYM_SIZE);

		if (place == NULL)
			return ERR_MEMORY;
		if (roster->count > 0)
			memcpy(place, roster->pseudonyms, roster->count * PSEUDONYM_SIZE);
		roster->pseudonyms = place;
		roster->capacity = more;
	}
	memcpy(roster->pseudonyms[roster->count++], key.data + 4, PSEUDONYM_SIZE);
	return ERR_OK;
}

static bool is_of_store(struct slice key, uint32_t store)
{
	return key.length == 4 + PSEUDONYM_SIZE && get_u32(key.data) == store;
}

static enum err roster_add_stored(struct context *context, uint32_t store, struct roster *roster)
{
	uint8_t from[4];
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;

	TRY(store_seek(context->view->txn, TABLE_EMPLOYEE, store_key(store, from), &cursor));
	while (store_next(cursor, &key, &value) && is_of_store(key, store))
		TRY(roster_add(context, roster, key));
	return store_txn_status(context->view->txn);
}

/* What operations before this one have added does not show in a cursor (R48). */
static enum err roster_add_own(struct context *context, uint32_t store, struct roster *roster)
{
	for (size_t i = 0; i < context->view->effect_count; i++) {
		const struct effect *effect = &context->view->effects[i];

		if (effect->kind == EFFECT_PUT && effect->table == TABLE_EMPLOYEE && is_of_store(effect->key, store))
			TRY(roster_add(context, roster, effect->key));
	}
	return ERR_OK;
}

static int compare_pseudonyms(const void *a, const void *b)
{
	return memcmp(a, b, PSEUDONYM_SIZE);
}

/* With each employee once. */
static void roster_sort(struct roster *roster)
{
	size_t count = 0;

	if (roster->count == 0)
		return;
	qsort(roster->pseudonyms, roster->count, PSEUDONYM_SIZE, compare_pseudonyms);
	for (size_t i = 1; i < roster->count; i++)
		if (memcmp(roster->pseudonyms[i], roster->pseudonyms[count], PSEUDONYM_SIZE) != 0)
			memcpy(roster->pseudonyms[++count], roster->pseudonyms[i], PSEUDONYM_SIZE);
	roster->count = count + 1;
}

static enum err roster_read(struct context *context, uint32_t store, struct roster *ret_roster)
{
	struct roster roster = {.count = 0};

	TRY(roster_add_stored(context, store, &roster));
	TRY(roster_add_own(context, store, &roster));
	roster_sort(&roster);
	*ret_roster = roster;
	return ERR_OK;
}

/* ERR_NOT_FOUND: an operation before this one has removed the employee. */
static enum err roster_role(struct context *context, uint32_t store, const uint8_t pseudonym[static PSEUDONYM_SIZE],
			    char **ret_role)
{
	uint8_t key[4 + PSEUDONYM_SIZE];
	ProtobufCMessage *row;

	put_u32(key, store);
	memcpy(key + 4, pseudonym, PSEUDONYM_SIZE);
	TRY(row_get(context, TABLE_EMPLOYEE, SLICE_ARRAY(key), &rows__employee__descriptor, &row));
	*ret_role = ((Rows__Employee *)row)->role;
	return ERR_OK;
}

/* R122 */
static enum err roster_hash(struct context *context, uint32_t store, uint8_t ret_hash[static HASH_SIZE])
{
	struct roster roster;
	struct bytes text CLEANUP(bytes_fini) = {0};
	char *role;

	bytes_init(&text, REQUEST_ARENA_MAX);
	TRY(roster_read(context, store, &roster));
	for (size_t i = 0; i < roster.count; i++) {
		TRY(roster_role(context, store, roster.pseudonyms[i], &role));
		TRY(bytes_append(&text, SLICE_ARRAY(roster.pseudonyms[i])));
		TRY(bytes_append(&text, slice_text(role)));
		TRY(bytes_append_u8(&text, '\n'));
	}
	sha256(bytes_slice(&text), ret_hash);
	return ERR_OK;
}

enum err handle_roster(struct context *context)
{
	uint32_t store = context->envelope->principal.store;
	struct roster roster;

	TRY(roster_read(context, store, &roster));
	for (size_t i = 0; i < roster.count; i++) {
		Kluis__RosterRow row = KLUIS__ROSTER_ROW__INIT;
		enum err err = roster_role(context, store, roster.pseudonyms[i], &row.role);

		if (err == ERR_NOT_FOUND)
			continue;
		TRY(err);
		row.employee = wire_data(SLICE_ARRAY(roster.pseudonyms[i]));
		TRY(context_add_message(context, &row.base));
	}
	return ERR_OK;
}

/* ---- what there is to see ---- */

static enum err newest_change(struct context *context, uint32_t feed, uint64_t *ret_change)
{
	uint8_t place[4];
	struct slice value;
	enum err err = view_get(context->view, TABLE_FEED_NEWEST, store_key(feed, place), &value);

	if (err == ERR_NOT_FOUND) {
		*ret_change = 0;
		return ERR_OK;
	}
	TRY(err);
	if (value.length != 8)
		return ERR_CORRUPT;
	*ret_change = get_u64(value.data);
	return ERR_OK;
}

/* Some grant for sync is for all customers, whatever its purpose. */
static bool reads_all(const struct agreement *agreement)
{
	for (size_t i = 0; agreement != NULL && i < agreement->grant_count; i++) {
		const struct grant *grant = &agreement->grants[i];

		if (grant->scope == SCOPE_ALL && (grant->operations >> OPERATION_SYNC & 1) != 0)
			return true;
	}
	return false;
}

static enum err fill_change(struct context *context, Kluis__WatchRow *row)
{
	uint64_t everybodys;

	context->wait.reads_all = reads_all(context->agreement);
	TRY(newest_change(context, context->wait.store, &row->change));
	if (!context->wait.reads_all)
		return ERR_OK;
	TRY(newest_change(context, FEED_ALL, &everybodys));
	if (everybodys > row->change)
		row->change = everybodys;
	return ERR_OK;
}

/* R29: expiry is no entry, so the clock is asked, and tells when to ask again. */
static void fill_agreement(struct context *context, Kluis__WatchRow *row)
{
	const Rows__Store *store = context->store;

	context->wait.change_ms = UINT64_MAX;
	if (store == NULL)
		return;
	if (store->candidate != NULL && store->candidate->state == AGREEMENT_OFFERED)
		row->candidate = store->candidate->hash;
	if (context->agreement == NULL)
		return;
	row->agreement = store->current->hash;
	row->state = store->current->state;
	if (row->state != AGREEMENT_ACTIVE)
		return;
	uint64_t until_ms = context->agreement->until_s * 1000;
	if (context->time_ms >= until_ms)
		row->state = AGREEMENT_EXPIRED;
	else
		context->wait.change_ms = until_ms - context->time_ms;
}

static enum err fill_trust(struct context *context, Kluis__WatchRow *row)
{
	struct slice hash;
	enum err err = view_get(context->view, TABLE_META, slice_text("trust"), &hash);

	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	row->trust = wire_data(hash);
	return ERR_OK;
}

static bool is_same(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
	return slice_equal(wire_slice(a), wire_slice(b));
}

static bool is_known(const Kluis__WatchRow *row, const Kluis__WatchRow *known)
{
	return row->change == known->change && row->state == known->state &&
	       is_same(row->agreement, known->agreement) && is_same(row->candidate, known->candidate) &&
	       is_same(row->trust, known->trust) && is_same(row->roster, known->roster);
}

enum err handle_watch(struct context *context)
{
	const Kluis__Watch *watch = context->operation->watch;
	Kluis__WatchRow row = KLUIS__WATCH_ROW__INIT;
	uint8_t roster[HASH_SIZE];

	context->wait = (struct core_wait){.store = context->envelope->principal.store, .wait_ms = watch->wait_ms};
	TRY(fill_change(context, &row));
	fill_agreement(context, &row);
	TRY(fill_trust(context, &row));
	TRY(roster_hash(context, context->wait.store, roster));
	row.roster = wire_data(SLICE_ARRAY(roster));
	context->waits = watch->wait_ms > 0 && is_known(&row, watch->known);
	return context_add_message(context, &row.base);
}
