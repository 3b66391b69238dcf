/*
 * The core opened in this very process: by init for the first entry, and by serve.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_BROKER_LOCAL_H
#define KLUIS_BROKER_LOCAL_H

#include "command/folder.h"
#include "kluis/hash.h"
#include "kluis/session.h"

struct local {
	struct folder_keys keys;
	struct store *store;
	struct core *core;
	char lanes[FOLDER_PATH_MAX];
};

/* Opens keys, store and core of a folder; create makes the store. */
enum err local_open(struct local *ret_local, const char *folder, bool create, struct fault *fault) MUST_USE;
void local_close(struct local *local);

/* One operation of the controller with a paper, straight through the core, on lane 0. */
enum err local_call(struct local *local, Kluis__Operation *operation, struct slice paper, struct fault *fault) MUST_USE;

#endif
