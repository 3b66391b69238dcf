/*
 * Imports as head office's command makes them: files in a scratch folder, FoodMart's charter, a real session, and the
 * broker of import_broker.h.
 */
#ifndef KLUIS_TEST_IMPORT_WORLD_H
#define KLUIS_TEST_IMPORT_WORLD_H

#include "command/import.h"
#include "import_broker.h"
#include "scratch.h"

struct world {
	char folder[SCRATCH_MAX];
	char csv[SCRATCH_MAX + 32], map[SCRATCH_MAX + 32], rejects[SCRATCH_MAX + 32];
	struct arena arena;
	struct charter *charter;
	struct secret_key key;
	struct import_broker *broker;
	char *summary; /* of the last run, JSON */
	struct fault fault;
};

/* cmocka's setup and teardown: *state is a struct world. */
int world_begin(void **state);
int world_end(void **state);

/* One run of the command, with a session that is opened anew as a process would. */
enum err world_run_file(struct world *world, enum import_kind kind, const char *csv, const char *map);
/* The same with files of these texts. */
enum err world_run(struct world *world, enum import_kind kind, const char *csv, const char *map);
/* A number of the last summary by its key. */
int64_t world_count(const struct world *world, const char *key);

/* Where FoodMart's files are: $KLUIS_FOODMART, else ../shared/data beside the source tree; NULL if they are not. */
const char *foodmart_folder(void);

#endif
