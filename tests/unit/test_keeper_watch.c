/* News: asked for by one request that leaves no entry, and held against its form. */
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

static void test_idle_asks_only_for_news(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	uint64_t size = core_size(world->formula->core);
	unsigned sent = world->sent;
	for (int i = 0; i < 5; i++)
		assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(world->sent, sent + 5);
	assert_int_equal(core_size(world->formula->core), size);
}

static void test_what_is_no_answer_is_an_alarm_and_changes_nothing(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	world->is_garbled = true;
	assert_int_equal(shop_world_keep(world), KEEPER_ALARM);
	assert_int_equal(shop_world_keep(world), KEEPER_ALARM);
	assert_int_equal(alarm_count(world->shop.store), 1);
	assert_int_equal(shop_world_copied(world), 2);
	world->is_garbled = false;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_idle_asks_only_for_news),
		TEST(test_what_is_no_answer_is_an_alarm_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
