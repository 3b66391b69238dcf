/* Keys that are the same in every run. */
#ifndef KLUIS_TEST_KEYS_H
#define KLUIS_TEST_KEYS_H

#include "kluis/keys.h"

/* Starts libsodium and makes the key with this name whose seed is 32 times byte. The caller ends it with
 * secret_key_fini; ends the program if it cannot be made. */
struct secret_key test_seed_key(const char *name, uint8_t byte);

#endif
