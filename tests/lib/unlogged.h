/*
 * A store's requests without an entry (FORMAT.md R120) and what witnesses do, for a franchise (franchise.h).
 */
#ifndef TEST_UNLOGGED_H
#define TEST_UNLOGGED_H

#include "action.h"
#include "kluis/session.h"

/* The core in this process as a broker: prepares and commits at the formula's time. context is the franchise. */
struct exchange unlogged_exchange(struct franchise *formula);
/* What the broker answers; the program ends if that is no answer to such a request. ret_reply may be NULL. */
enum err unlogged_ask(struct franchise *formula, const struct party *party, Kluis__Operation *operation,
		      const Kluis__Reply **ret_reply);
/* The signed message alone. */
struct slice unlogged_message(struct franchise *formula, const struct party *party, Kluis__Operation *operation);

/* known NULL: a new store's. */
Kluis__Operation *unlogged_watch(struct franchise *formula, uint32_t wait_ms, const Kluis__WatchRow *known);
/* What a Watch that does not wait answers. */
const Kluis__WatchRow *unlogged_row(struct franchise *formula, const struct party *party);

/* The key of a store's witness, the same in each run; free it. */
struct secret_key witness_key(const struct party *store);
/* Its registration, logged; signed by signer's key. */
struct action action_witness(struct franchise *formula, const struct party *store, const struct secret_key *witness);
Kluis__Operation *unlogged_get_round(struct franchise *formula, uint64_t old_size);
/* Over a text, as the round of that size. */
Kluis__Operation *unlogged_cosign(struct franchise *formula, uint64_t size, struct slice text,
				  const struct secret_key *witness, uint64_t time_s);
struct action action_get_cosigned(struct franchise *formula);
struct action action_roster(struct franchise *formula);
/* Signs a checkpoint over all entries and lets core_round have its turn at the formula's time. */
uint64_t franchise_round(struct franchise *formula);

#endif
