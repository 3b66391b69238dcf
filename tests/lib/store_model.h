/*
 * Random puts, appends, deletes, walks, snapshots, aborts and reopenings on the
 * store that the program is linked with, beside a plain sorted array that says
 * what must be seen. The LMDB store and the simulation's must pass the same.
 */
#ifndef KLUIS_TEST_STORE_MODEL_H
#define KLUIS_TEST_STORE_MODEL_H

#include "kluis/store.h"

extern const struct store_layout store_model_layout;

/* Makes a store in folder and runs steps on it; a cmocka assertion fails at the first difference. */
void store_model_run(const char *folder, uint64_t seed, unsigned steps);

#endif
