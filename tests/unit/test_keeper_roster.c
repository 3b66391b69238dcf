/* The roster: whom head office takes off is off here. */
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

static void test_head_office_takes_an_employee_off(void **state)
{
	struct shop_world *world = *state;
	struct replica_employee employee;
	uint32_t store = 12;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(world->rosters_changed, 0);
	assert_int_equal(replica_get_employee(&world->shop.replica, "anna", &employee), ERR_OK);
	franchise_must(world->formula, &world->formula->office,
		       action_staff(world->formula, &store, SLICE(world->party->employee, PSEUDONYM_SIZE), "", NULL));
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(world->rosters_changed, 1);
	assert_int_equal(replica_get_employee(&world->shop.replica, "anna", &employee), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_head_office_takes_an_employee_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
