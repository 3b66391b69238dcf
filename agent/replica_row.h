/*
 * What the files of the replica share: keys of its tables, and the purpose's key while it is used.
 *
 * Threads: pure but for the transaction.
 */
#ifndef KLUIS_AGENT_REPLICA_ROW_H
#define KLUIS_AGENT_REPLICA_ROW_H

#include "replica.h"

#define REPLICA_ROW_HEAD (4 + 8 + 4 + 8)
#define REPLICA_ROW_MAX (RECORD_MAX + REPLICA_ROW_HEAD)
#define REPLICA_KEY_MAX (NAME_MAX_ + 1 + HANDLE_SIZE + PSEUDONYM_SIZE)

/* "<purpose>" || 0 || rest: what is of a purpose stands together. rest has at most HANDLE_SIZE + PSEUDONYM_SIZE bytes.
 */
struct slice replica_key(const char *purpose, struct slice rest, uint8_t place[static REPLICA_KEY_MAX]);
bool replica_is_of(struct slice key, struct slice prefix);
/* In REPLICA_META: where the copy stands, and on which day it was begun. */
struct slice replica_cursor_key(const char *purpose, uint8_t place[static REPLICA_KEY_MAX]);
struct slice replica_day_key(const char *purpose, uint8_t place[static REPLICA_KEY_MAX]);
/* 0 under another agreement. */
enum err replica_read_cursor(struct store_txn *txn, const struct replica *replica, const char *purpose,
			     const uint8_t agreement[static HASH_SIZE], uint64_t *ret_cursor) MUST_USE;

/* The purpose's key, wiped at the end. ERR_EXPIRED if there is none. */
struct copy_key {
	uint8_t bytes[KEY_SIZE];
};
enum err copy_key_load(const struct replica *replica, const char *purpose, struct copy_key *ret_key) MUST_USE;
void copy_key_fini(struct copy_key *key);

/* Opens a row and hands it to visit. */
enum err replica_open_row(const struct copy_key *key, struct slice row_key, struct slice sealed, replica_fn *visit,
			  void *context) MUST_USE;

/* Removes the rows of a purpose from a table, some at a time, each time durably; adds to *ret_count how many. */
enum err replica_drop(const struct replica *replica, enum replica_table table, const char *purpose,
		      uint64_t *ret_count) MUST_USE;

/* The handle key of the lease (R130), opened. ERR_NOT_FOUND without a lease; ERR_CRYPTO when lease or handle key do not
 * open. */
enum err replica_handle_key(const struct replica *replica, const char *purpose, const struct copy_key *key,
			    struct copy_key *ret_handle_key) MUST_USE;
/* Destroys the purpose's key and makes another, which the lease then has; drops rows and all that goes with them first.
 * What a crash interrupts is stale (replica_is_stale), or begins anew at cursor 0. */
enum err replica_renew_key(const struct replica *replica, const char *purpose, struct copy_key *key) MUST_USE;

#endif
