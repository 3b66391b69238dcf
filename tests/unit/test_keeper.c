/* The keeper against a broker's core: the copy follows by itself, whatever the network does, and goes when it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "alarm.h"
#include "key_action.h"
#include "kluis/file.h"
#include "shop_world.h"

static void test_first_copy_needs_nobody(void **state)
{
	struct shop_world *world = *state;
	struct replica_lease lease;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(shop_world_copied(world), 2);
	assert_int_equal(world->charters_kept, 1);
	assert_int_equal(world->agreements_kept, 1);
	assert_memory_equal(world->shop.agreement->hash, world->party->agreement, HASH_SIZE);
	assert_int_equal(world->shop.state, AGREEMENT_ACTIVE);
	assert_int_equal(replica_lease(&world->shop.replica, "service", &lease), ERR_OK);
	/* 72 hours from the entry's second */
	assert_int_equal(lease.until_ms, (lease.entry_ms / 1000 + 72 * 3600) * 1000);
	assert_int_equal(shop_copy_is_open(&world->shop, "service"), ERR_OK);
	assert_int_equal(alarm_count(world->shop.store), 0);
}

static void test_lost_answers_and_restarts_change_nothing(void **state)
{
	struct shop_world *world = *state;
	for (unsigned lost = 1; lost <= 8; lost++) {
		world->lose_reply = lost;
		for (int i = 0; i < 20 && shop_world_keep(world) != KEEPER_CURRENT; i++)
			;
		shop_world_restart(world);
		for (int i = 0; i < 20 && shop_world_keep(world) != KEEPER_CURRENT; i++)
			;
		assert_int_equal(shop_world_copied(world), 2);
	}
	assert_int_equal(alarm_count(world->shop.store), 0);
}

static void test_another_who_used_the_lane_is_an_alarm_and_it_goes_on(void **state)
{
	struct shop_world *world = *state;
	char lane[SCRATCH_MAX + 16];
	struct bytes old CLEANUP(bytes_fini) = {0};
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	shop_world_restart(world);
	snprintf(lane, sizeof lane, "%s/lane-2", world->folder);
	bytes_init(&old, MESSAGE_MAX);
	assert_int_equal(file_read(lane, &old, NULL), ERR_OK);
	for (int i = 0; i < 3; i++) {
		franchise_customer(world->formula, i == 0 ? "1=4721|2=Ada" : i == 1 ? "1=4722|2=Bob" : "1=4723|2=Cid");
		assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	}
	keeper_free(&world->keeper);
	assert_int_equal(file_write(lane, bytes_slice(&old), 0600, NULL), ERR_OK);
	/* opened on the older memory, without what closing kept */
	struct shop_world *same = world;
	struct keeper_options options = {.shop = &world->shop,
					 .exchange = shop_world_exchange(world),
					 .memory = session_files(world->folder),
					 .controller = &world->controller,
					 .signers = &world->party->key.public,
					 .signer_count = 1,
					 .context = same};
	assert_int_equal(keeper_new(&options, &world->keeper, NULL), ERR_OK);
	franchise_customer(world->formula, "1=4724|2=Dan");
	enum keeper_result result = KEEPER_ALARM;
	for (int i = 0; i < 10 && result != KEEPER_CURRENT; i++)
		result = shop_world_keep(world);
	assert_int_equal(result, KEEPER_CURRENT);
	assert_true(alarm_count(world->shop.store) > 0);
	assert_int_equal(shop_world_copied(world), 6);
}

/* At whichever request an answer is lost, it is got before the key is replaced, and the copy is as it should be. */
static void test_settled_before_the_key_is_replaced(void **state)
{
	struct shop_world *world = *state;
	uint8_t seed = 90;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	for (unsigned customers = 3; customers < 6; customers++) {
		char values[32];
		snprintf(values, sizeof values, "1=472%u|2=Ada", customers);
		franchise_customer(world->formula, values);
		/* the watch is answered, the page is not */
		assert_int_equal(keeper_step(world->keeper, NULL), KEEPER_MORE);
		world->lose_reply = 2;
		assert_int_equal(keeper_step(world->keeper, NULL), KEEPER_AWAY);
		world->is_cut = true;
		assert_int_not_equal(keeper_settle(world->keeper, NULL), ERR_OK);
		world->is_cut = false;
		assert_int_equal(keeper_settle(world->keeper, NULL), ERR_OK);
		assert_int_equal(shop_world_copied(world), customers); /* the page was taken up */
		struct public_key signers[2] = {{.id = 0}, world->party->key.public};
		rotate_party(world->formula, world->party, seed++);
		signers[0] = world->party->key.public;
		keeper_set_signers(world->keeper, signers, 2);
		assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	}
	assert_int_equal(alarm_count(world->shop.store), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_copy_needs_nobody),
		TEST(test_lost_answers_and_restarts_change_nothing),
		TEST(test_another_who_used_the_lane_is_an_alarm_and_it_goes_on),
		TEST(test_settled_before_the_key_is_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
