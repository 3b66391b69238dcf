/*
 * The server's defence: who is connected, who has proved to be somebody, and
 * what everybody else may still cost. It knows no sockets and no clock.
 *
 *   - A connection is unknown until one of its messages was authenticated.
 *   - An unknown one may have FREE_VERIFICATIONS_PER_PIPE messages looked at
 *     (a returning store proves itself with the first); after that all unknown ones share
 *     UNKNOWN_VERIFICATIONS_PER_SECOND and are told "busy" beyond it.
 *   - BAD_MESSAGES_PER_PIPE messages that are garbage close any connection.
 *   - There are at most UNKNOWN_CONNECTIONS_MAX unknown ones; a new one then
 *     takes the place of the oldest, so a crowd of idle strangers never keeps a store out.
 *   - Each may have a bounded number of requests in the server.
 *
 * Local connections (the control socket, which only the broker's own user can
 * open) count as known and always get in.
 *
 * Threads: any; it locks itself.
 */
#ifndef KLUIS_BROKER_SERVER_GUARD_H
#define KLUIS_BROKER_SERVER_GUARD_H

#include "kluis/bytes.h"

struct guard;

enum guard_verdict {
	GUARD_PASS,  /* prepare it */
	GUARD_BUSY,  /* answer ERR_BUSY without looking */
	GUARD_CLOSE, /* close the connection, drop the message */
};

/* How the message turned out, see enum core_trust. */
enum guard_outcome { GUARD_WAS_GARBAGE, GUARD_WAS_UNKNOWN, GUARD_WAS_AUTHENTICATED };

enum err guard_new(struct guard **ret_guard) MUST_USE;
void guard_free(struct guard **guard);

/* A new connection with the server's number for it. False: turn it away. ret_evicted is a connection to close in its
 * place, 0 for none; it counts as gone when guard_disconnect is called for it. */
bool guard_connect(struct guard *guard, uint32_t pipe, bool is_local, uint32_t *ret_evicted);
void guard_disconnect(struct guard *guard, uint32_t pipe);

/* A message came in at now_ms (steady clock). After GUARD_PASS and GUARD_BUSY the message counts as in the server until
 * guard_depart. A connection that is not on the list is being closed: GUARD_CLOSE. */
enum guard_verdict guard_arrive(struct guard *guard, uint32_t pipe, uint64_t now_ms);
/* After it was prepared; GUARD_CLOSE when that was one bad message too many. */
enum guard_verdict guard_judge(struct guard *guard, uint32_t pipe, enum guard_outcome outcome);
/* The answer was handed over or given up. */
void guard_depart(struct guard *guard, uint32_t pipe);

bool guard_is_known(struct guard *guard, uint32_t pipe);

#endif
