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

struct counting {
	enum alarm_kind kind;
	unsigned count;
};

static enum err count_alarm(void *context, const struct alarm *alarm)
{
	struct counting *counting = context;
	counting->count += alarm->kind == counting->kind;
	return ERR_OK;
}

static unsigned alarms_of(struct shop_world *world, enum alarm_kind kind)
{
	struct counting counting = {.kind = kind};
	assert_int_equal(alarm_each(world->shop.store, count_alarm, &counting), ERR_OK);
	return counting.count;
}

static void lend_longer(Kluis__Reply *reply, Kluis__Entry *entry)
{
	(void)reply;
	if (entry != NULL && entry->results[0]->has_until_ms)
		entry->results[0]->until_ms += 1000;
}

/* GRANT_ALL's is 72 h. */
static void test_a_lease_beyond_the_grants_is_refused(void **state)
{
	struct shop_world *world = *state;
	struct replica_lease lease;
	world->lie = lend_longer;
	assert_int_equal(shop_world_keep(world), KEEPER_ALARM);
	assert_int_equal(replica_lease(&world->shop.replica, "service", &lease), ERR_NOT_FOUND);
	assert_int_equal(alarms_of(world, ALARM_MISMATCH), 1);
	world->lie = NULL;
	while (shop_world_keep(world) != KEEPER_CURRENT) /* an entry that is not in the log was acknowledged */
		assert_true(world->sent < 100);
	assert_int_equal(shop_world_copied(world), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_follow),
		TEST(test_a_lease_is_renewed_when_due_and_not_before),
		TEST(test_the_lease_ends_without_contact),
		TEST(test_a_lease_beyond_the_grants_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
