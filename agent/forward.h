/*
 * Commands on a folder whose daemon runs: it is asked to do them, over its local API, by the token that lies in the
 * folder. Files of the folder, written by the daemon: admin.token, till.port ("127.0.0.1 7411").
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_AGENT_FORWARD_H
#define KLUIS_AGENT_FORWARD_H

#include <jansson.h>
#include <stdbool.h>

#include "kluis/error.h"

/* Whether a daemon answers for the folder. False also for a folder where none ever ran. */
bool forward_is_running(const char *folder);
/* POST /v1/admin/<name> with body (stolen; NULL: {}). *ret_answer: a new reference, or NULL for an answer without one;
 * ret_answer may be NULL. What the daemon refuses comes back with its code and text. */
enum err forward_call(const char *folder, const char *name, json_t *body, json_t **ret_answer,
		      struct fault *fault) MUST_USE;
/* One call as an employee: signs in by handle and PIN, POST path with body (stolen; NULL: ERR_MEMORY), signs out. Else
 * as forward_call. */
struct forward_employee {
	const char *handle, *pin;
};
enum err forward_as(const char *folder, struct forward_employee employee, const char *path, json_t *body,
		    json_t **ret_answer, struct fault *fault) MUST_USE;
/* GET /v1/status. */
enum err forward_status(const char *folder, json_t **ret_status, struct fault *fault) MUST_USE;

#endif
