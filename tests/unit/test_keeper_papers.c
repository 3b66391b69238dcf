/* Agreement and state: another one cuts the copy anew, a suspension takes it away. */
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
#include "run/keeper_internal.h"
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

static enum err trust_code;
static unsigned trust_calls;

static enum err take_trust(void *context, struct session *session, struct slice hash, uint64_t time_ms,
			   struct fault *fault)
{
	(void)context, (void)session, (void)hash, (void)time_ms, (void)fault;
	trust_calls++;
	return trust_code;
}

static void enter_trust(struct franchise *formula)
{
	static struct ring ring;
	static struct trust version;
	const struct secret_key *log = &ring.logs[0];

	ring_take(&ring, formula);
	trust_put_after(&version, NULL, &log, 1);
	franchise_must(formula, &formula->office, action_trust(formula, trust_note(formula, &version, &log, 1)));
	ring_fini(&ring);
}

/* A trust note is what the broker is found by next year: what only this disk refuses is tried again, what does not
 * follow is not. */
static void test_trust_is_tried_until_something_is_said_of_it(void **state)
{
	static const enum err passing[] = {ERR_NETWORK, ERR_TIMEOUT, ERR_MEMORY, ERR_IO, ERR_DISK_FULL};
	struct shop_world *world = *state;

	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	world->keeper->options.take_trust = take_trust;
	enter_trust(world->formula);
	trust_calls = 0;
	for (unsigned i = 0; i < sizeof passing / sizeof passing[0]; i++) {
		trust_code = passing[i];
		assert_int_not_equal(shop_world_keep(world), KEEPER_CURRENT);
		assert_int_equal(trust_calls, i + 1);
	}
	/* a full disk holds up nothing else */
	franchise_customer(world->formula, "1=4713|2=Carla");
	assert_int_equal(shop_world_keep(world), KEEPER_ALARM);
	assert_int_equal(shop_world_copied(world), 3);
	trust_code = ERR_SIGNATURE;
	assert_int_equal(shop_world_keep(world), KEEPER_ALARM);
	unsigned calls = trust_calls;
	trust_code = ERR_OK;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(trust_calls, calls);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_another_agreement_cuts_the_copy_anew),
		TEST(test_suspension_purges_and_resumption_copies_anew),
		TEST(test_trust_is_tried_until_something_is_said_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
