#include "store_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "version.h"

struct disk {
	struct disk *next;
	char *folder;
	char *application;
	uint32_t schema;
	bool is_open, is_full;
	uint64_t commits;
	size_t table_count;
	struct version *tables[STORE_TABLES_MAX];
};

struct store {
	struct disk *disk;
	bool is_crashed, is_crash_planned;
	enum store_memory_when when;
	unsigned spared; /* commits before the one that it dies in */
	unsigned rerun, updates, readers;
};

struct store_cursor {
	struct store_txn *txn;
	struct store_cursor *next;
	unsigned table;
	bool is_started;
	size_t key_length;
	uint8_t key[STORE_KEY_MAX];
};

struct store_txn {
	struct store *store;
	struct store_txn *next; /* in this thread's list */
	struct store_cursor *cursors;
	bool is_write, is_changed;
	enum err status;
	struct version *tables[STORE_TABLES_MAX];
};

/* Read transactions open in this thread. */
static _Thread_local struct store_txn *open_here;

static struct disk *disks;
static struct random choices;

/* ---- disks ---- */

static struct disk *disk_find(const char *folder)
{
	struct disk *disk = disks;
	while (disk && strcmp(disk->folder, folder) != 0)
		disk = disk->next;
	return disk;
}

static char *copy_text(const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		abort();
	return copy;
}

static void drop_tables(struct disk *disk)
{
	for (size_t i = 0; i < disk->table_count; i++)
		version_drop(disk->tables[i]);
	free(disk->application);
}

static struct disk *disk_new(const char *folder, const struct store_layout *layout)
{
	struct disk *disk = allocate(1, sizeof(*disk));
	disk->folder = copy_text(folder);
	disk->application = copy_text(layout->application);
	disk->schema = layout->schema;
	disk->table_count = layout->table_count;
	for (size_t i = 0; i < disk->table_count; i++)
		disk->tables[i] = version_new();
	disk->next = disks;
	disks = disk;
	return disk;
}

void store_memory_reset(uint64_t seed)
{
	while (disks) {
		struct disk *disk = disks;
		assert(!disk->is_open);
		disks = disk->next;
		drop_tables(disk);
		free(disk->folder);
		free(disk);
	}
	choices.state = seed;
}

bool store_memory_copy(const char *from, const char *to)
{
	const struct disk *source = disk_find(from);
	if (!source)
		return false;
	struct store_layout layout = {
		.application = source->application, .schema = source->schema, .table_count = source->table_count};
	struct disk *target = disk_find(to);
	if (!target)
		target = disk_new(to, &layout);
	assert(!source->is_open && !target->is_open);
	struct disk before = *target;
	target->application = copy_text(source->application);
	target->schema = source->schema;
	target->table_count = source->table_count;
	target->commits = source->commits;
	for (size_t i = 0; i < source->table_count; i++)
		target->tables[i] = version_hold(source->tables[i]);
	drop_tables(&before);
	return true;
}

/* ---- open, close, failures ---- */

static enum err check_layout(const struct disk *disk, const struct store_layout *layout, struct fault *fault)
{
	if (strcmp(disk->application, layout->application) != 0 || disk->schema != layout->schema ||
	    disk->table_count != layout->table_count)
		return fault_set(fault, ERR_VERSION, "%s: has schema %u of %s", disk->folder, disk->schema,
				 disk->application);
	return ERR_OK;
}

enum err store_open(const char *folder, const struct store_layout *layout, bool create, struct store **ret_store,
		    struct fault *fault)
{
	assert(layout->table_count <= STORE_TABLES_MAX);
	struct disk *disk = disk_find(folder);
	if (!disk && !create)
		return fault_set(fault, ERR_NOT_FOUND, "%s: holds no store", folder);
	if (disk && disk->is_open)
		return fault_set(fault, ERR_IN_USE, "%s: in use", folder);
	if (disk && create)
		return fault_set(fault, ERR_EXISTS, "%s: holds a store already", folder);
	if (disk)
		TRY(check_layout(disk, layout, fault));
	else
		disk = disk_new(folder, layout);
	disk->is_open = true;
	*ret_store = allocate(1, sizeof(**ret_store));
	(*ret_store)->disk = disk;
	return ERR_OK;
}

void store_close(struct store **store)
{
	if (!*store)
		return;
	assert((*store)->readers == 0);
	(*store)->disk->is_open = false;
	free(*store);
	*store = NULL;
}

