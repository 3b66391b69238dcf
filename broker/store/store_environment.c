#include "store_lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/file.h"

#define READERS_MAX 1024	 /* read transactions at once; a slot is 64 bytes */
#define META_TABLE "kluis.store" /* a dot: no table of an application has one */

static const struct {
	int code;
	enum err err;
} code_table[] = {
	{MDB_SUCCESS, ERR_OK},
	{MDB_NOTFOUND, ERR_NOT_FOUND},
	{MDB_KEYEXIST, ERR_CORRUPT},
	{MDB_PAGE_NOTFOUND, ERR_CORRUPT},
	{MDB_CORRUPTED, ERR_CORRUPT},
	{MDB_INVALID, ERR_CORRUPT},
	{MDB_INCOMPATIBLE, ERR_CORRUPT},
	{MDB_BAD_DBI, ERR_CORRUPT},
	{MDB_VERSION_MISMATCH, ERR_VERSION},
	{MDB_READERS_FULL, ERR_BUSY},
	{MDB_TXN_FULL, ERR_TOO_LARGE},
	{MDB_BAD_VALSIZE, ERR_TOO_LARGE},
	{MDB_MAP_FULL, ERR_DISK_FULL},
	{ENOMEM, ERR_MEMORY},
	{ENOSPC, ERR_DISK_FULL},
	{EDQUOT, ERR_DISK_FULL},
	{EFBIG, ERR_DISK_FULL},
};

enum err store_code(int code)
{
	for (size_t i = 0; i < sizeof(code_table) / sizeof(code_table[0]); i++) {
		if (code_table[i].code == code)
			return code_table[i].err;
	}
	return ERR_IO;
}

static int open_tables(struct store *store, MDB_txn *txn, unsigned flags)
{
	int code = mdb_dbi_open(txn, META_TABLE, flags, &store->tables[META_DBI]);
	for (size_t i = 0; i < store->layout->table_count && code == MDB_SUCCESS; i++)
		code = mdb_dbi_open(txn, store->layout->tables[i], flags, &store->tables[i]);
	return code;
}

static int open_files(struct store *store)
{
	int code = mdb_env_create(&store->env);
	if (code != MDB_SUCCESS)
		return code;
	if ((code = mdb_env_set_maxdbs(store->env, STORE_TABLES_MAX + 1)) == MDB_SUCCESS &&
	    (code = mdb_env_set_maxreaders(store->env, READERS_MAX)) == MDB_SUCCESS &&
	    (code = mdb_env_set_mapsize(store->env, store->map_size)) == MDB_SUCCESS)
		code = mdb_env_open(store->env, store->folder, MDB_NOTLS, 0600);
	return code;
}

void environment_close(struct store *store)
{
	while (store->pool) {
		struct store_txn *txn = store->pool;
		store->pool = txn->next;
		mdb_txn_abort(txn->txn);
		free(txn);
	}
	if (store->env)
		mdb_env_close(store->env);
	store->env = NULL;
}

