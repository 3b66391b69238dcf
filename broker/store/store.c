#include "kluis/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/file.h"
#include "store_lmdb.h"

#define MAP_INITIAL ((size_t)4 * 1024 * 1024) /* bytes; doubles, so a 100 GiB store has grown 15 times */

/* Read transactions open in this thread. */
static _Thread_local struct store_txn *open_here;

/* ---- open and close ---- */

/* So that the file's name is durable too. */
static enum err sync_folder(const char *folder)
{
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return file_error(errno);
	int result = fsync(descriptor);
	close(descriptor);
	return result ? ERR_IO : ERR_OK;
}

static enum err prepare_folder(struct store *store, bool create, struct fault *fault)
{
	char path[STORE_FOLDER_MAX + 16];
	struct stat file;
	if (create)
		TRY(folder_make(store->folder, 0700, fault));
	snprintf(path, sizeof(path), "%s/data.mdb", store->folder);
	bool is_there = stat(path, &file) == 0;
	if (!create && !is_there)
		return fault_set(fault, ERR_NOT_FOUND, "%s: holds no store", store->folder);
	TRY(file_check_private(store->folder, true, fault));
	if (is_there && (size_t)file.st_size > store->map_size)
		store->map_size = (size_t)file.st_size;
	snprintf(path, sizeof(path), "%s/lock", store->folder);
	return file_lock(path, &store->lock, fault);
}

static struct store *store_new(const char *folder, const struct store_layout *layout)
{
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return NULL;
	snprintf(store->folder, sizeof(store->folder), "%s", folder);
	store->layout = layout;
	store->map_size = MAP_INITIAL;
	store->lock = -1;
	pthread_mutex_init(&store->writer, NULL);
	pthread_mutex_init(&store->gate, NULL);
	pthread_cond_init(&store->is_quiet, NULL);
	return store;
}

enum err store_open(const char *folder, const struct store_layout *layout, bool create, struct store **ret_store,
		    struct fault *fault)
{
	assert(layout->table_count <= STORE_TABLES_MAX);
	if (strlen(folder) >= STORE_FOLDER_MAX)
		return fault_set(fault, ERR_TOO_LARGE, "the folder's path is too long");
	CLEANUP(store_close) struct store *store = store_new(folder, layout);
	if (!store)
		return ERR_MEMORY;
	TRY(prepare_folder(store, create, fault));
	enum err err = environment_open(store, create, fault);
	if (err == ERR_OK && create)
		err = sync_folder(folder);
	if (err != ERR_OK)
		return fault_set(fault, err, "%s: %s", folder, error_text(err));
	*ret_store = store;
	store = NULL;
	return ERR_OK;
}

void store_close(struct store **store)
{
	struct store *old = *store;
	if (!old)
		return;
	assert(old->active == 0);
	environment_close(old);
	if (old->lock >= 0)
		file_unlock(&old->lock);
	pthread_cond_destroy(&old->is_quiet);
	pthread_mutex_destroy(&old->gate);
	pthread_mutex_destroy(&old->writer);
	free(old);
	*store = NULL;
}

/* ---- transactions ---- */

static bool reads_here(const struct store *store)
{
	const struct store_txn *txn = open_here;
	while (txn && txn->store != store)
		txn = txn->next;
	return txn != NULL;
}

static void close_cursors(struct store_txn *txn)
{
	while (txn->cursors) {
		struct store_cursor *cursor = txn->cursors;
		store_cursor_close(&cursor);
	}
}

/* Counts one reader in and takes an ended transaction out of the pool if there is one. */
static enum err enter(struct store *store, struct store_txn **ret_pooled)
{
	pthread_mutex_lock(&store->gate);
	/* a thread that is in already must not wait for a change that waits for it */
	while (store->is_changing && !reads_here(store))
		pthread_cond_wait(&store->is_quiet, &store->gate);
	enum err err = store->env ? ERR_OK : ERR_IO;
	if (err == ERR_OK) {
		store->active++;
		*ret_pooled = store->pool;
		if (store->pool)
			store->pool = store->pool->next;
	}
	pthread_mutex_unlock(&store->gate);
	return err;
}

static void leave(struct store *store, struct store_txn *pooled)
{
	pthread_mutex_lock(&store->gate);
	if (pooled) {
		pooled->next = store->pool;
		store->pool = pooled;
	}
	if (--store->active == 0 && store->is_changing)
		pthread_cond_broadcast(&store->is_quiet);
	pthread_mutex_unlock(&store->gate);
}