void store_memory_crash(struct store *store, enum store_memory_when when)
{
	store_memory_crash_later(store, 0, when);
}

void store_memory_crash_later(struct store *store, unsigned commits, enum store_memory_when when)
{
	store->is_crash_planned = true;
	store->spared = commits;
	store->when = when;
}

void store_memory_crash_now(struct store *store)
{
	store->is_crashed = true;
}

bool store_memory_is_crashed(const struct store *store)
{
	return store->is_crashed;
}

void store_memory_set_full(struct store *store, bool is_full)
{
	store->disk->is_full = is_full;
}

void store_memory_set_rerun(struct store *store, unsigned count)
{
	store->rerun = count;
}

uint64_t store_memory_commits(const struct store *store)
{
	return store->disk->commits;
}

/* ---- transactions ---- */

static void txn_begin(struct store *store, bool is_write, struct store_txn *ret_txn)
{
	*ret_txn = (struct store_txn){.store = store, .is_write = is_write};
	for (size_t i = 0; i < store->disk->table_count; i++)
		ret_txn->tables[i] = version_hold(store->disk->tables[i]);
}

static void txn_end(struct store_txn *txn)
{
	while (txn->cursors) {
		struct store_cursor *cursor = txn->cursors;
		store_cursor_close(&cursor);
	}
	for (size_t i = 0; i < txn->store->disk->table_count; i++)
		version_drop(txn->tables[i]);
}

enum err store_begin_read(struct store *store, struct store_txn **ret_txn)
{
	if (store->is_crashed)
		return ERR_IO;
	*ret_txn = allocate(1, sizeof(**ret_txn));
	txn_begin(store, false, *ret_txn);
	(*ret_txn)->next = open_here;
	open_here = *ret_txn;
	store->readers++;
	return ERR_OK;
}

void store_end_read(struct store_txn **txn)
{
	if (!*txn)
		return;
	struct store_txn **place = &open_here;
	while (*place != *txn)
		place = &(*place)->next;
	*place = (*txn)->next;
	(*txn)->store->readers--;
	txn_end(*txn);
	free(*txn);
	*txn = NULL;
}

static void commit(struct store_txn *txn)
{
	struct disk *disk = txn->store->disk;
	disk->commits++;
	for (size_t i = 0; i < disk->table_count; i++) {
		version_drop(disk->tables[i]);
		disk->tables[i] = version_hold(txn->tables[i]);
	}
}

/* Commits unless a crash was planned. */
static enum err commit_or_crash(struct store_txn *txn)
{
	struct store *store = txn->store;
	if (!store->is_crash_planned || store->spared > 0) {
		store->spared -= store->is_crash_planned;
		commit(txn);
		return ERR_OK;
	}
	store->is_crashed = true;
	if (store->when == STORE_MEMORY_AFTER || (store->when == STORE_MEMORY_IN && random_below(&choices, 2) == 0))
		commit(txn);
	return ERR_IO;
}

static enum err update_once(struct store *store, store_write_fn *write, void *context, bool is_for_nothing)
{
	struct store_txn txn;
	txn_begin(store, true, &txn);
	enum err err = write(&txn, context);
	if (txn.status != ERR_OK)
		err = txn.status;
	if (err == ERR_OK && txn.is_changed && store->disk->is_full)
		err = ERR_DISK_FULL;
	if (err == ERR_OK && !is_for_nothing)
		err = commit_or_crash(&txn);
	txn_end(&txn);
	return err;
}

enum err store_update(struct store *store, store_write_fn *write, void *context)
{
	for (const struct store_txn *txn = open_here; txn; txn = txn->next)
		assert(txn->store != store); /* as with the real store, whose map could not grow */
	if (store->is_crashed)
		return ERR_IO;
	if (store->rerun > 0 && ++store->updates % store->rerun == 0)
		(void)!update_once(store, write, context, true);
	return update_once(store, write, context, false);
}

/* ---- rows ---- */

static const struct version *table_of(const struct store_txn *txn, unsigned table)
{
	assert(table < txn->store->disk->table_count);
	return txn->tables[table];
}

