/*
 * Who carries things to the broker: the outbox in order, several items in one envelope under one signature; the
 * journal; purge certificates. One step at a time, as the keeper.
 *
 * Threads: one courier, one thread.
 */
#ifndef KLUIS_AGENT_COURIER_H
#define KLUIS_AGENT_COURIER_H

#include "kluis/session.h"
#include "shop.h"

#define COURIER_ITEMS_MAX 64 /* of the outbox in one envelope */

struct courier;
enum err courier_new(struct shop *shop, struct exchange exchange, struct session_memory memory,
		     struct courier **ret_courier, struct fault *fault) MUST_USE;
void courier_free(struct courier **courier);

enum courier_result { COURIER_IDLE, COURIER_MORE, COURIER_AWAY, COURIER_REFUSED };
/* Sends one envelope and settles it, if there is anything to send: certificates first, then the journal, then the
 * outbox; none starves the others. An envelope that is refused as a whole is split until the item at fault is found. */
enum courier_result courier_step(struct courier *courier, struct fault *fault);
/* Gets the answer that is waited for, if one is, writes down what it says, and keeps the lane's memory: afterwards the
 * store's key may be replaced. Sends nothing new. ERR_BUSY: the answer did not come. */
enum err courier_settle(struct courier *courier, struct fault *fault) MUST_USE;

#endif
