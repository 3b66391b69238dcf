/*
 * Into which stores' copies a customer came (FORMAT.md R151): whom an erasure has to reach, whatever their scope is
 * now.
 *
 * A row counts as long as the store holds the copy that it was written for: a purge of the whole copy certifies
 * everybody in it (R128), and a copy that is begun later has another since_ms.
 *
 * Threads: as the context.
 */
#ifndef KLUIS_RECEIVED_H
#define KLUIS_RECEIVED_H

#include "core/copies.h"

/* The acting store's copy for a purpose, held since since_ms, has the customer now. */
enum err received_put(struct context *context, struct slice customer, struct slice purpose, uint64_t since_ms) MUST_USE;
/* Has the copy that the store holds for the purpose ever had the customer, and is that not certified yet? */
enum err received_is_there(struct context *context, struct slice customer, uint32_t store, struct slice purpose,
			   bool *ret_is_there) MUST_USE;
/* Certified (R153). */
enum err received_drop(struct context *context, struct slice customer, uint32_t store, struct slice purpose) MUST_USE;

/* Hands each such copy to visit, by store and purpose; rows of copies that are held no more are left out. */
typedef enum err received_fn(void *visitor, uint32_t store, struct slice purpose, const Rows__Holding *holding);
enum err received_each(struct context *context, struct slice customer, received_fn *visit, void *visitor) MUST_USE;

#endif
