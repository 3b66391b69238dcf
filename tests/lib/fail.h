/*
 * Calls that fail on purpose. Unit tests are linked with --wrap for the calls below, as far as kluis itself makes them
 * (what libsodium, LMDB or libc allocate inside is not touched), so a test can make the n-th one fail:
 *
 *     static enum err run(void *context) { ...  // everything from a fresh start, cleaned up on every way out
 *     }
 *     fail_sweep(FAIL_MEMORY, run, NULL);
 *
 * runs it with the 1st, 2nd, 3rd ... call failing until it gets through without a failure. Each run in which a
 * call failed must return another code than ERR_OK, and the last one ERR_OK; LeakSanitizer sees what was not given
 * back. cmocka's assertions jump out of run: they must not stand where something is to be cleaned up.
 *
 * Another library's calls join in by a wrapper of their own (-Wl,--wrap=mdb_put in tests/CMakeLists.txt) that begins
 * with `if (fail_now(FAIL_STORE)) return MDB_...;`.
 *
 * Threads: calls of all threads are counted together.
 */
#ifndef KLUIS_TEST_FAIL_H
#define KLUIS_TEST_FAIL_H

#include <stdbool.h>

#include "kluis/error.h"

#define FAIL_MEMORY 1u /* malloc, calloc, realloc, sodium_malloc: no memory */
#define FAIL_DISK 2u   /* write, fsync, rename, link, mkostemp: EIO */
#define FAIL_STORE 4u  /* for wrappers of mdb_* */
#define FAIL_NET 8u    /* for wrappers of nng_* */

/* From now on the n-th call (from 1) of these kinds fails, once. */
void fail_begin(unsigned kinds, unsigned n);
/* No call fails any more. True if one has. */
bool fail_end(void);
/* For wrappers: counts this call; true if it is the one that is to fail. */
bool fail_now(unsigned kind);

void fail_sweep(unsigned kinds, enum err (*run)(void *context), void *context);
/* The same for a run that makes the same few calls over and over from its from-th to its to-th: only some of these
 * fail. */
void fail_sweep_alike(unsigned kinds, unsigned from, unsigned to, enum err (*run)(void *context), void *context);

#endif
