/* Agreement and state: another one cuts the copy anew, a suspension takes it away. */
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

static void test_another_agreement_cuts_the_copy_anew(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	uint8_t before[HASH_SIZE];
	memcpy(before, world->party->agreement, HASH_SIZE);
	franchise_agree(world->formula, world->party,
			franchise_agreement(world->formula, 12, GRANT_SERVICE, before)); /* visited: nobody */
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_memory_equal(world->shop.agreement->hash, world->party->agreement, HASH_SIZE);
	assert_int_equal(world->agreements_kept, 2);
	assert_int_equal(shop_world_copied(world), 0);
	assert_int_equal(shop_copy_is_open(&world->shop, "service"), ERR_OK);
}

static void test_suspension_purges_and_resumption_copies_anew(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	franchise_must(world->formula, &world->formula->office, action_standing(world->formula, 12, 1));
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(world->shop.state, AGREEMENT_SUSPENDED);
	assert_int_equal(shop_world_copied(world), 0);
	assert_false(key_shelf_has(&world->shelf, "service"));
	franchise_must(world->formula, &world->formula->office, action_standing(world->formula, 12, 2));
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(shop_world_copied(world), 2);
	assert_int_equal(alarm_count(world->shop.store), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_another_agreement_cuts_the_copy_anew),
		TEST(test_suspension_purges_and_resumption_copies_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
