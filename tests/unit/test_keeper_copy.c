/* Leases and pages: the copy follows each change, and goes when its lease is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "alarm.h"
#include "kluis/file.h"
#include "shop_world.h"

static void test_changes_follow(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	franchise_customer(world->formula, "1=4713|2=Carla");
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(shop_world_copied(world), 3);
}

static void test_a_lease_is_renewed_when_due_and_not_before(void **state)
{
	struct shop_world *world = *state;
	struct replica_lease first, second;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(replica_lease(&world->shop.replica, "service", &first), ERR_OK);
	world->formula->now_ms += 59 * 60 * 1000;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(replica_lease(&world->shop.replica, "service", &second), ERR_OK);
	assert_int_equal(second.until_ms, first.until_ms);
	world->formula->now_ms += 2 * 60 * 1000;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(replica_lease(&world->shop.replica, "service", &second), ERR_OK);
	assert_true(second.until_ms > first.until_ms);
}

static void test_the_lease_ends_without_contact(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	world->is_cut = true;
	world->formula->now_ms += 71 * 3600 * 1000;
	assert_int_equal(shop_world_keep(world), KEEPER_AWAY);
	assert_int_equal(shop_world_copied(world), 2);
	world->formula->now_ms += 2 * 3600 * 1000;
	assert_int_equal(shop_world_keep(world), KEEPER_AWAY);
	assert_int_equal(shop_world_copied(world), 0);
	assert_false(key_shelf_has(&world->shelf, "service"));
	world->is_cut = false;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(shop_world_copied(world), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_follow),
		TEST(test_a_lease_is_renewed_when_due_and_not_before),
		TEST(test_the_lease_ends_without_contact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
