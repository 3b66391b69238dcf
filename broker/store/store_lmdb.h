/*
 * What the files of the store share. LMDB's codes, types and map are seen in
 * this folder only.
 *
 * store_environment.c   the folder: LMDB's environment, its tables, its map, what is in it
 * store.c               open and close, transactions
 * store_row.c           rows and cursors in a transaction
 */
#ifndef KLUIS_STORE_LMDB_H
#define KLUIS_STORE_LMDB_H

#include <lmdb.h>
#include <pthread.h>

#include "kluis/store.h"

#define STORE_FOLDER_MAX 3072	  /* bytes of its path */
#define META_DBI STORE_TABLES_MAX /* what the folder is: application and schema */

/* A cursor in a write transaction remembers its key, so that puts and deletes between two steps cannot move it. */
struct store_cursor {
	struct store_txn *txn;
	struct store_cursor *next;
	MDB_cursor *cursor;
	unsigned table;
	bool is_started;
	uint64_t changes; /* of the transaction when the cursor last moved */
	size_t key_length;
	uint8_t key[STORE_KEY_MAX];
};

struct store_txn {
	struct store *store;
	struct store_txn *next; /* in this thread's list or in the pool */
	MDB_txn *txn;
	struct store_cursor *cursors;
	bool is_write;
	bool is_map_full;
	uint64_t changes;
	enum err status; /* the first failure */
};

struct store {
	MDB_env *env; /* NULL when it could not be opened again; the next update tries */
	MDB_dbi tables[STORE_TABLES_MAX + 1];
	const struct store_layout *layout;
	size_t map_size;
	int lock;
	pthread_mutex_t writer; /* held through store_update */
	pthread_mutex_t gate;	/* guards what follows */
	pthread_cond_t is_quiet;
	bool is_changing; /* the map waits for readers to leave; no new ones come in */
	unsigned active;
	struct store_txn *pool; /* ended read transactions that keep their reader slot */
	char folder[STORE_FOLDER_MAX];
};

/* LMDB's or the system's code as ours; what is not in the table is ERR_IO. */
enum err store_code(int code) MUST_USE;

/* LMDB never writes through the value. */
static inline MDB_val val_of(struct slice slice)
{
	return (MDB_val){.mv_size = slice.length, .mv_data = (void *)(uintptr_t)slice.data};
}

static inline struct slice slice_of(MDB_val val)
{
	return SLICE(val.mv_data, val.mv_size);
}

/* Opens the environment in store->folder with a map of store->map_size and makes sure that it is what the layout
 * says, or with create makes it so. */
enum err environment_open(struct store *store, bool create, struct fault *fault) MUST_USE;
/* The same for one that was checked before. */
enum err environment_reopen(struct store *store) MUST_USE;
/* Ends the pooled transactions and closes the environment. */
void environment_close(struct store *store);

#endif
