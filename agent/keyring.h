/*
 * Keys that open the store's copy, one for each purpose, and until when they may: the lease (FORMAT.md R127).
 * A key is a file of its own, so that destroying it is destroying the copy, whatever an
 * older image of the database still holds. It is overwritten, removed, and the folder synced.
 *
 *     leases/<purpose>.key      32 bytes as secret_bytes_create writes them
 *
 * The lease's end stands in the database, sealed with the agent's own key (a store that writes a later one there has to
 * forge it; it has that key too: see the threat model).
 *
 * Threads: the caller's lock (shop.h).
 */
#ifndef KLUIS_AGENT_KEYRING_H
#define KLUIS_AGENT_KEYRING_H

#include "kluis/charter.h"
#include "kluis/hash.h"

/* Where keys are kept: files, or a simulation's disk. */
struct key_memory {
	void *context;
	/* 32 bytes; ERR_NOT_FOUND. */
	enum err (*load)(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE]);
	/* Makes a random one, durable when it returns; replaces one that is there. */
	enum err (*make)(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE]);
	/* Gone for good when it returns; one that is not there is fine. */
	enum err (*destroy)(void *context, const char *purpose);
};
/* Memory in files "<folder>/<purpose>.key"; context is the folder's path, which must outlive it. */
struct key_memory key_files(const char *folder);

#endif
