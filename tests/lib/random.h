/* Repeatable random numbers for tests (splitmix64, Steele, Lea and Flood 2014). */
#ifndef KLUIS_TEST_RANDOM_H
#define KLUIS_TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state; /* the seed at the start */
};

uint64_t random_next(struct random *random);
/* 0 to bound - 1; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);
void random_fill(struct random *random, uint8_t *ret_bytes, size_t count);

#endif
