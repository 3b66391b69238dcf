/*
 * The requests in the server: REQUESTS_IN_SERVER REP contexts, each taking
 * one request at a time through the pipeline, on nng's task threads (two for each CPU):
 *
 *     receive ─▶ guard ─▶ core prepare ─┬─▶ committer ─▶ send ─▶ receive ...
 *                  └─▶ "busy" ──────────┼────────────────▲
 *                          nothing new └─▶ parking ─▶ prepare again
 *
 * One that waits for news (parking.h) leaves its place to another context, so long polls take
 * nothing from those who work; PARKED_MAX contexts more are opened as they are needed.
 *
 * nng hands out what came in connection by connection in turn, so however much one
 * peer sends, the others' requests are not behind all of it.
 */
#ifndef KLUIS_BROKER_SERVER_TURNS_H
#define KLUIS_BROKER_SERVER_TURNS_H

#include <nng/nng.h>

#include "server/guard.h"
#include "server/server_core.h"

struct turns;

/* Opens the contexts on a REP socket and starts the committer. core and guard must outlive it. */
enum err turns_new(nng_socket socket, const struct server_core *core, struct guard *guard,
		   struct turns **ret_turns) MUST_USE;
/* Begins to receive. */
void turns_start(struct turns *turns);
/* A connection has gone: what waits for news on it is dropped. */
void turns_forget(struct turns *turns, uint32_t pipe);
/* Takes nothing more in, and returns when all that was taken in is answered and the last checkpoint is signed. What
 * arrives meanwhile is dropped, and what waits for news: its sender asks again. */
void turns_drain(struct turns *turns);
/* After turns_drain and after the socket was closed. */
void turns_free(struct turns **turns);

#endif
