/*
 * Ordered tables of bytes with snapshot reads and one atomic, durable commit.
 * The broker and the agent keep everything here. LMDB lies behind it and shows
 * in no type; the simulation puts memory behind it (tests/sim/store_memory.c).
 *
 * Values read are valid until their transaction ends, in a write transaction
 * only until its next put, append or delete: copy what must live on.
 *
 * A key has 1 to STORE_KEY_MAX bytes. Another length is never found, and
 * putting it fails with ERR_TOO_LARGE.
 *
 * Threads: any number of read transactions in any threads; one write
 * transaction at a time. A transaction stays in the thread that began it.
 * The map grows only while no read transaction is open, so read transactions
 * are short, and nobody may wait for an update while holding one: a thread
 * that calls store_update with a read transaction of its own open is stopped
 * by an assertion.
 */
#ifndef KLUIS_STORE_H
#define KLUIS_STORE_H

#include "kluis/bytes.h"

#define STORE_KEY_MAX 500 /* bytes: LMDB's 511 less some room */
#define STORE_TABLES_MAX 32

struct store;
struct store_txn;
struct store_cursor;

/* The application's tables by name; a table's number is its place here. */
struct store_layout {
	const char *const *tables;
	size_t table_count;
	uint32_t schema;	 /* of the rows; another one in the folder is ERR_VERSION */
	const char *application; /* "kluis-broker": a folder of another program is ERR_VERSION */
};

/* Opens folder (made with mode 0700 if create, which then must not hold a store yet: ERR_EXISTS). One process at
 * a time: ERR_IN_USE. ERR_NOT_FOUND without create, ERR_MODE if others may enter the folder, ERR_CORRUPT. The layout
 * must outlive the store. */
enum err store_open(const char *folder, const struct store_layout *layout, bool create, struct store **ret_store,
		    struct fault *fault) MUST_USE;
void store_close(struct store **store);

/* A snapshot: later commits do not show in it. */
enum err store_begin_read(struct store *store, struct store_txn **ret_txn) MUST_USE;
void store_end_read(struct store_txn **txn);

/*
 * Runs write(txn, context) in the one write transaction and commits it with
 * everything on stable storage (fdatasync) when it returns ERR_OK; any other
 * result aborts and is handed up. The store's map grows by itself: write may
 * therefore be run more than once and must begin afresh each time.
 * ERR_DISK_FULL, ERR_IO: nothing was changed.
 */
typedef enum err store_write_fn(struct store_txn *txn, void *context);
enum err store_update(struct store *store, store_write_fn *write, void *context) MUST_USE;

/* ERR_NOT_FOUND when the key is not there. In a write transaction what was put before is seen. */
enum err store_get(struct store_txn *txn, unsigned table, struct slice key, struct slice *ret_value) MUST_USE;

/* Writes are sticky: the first failure is kept and handed out by store_update, so a long sequence needs no checks. */
void store_put(struct store_txn *txn, unsigned table, struct slice key, struct slice value);
/* For keys that only grow; key must be greater than all in the table, or the transaction fails with ERR_CORRUPT. */
void store_append(struct store_txn *txn, unsigned table, struct slice key, struct slice value);
/* Nothing happens if the key is not there. */
void store_delete(struct store_txn *txn, unsigned table, struct slice key);
/* The sticky failure so far. */
enum err store_txn_status(const struct store_txn *txn) MUST_USE;

/* Walks keys in order from the first one not less than from. A cursor ends with its transaction or store_cursor_close.
 */
enum err store_seek(struct store_txn *txn, unsigned table, struct slice from,
		    struct store_cursor **ret_cursor) MUST_USE;
/* False at the end, and at a failure, which store_txn_status then tells; slices valid until the next call. The walk
 * goes on at the right place when rows are put or deleted on the way. */
bool store_next(struct store_cursor *cursor, struct slice *ret_key, struct slice *ret_value);
/* The last key of a table; ERR_NOT_FOUND if it is empty. */
enum err store_last(struct store_txn *txn, unsigned table, struct slice *ret_key, struct slice *ret_value) MUST_USE;
void store_cursor_close(struct store_cursor **cursor);

/* Rows in a table. */
uint64_t store_count(struct store_txn *txn, unsigned table);

#endif