/* The table for writing: a copy of this transaction's own. */
static struct version *own_table(struct store_txn *txn, unsigned table)
{
	assert(txn->is_write && table < txn->store->disk->table_count);
	struct version *version = txn->tables[table];
	if (version->references > 1) {
		txn->tables[table] = version_copy(version);
		version_drop(version);
	}
	txn->is_changed = true;
	return txn->tables[table];
}

static bool key_fits(struct slice key)
{
	return key.length > 0 && key.length <= STORE_KEY_MAX;
}

enum err store_txn_status(const struct store_txn *txn)
{
	return txn->status;
}

enum err store_get(struct store_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
	TRY(txn->status);
	const struct version *version = table_of(txn, table);
	size_t at = version_find(version, key);
	if (!version_has(version, at, key))
		return ERR_NOT_FOUND;
	*ret_value = row_value(version->rows[at]);
	return ERR_OK;
}

static void put(struct store_txn *txn, unsigned table, struct slice key, struct slice value, bool is_append)
{
	assert(txn->is_write);
	if (txn->status == ERR_OK && !key_fits(key))
		txn->status = ERR_TOO_LARGE;
	if (txn->status != ERR_OK)
		return;
	struct version *version = own_table(txn, table);
	size_t at = version_find(version, key);
	bool is_there = version_has(version, at, key);
	if (is_append && (is_there || at < version->count)) {
		txn->status = ERR_CORRUPT;
		return;
	}
	struct row *row = row_new(key, value);
	if (is_there) {
		row_drop(version->rows[at]);
		version->rows[at] = row;
	} else {
		version_insert(version, at, row);
	}
}

void store_put(struct store_txn *txn, unsigned table, struct slice key, struct slice value)
{
	put(txn, table, key, value, false);
}

void store_append(struct store_txn *txn, unsigned table, struct slice key, struct slice value)
{
	put(txn, table, key, value, true);
}

void store_delete(struct store_txn *txn, unsigned table, struct slice key)
{
	assert(txn->is_write);
	if (txn->status != ERR_OK)
		return;
	size_t at = version_find(table_of(txn, table), key);
	if (!version_has(table_of(txn, table), at, key))
		return;
	struct version *version = own_table(txn, table);
	row_drop(version->rows[at]);
	version->count--;
	memmove(&version->rows[at], &version->rows[at + 1], (version->count - at) * sizeof(struct row *));
}

uint64_t store_count(struct store_txn *txn, unsigned table)
{
	return txn->status == ERR_OK ? table_of(txn, table)->count : 0;
}

enum err store_seek(struct store_txn *txn, unsigned table, struct slice from, struct store_cursor **ret_cursor)
{
	if (from.length > STORE_KEY_MAX)
		return ERR_TOO_LARGE;
	TRY(txn->status);
	struct store_cursor *cursor = allocate(1, sizeof(*cursor));
	*cursor = (struct store_cursor){.txn = txn, .table = table, .key_length = from.length, .next = txn->cursors};
	if (from.length > 0)
		memcpy(cursor->key, from.data, from.length);
	txn->cursors = cursor;
	*ret_cursor = cursor;
	return ERR_OK;
}

bool store_next(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value)
{
	if (cursor->txn->status != ERR_OK)
		return false;
	const struct version *version = table_of(cursor->txn, cursor->table);
	struct slice from = SLICE(cursor->key, cursor->key_length);
	size_t at = version_find(version, from);
	at += cursor->is_started && version_has(version, at, from);
	if (at >= version->count)
		return false;
	*ret_key = row_key(version->rows[at]);
	*ret_value = row_value(version->rows[at]);
	cursor->is_started = true;
	cursor->key_length = ret_key->length;
	memcpy(cursor->key, ret_key->data, ret_key->length);
	return true;
}

enum err store_last(struct store_txn *txn, unsigned table, struct slice *ret_key, struct slice *ret_value)
{
	TRY(txn->status);
	const struct version *version = table_of(txn, table);
	if (version->count == 0)
		return ERR_NOT_FOUND;
	*ret_key = row_key(version->rows[version->count - 1]);
	*ret_value = row_value(version->rows[version->count - 1]);
	return ERR_OK;
}

void store_cursor_close(struct store_cursor **cursor)
{
	struct store_cursor *old = *cursor;
	if (!old)
		return;
	struct store_cursor **place = &old->txn->cursors;
	while (*place != old)
		place = &(*place)->next;
	*place = old->next;
	free(old);
	*cursor = NULL;
}