enum err store_begin_read(struct store *store, struct store_txn **ret_txn)
{
	struct store_txn *txn;
	TRY(enter(store, &txn));
	int code = ENOMEM;
	if (txn) {
		code = mdb_txn_renew(txn->txn);
	} else if ((txn = calloc(1, sizeof(*txn))) != NULL) {
		txn->store = store;
		code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->txn);
	}
	if (code != MDB_SUCCESS) {
		if (txn && txn->txn)
			mdb_txn_abort(txn->txn);
		free(txn);
		leave(store, NULL);
		return store_code(code);
	}
	txn->status = ERR_OK;
	txn->next = open_here;
	open_here = txn;
	*ret_txn = txn;
	return ERR_OK;
}

void store_end_read(struct store_txn **txn)
{
	struct store_txn *old = *txn, **place = &open_here;
	if (!old)
		return;
	while (*place && *place != old)
		place = &(*place)->next;
	assert(*place == old); /* a transaction ends in the thread that began it */
	*place = old->next;
	close_cursors(old);
	mdb_txn_reset(old->txn);
	leave(old->store, old);
	*txn = NULL;
}

/* Opens the environment anew with a map of size bytes when no reader is left in it; with the old size if that fails.
 * The writer's lock is held. */
static enum err change_map(struct store *store, size_t size)
{
	pthread_mutex_lock(&store->gate);
	store->is_changing = true;
	while (store->active > 0)
		pthread_cond_wait(&store->is_quiet, &store->gate);
	environment_close(store);
	size_t size_before = store->map_size;
	store->map_size = size;
	enum err err = environment_reopen(store);
	if (err != ERR_OK && size != size_before) {
		store->map_size = size_before;
		(void)!environment_reopen(store);
	}
	store->is_changing = false;
	pthread_cond_broadcast(&store->is_quiet);
	pthread_mutex_unlock(&store->gate);
	return err;
}

/* A short write is EIO to LMDB, though mostly the disk is full; then not even the next page fits. */
static bool is_disk_full(struct store *store)
{
	int descriptor;
	struct stat file;
	struct rlimit limit;
	if (mdb_env_get_fd(store->env, &descriptor) || fstat(descriptor, &file) || getrlimit(RLIMIT_FSIZE, &limit))
		return false;
	if (limit.rlim_cur != RLIM_INFINITY && (rlim_t)file.st_size >= limit.rlim_cur)
		return true;
	return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, file.st_size, 1024 * 1024) &&
	       store_code(errno) == ERR_DISK_FULL;
}

/* After a commit that failed LMDB may refuse everything; open it anew, so that room on the disk is all it needs. */
static enum err recover(struct store *store, int code)
{
	enum err err = code == EIO && is_disk_full(store) ? ERR_DISK_FULL : store_code(code);
	(void)!change_map(store, store->map_size);
	return err;
}

static enum err update_once(struct store *store, store_write_fn *write, void *context, bool *ret_is_map_full)
{
	struct store_txn txn = {.store = store, .is_write = true};
	TRY(store_code(mdb_txn_begin(store->env, NULL, 0, &txn.txn)));
	enum err err = write(&txn, context);
	close_cursors(&txn);
	if (txn.status != ERR_OK)
		err = txn.status;
	if (err != ERR_OK) {
		mdb_txn_abort(txn.txn);
		*ret_is_map_full = txn.is_map_full;
		return err;
	}
	int code = mdb_txn_commit(txn.txn);
	*ret_is_map_full = code == MDB_MAP_FULL;
	return code == MDB_SUCCESS || code == MDB_MAP_FULL ? store_code(code) : recover(store, code);
}

static enum err update(struct store *store, store_write_fn *write, void *context)
{
	if (!store->env)
		TRY(change_map(store, store->map_size));
	bool is_map_full = false;
	enum err err = update_once(store, write, context, &is_map_full);
	while (is_map_full) {
		TRY(change_map(store, store->map_size * 2));
		is_map_full = false;
		err = update_once(store, write, context, &is_map_full);
	}
	return err;
}

enum err store_update(struct store *store, store_write_fn *write, void *context)
{
	assert(!reads_here(store)); /* the map could not grow while this thread looks at it */
	pthread_mutex_lock(&store->writer);
	enum err err = update(store, write, context);
	pthread_mutex_unlock(&store->writer);
	return err;
}
