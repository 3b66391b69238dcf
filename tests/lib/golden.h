/*
 * Golden vectors: byte strings that tests/vectors/golden.py computed from
 * FORMAT.md alone. Changing one is a new version of FORMAT.md.
 */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include "kluis/keys.h"
#include "kluis/merkle.h"

#define GOLDEN_MAX 4096 /* bytes of any vector */
#define GOLDEN_ORIGIN "loyalty.example/formula"
#define GOLDEN_STORE GOLDEN_ORIGIN "/store/12"
#define GOLDEN_LOG GOLDEN_ORIGIN "/log"
#define GOLDEN_STORE_SEED 0x12 /* 32 times */
#define GOLDEN_LOG_SEED 0x19

/* Appends the bytes of tests/vectors/golden_<name>.hex; a test fails if it cannot. */
void golden_read(const char *name, struct bytes *ret_bytes);
/* The secret key of 32 times the seed byte under the name; give it back by secret_key_fini. */
void golden_key(const char *name, uint8_t seed, struct secret_key *ret_key);

/* The golden tree: three leaves, of which the entry is the middle one. */
#define GOLDEN_SIZE 3
void golden_leaves(struct hash ret_leaves[static GOLDEN_SIZE]);

#endif
