/*
 * One JSON call to the agent's local API after the other, over one connection that is made when it is needed.
 *
 * Threads: a client belongs to one thread at a time.
 */
#ifndef KLUIS_AGENT_CLIENT_HTTP_H
#define KLUIS_AGENT_CLIENT_HTTP_H

#include <jansson.h>

#include "kluis/error.h"

struct http_client;

/* NULL when memory is short. Connects at the first call. address: "127.0.0.1" or "::1". */
struct http_client *http_client_new(const char *address, unsigned port);
void http_client_free(struct http_client **client);
/* The token that calls carry from now on; NULL: none. */
enum err http_client_authorize(struct http_client *client, const char *token) MUST_USE;

/*
 * method "POST", "GET", "DELETE"; body may be NULL. *ret_status is HTTP's, *ret_answer an object (a new reference) or
 * NULL without a body. ERR_NETWORK: nothing answers there, or not in time; ERR_INPUT: not an answer of the API's. A
 * call on a connection that had been idle and turns out to be closed is made once more on a new one.
 */
enum err http_client_call(struct http_client *client, const char *method, const char *path, const json_t *body,
			  unsigned *ret_status, json_t **ret_answer, struct fault *fault) MUST_USE;

#endif
