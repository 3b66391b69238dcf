/*
 * libsodium's random numbers from a seed, so that keys, salts and nonces of a simulated run are the same every time.
 */
#ifndef KLUIS_SIM_SEEDED_H
#define KLUIS_SIM_SEEDED_H

#include <stdint.h>

/* Takes the place of the system's generator; once, before keys_init. */
void seeded_install(void);
/* What is drawn from here on depends on seed alone. */
void seeded_start(uint64_t seed);

#endif
