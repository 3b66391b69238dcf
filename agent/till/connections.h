/*
 * Ends connections to the local API that say nothing, and those beyond a number: nng's HTTP server has no bound of its
 * own and gives no hook to count them, so they are found among the process's descriptors, by the port that is theirs.
 *
 *     sockets of the port ─▶ longest silent first ─▶ silent too long, or one too many ─▶ shut down; nng closes them
 *
 * A descriptor may become another connection between the look and the shutting down: then that one has to be made
 * again, as after any other break. What is no socket is never touched.
 *
 * Threads: one at a time.
 */
#ifndef KLUIS_AGENT_TILL_CONNECTIONS_H
#define KLUIS_AGENT_TILL_CONNECTIONS_H

#include <stdint.h>

#include "kluis/error.h"

struct connections;
enum err connections_new(struct connections **ret_connections) MUST_USE;
void connections_free(struct connections **connections);

/* Shuts down each connection accepted on port in which nothing was said for silent_ms_max either way, and beyond max
 * the longest silent. How many. */
unsigned connections_trim(struct connections *connections, unsigned port, uint32_t silent_ms_max, unsigned max);

#endif
