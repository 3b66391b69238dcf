/*
 * store.h over memory, for the simulation: what was committed stays on a "disk"
 * that outlives the store's handle, under the folder's name, and the disk
 * fails when it is told to. One thread.
 *
 * Every commit is synced when store_update returns, so there is nothing
 * unsynced to lose: a crash keeps exactly what was committed.
 */
#ifndef KLUIS_SIM_STORE_MEMORY_H
#define KLUIS_SIM_STORE_MEMORY_H

#include "kluis/store.h"

/* Forgets all disks (whose stores must be closed) and seeds the choices below. */
void store_memory_reset(uint64_t seed);

enum store_memory_when {
	STORE_MEMORY_BEFORE, /* the next commit is lost */
	STORE_MEMORY_IN,     /* the seed chooses whether it is lost or kept: its caller cannot know */
	STORE_MEMORY_AFTER,  /* it is kept, but its caller never hears of it */
};

/* The machine dies at the next update that would commit: it and everything after give ERR_IO until the store is
 * closed and opened again. Transactions that are open stay readable until they end. */
void store_memory_crash(struct store *store, enum store_memory_when when);
/* The same after some more commits. */
void store_memory_crash_later(struct store *store, unsigned commits, enum store_memory_when when);
/* Dies now, between two commits. */
void store_memory_crash_now(struct store *store);
bool store_memory_is_crashed(const struct store *store);

/* While full, updates that would write anything give ERR_DISK_FULL and change nothing. Stays through a crash. */
void store_memory_set_full(struct store *store, bool is_full);

/* Runs every count-th update's callback twice, the first time for nothing, as the growing map of LMDB does; 0: never.
 */
void store_memory_set_rerun(struct store *store, unsigned count);

/* Commits on this store's disk since it was made. */
uint64_t store_memory_commits(const struct store *store);

/* Puts a copy of what is on the disk from in place of what is on the disk to: a backup, or its return. Both must be
 * closed; false if from does not exist. */
bool store_memory_copy(const char *from, const char *to);

#endif
