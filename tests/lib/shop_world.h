/*
 * A store's shop on a scratch folder, whose broker is a franchise's core in this process (franchise.h): for tests of
 * what the daemon is made of. The network fails and answers as it is told.
 */
#ifndef TEST_SHOP_WORLD_H
#define TEST_SHOP_WORLD_H

#include "franchise.h"
#include "key_shelf.h"
#include "run/keeper.h"
#include "unlogged.h"

struct shop_world {
	struct franchise *formula;
	struct party *party;
	char folder[SCRATCH_MAX];
	uint8_t seal_key[KEY_SIZE];
	struct key_shelf shelf;
	struct shop shop;
	struct keeper *keeper;
	struct public_key controller;
	/* the network */
	bool is_cut;	     /* nothing arrives */
	unsigned lose_reply; /* of the next so many requests: executed, unanswered */
	bool is_garbled;     /* what comes back is no reply */
	/* what it does to a reply that is an answer, and to its entry if there is one; NULL: nothing */
	void (*lie)(Kluis__Reply *reply, Kluis__Entry *entry);
	unsigned sent;
	bool has_courier; /* of the test's own: certificates are left to it */
	/* called by the keeper */
	unsigned charters_kept, agreements_kept, rosters_changed;
};

/* Store 12 under GRANT_ALL, on its roster one cashier "anna"; two customers. */
void shop_world_begin(struct shop_world *world);
void shop_world_end(struct shop_world *world);
struct exchange shop_world_exchange(struct shop_world *world);
/* Steps until there is nothing more to do at once, and certificates of purges are taken; what the last step came to.
 */
enum keeper_result shop_world_keep(struct shop_world *world);
/* The keeper closed and opened again, its shop too, as after a restart. */
void shop_world_restart(struct shop_world *world);
/* Customers in the copy for service. */
uint64_t shop_world_copied(struct shop_world *world);

/* What cmocka calls: *state is a new one. */
int shop_world_set_up(void **state);
int shop_world_tear_down(void **state);

#endif