/* How many of the pages from first on the free list holds. */
static int count_free_pages(MDB_txn *txn, size_t first, size_t *ret_count)
{
	MDB_cursor *cursor;
	int code = mdb_cursor_open(txn, 0, &cursor);
	if (code != MDB_SUCCESS)
		return code;
	size_t count = 0;
	MDB_val key, pages;
	while ((code = mdb_cursor_get(cursor, &key, &pages, MDB_NEXT)) == MDB_SUCCESS) {
		const size_t *list = pages.mv_data; /* a count and that many page numbers */
		for (size_t i = 1; i <= list[0] && i < pages.mv_size / sizeof(size_t); i++)
			count += list[i] >= first;
	}
	mdb_cursor_close(cursor);
	*ret_count = count;
	return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

/*
 * LMDB maps the file and would die of a bus error when its end is cut off. A
 * sound file may miss pages at its end only if they are free, since those were
 * never written. The missing part is filled with a hole before anything is read.
 */
static enum err check_length(struct store *store, MDB_txn *txn)
{
	MDB_envinfo info;
	MDB_stat env_stat;
	struct stat file;
	int descriptor;
	if (mdb_env_info(store->env, &info) || mdb_env_stat(store->env, &env_stat) ||
	    mdb_env_get_fd(store->env, &descriptor) || fstat(descriptor, &file))
		return ERR_IO;
	size_t present = (size_t)file.st_size / env_stat.ms_psize, wanted = info.me_last_pgno + 1;
	if (present >= wanted)
		return ERR_OK;
	if (ftruncate(descriptor, (off_t)(wanted * env_stat.ms_psize)))
		return file_error(errno);
	size_t free_count;
	if (count_free_pages(txn, present, &free_count) == MDB_SUCCESS && free_count == wanted - present)
		return ERR_OK;
	return ftruncate(descriptor, file.st_size) ? ERR_IO : ERR_CORRUPT;
}

enum err environment_reopen(struct store *store)
{
	MDB_txn *txn = NULL;
	int code = open_files(store);
	if (code == MDB_SUCCESS)
		code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
	if (code == MDB_SUCCESS && (code = open_tables(store, txn, 0)) != MDB_SUCCESS)
		mdb_txn_abort(txn);
	else if (code == MDB_SUCCESS)
		code = mdb_txn_commit(txn);
	if (code != MDB_SUCCESS)
		environment_close(store);
	return store_code(code);
}

static enum err put_meta(struct store *store, MDB_txn *txn)
{
	uint8_t schema[4];
	put_u32(schema, store->layout->schema);
	MDB_val key = val_of(slice_text("application")), value = val_of(slice_text(store->layout->application));
	int code = mdb_put(txn, store->tables[META_DBI], &key, &value, 0);
	key = val_of(slice_text("schema"));
	value = val_of(SLICE_ARRAY(schema));
	if (code == MDB_SUCCESS)
		code = mdb_put(txn, store->tables[META_DBI], &key, &value, 0);
	return store_code(code);
}

static enum err check_meta(struct store *store, MDB_txn *txn, struct fault *fault)
{
	MDB_val key = val_of(slice_text("application")), application, schema;
	int code = mdb_get(txn, store->tables[META_DBI], &key, &application);
	key = val_of(slice_text("schema"));
	if (code != MDB_SUCCESS || (code = mdb_get(txn, store->tables[META_DBI], &key, &schema)) != MDB_SUCCESS ||
	    schema.mv_size != 4)
		return fault_set(fault, ERR_CORRUPT, "%s: does not say which program made it", store->folder);
	uint32_t number = get_u32(schema.mv_data);
	if (!slice_equal(slice_of(application), slice_text(store->layout->application)))
		return fault_set(fault, ERR_VERSION, "%s: belongs to %.*s, this is %s", store->folder,
				 (int)(application.mv_size < 64 ? application.mv_size : 64),
				 (const char *)application.mv_data, store->layout->application);
	if (number != store->layout->schema)
		return fault_set(fault, ERR_VERSION,
				 "%s: has schema %u of %s, this version knows schema %u: use the version that made it, "
				 "or begin with an empty folder",
				 store->folder, number, store->layout->application, store->layout->schema);
	return ERR_OK;
}

/* A file without any table is what a creation leaves that was killed before its commit. */
static enum err check_empty(struct store *store, MDB_txn *txn, struct fault *fault)
{
	MDB_dbi root;
	MDB_stat root_stat;
	int code = mdb_dbi_open(txn, NULL, 0, &root);
	if (code != MDB_SUCCESS || (code = mdb_stat(txn, root, &root_stat)) != MDB_SUCCESS)
		return store_code(code);
	if (root_stat.ms_entries > 0)
		return fault_set(fault, ERR_EXISTS, "%s: holds a store already", store->folder);
	return ERR_OK;
}

static enum err create_tables(struct store *store, MDB_txn *txn, struct fault *fault)
{
	TRY(check_empty(store, txn, fault));
	TRY(store_code(open_tables(store, txn, MDB_CREATE)));
	return put_meta(store, txn);
}

static enum err check_tables(struct store *store, MDB_txn *txn, struct fault *fault)
{
	TRY(check_length(store, txn));
	int code = mdb_dbi_open(txn, META_TABLE, 0, &store->tables[META_DBI]);
	if (code == MDB_NOTFOUND)
		return fault_set(fault, ERR_NOT_FOUND, "%s: holds no store", store->folder);
	TRY(store_code(code));
	TRY(check_meta(store, txn, fault));
	code = open_tables(store, txn, 0);
	return code == MDB_NOTFOUND ? ERR_CORRUPT : store_code(code);
}

static enum err settle(struct store *store, bool create, struct fault *fault)
{
	MDB_txn *txn;
	int dead;
	(void)!mdb_reader_check(store->env, &dead);
	TRY(store_code(mdb_txn_begin(store->env, NULL, create ? 0 : MDB_RDONLY, &txn)));
	enum err err = create ? create_tables(store, txn, fault) : check_tables(store, txn, fault);
	if (err != ERR_OK) {
		mdb_txn_abort(txn);
		return err;
	}
	return store_code(mdb_txn_commit(txn));
}

enum err environment_open(struct store *store, bool create, struct fault *fault)
{
	enum err err = store_code(open_files(store));
	return err == ERR_OK ? settle(store, create, fault) : err;
}
