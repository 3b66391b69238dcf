/*
 * Head office's commands: operations signed with the controller's key, sent to
 * the running broker through its control socket. Each is logged as any other.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_BROKER_OFFICE_H
#define KLUIS_BROKER_OFFICE_H

#include <jansson.h>

#include "command/folder.h"
#include "command/settings.h"
#include "kluis/link.h"

struct office {
	const char *folder;
	struct secret_key controller;
	struct link *link;
	struct session session;
	int lane_lock;
	char lanes[FOLDER_PATH_MAX];
	struct arena arena;		 /* of the last call; reset by the next */
	const Kluis__Personal *personal; /* of its answer, in the arena; NULL: none */
	uint64_t index;			 /* of its entry */
	struct arena resumed_arena;
	struct session_answer resumed; /* to the request that a killed command left behind on this lane, if has_entry */
};

/* Opens the folder and a free lane, and connects. A request that a killed command left behind is sent again
 * first. ERR_NETWORK with advice when no broker runs. */
enum err office_open(struct office *ret_office, const char *folder, struct fault *fault) MUST_USE;
void office_close(struct office *office);

/* Sends one operation, with a paper if it has one; ERR_OK only when it was granted. ret_data: items of
 * its Data (may be NULL); valid until the next call. */
enum err office_call(struct office *office, Kluis__Operation *operation, struct slice paper, Kluis__Data **ret_data,
		     struct fault *fault) MUST_USE;
/* The same with a part. ret_result may be NULL. */
enum err office_call_part(struct office *office, Kluis__Operation *operation, Kluis__Part *part, struct slice paper,
			  Kluis__Data **ret_data, Kluis__Result **ret_result, struct fault *fault) MUST_USE;

/* Opens the office and asks for one of head office's lists; says on standard error if there is more of it than one
 * answer holds. */
enum err office_list(struct office *ret_office, const char *folder, Kluis__Operation *operation, Kluis__Data **ret_data,
		     struct fault *fault) MUST_USE;
/* A time for a table's cell: null for 0. */
json_t *office_json_time(uint64_t time_ms);

/* The charter in force, opened; charter and texts live in arena. */
enum err office_charter(struct office *office, struct arena *arena, struct charter *ret_charter,
			struct fault *fault) MUST_USE;

#endif
