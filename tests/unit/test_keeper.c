/* The keeper against a broker's core: the copy follows by itself, whatever the network does, and goes when it must. */
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

static int begin(void **state)
{
	struct shop_world *world = calloc(1, sizeof *world);
	shop_world_begin(world);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct shop_world *world = *state;
	shop_world_end(world);
	free(world);
	return 0;
}

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

static void test_changes_follow(void **state)
{
	struct shop_world *world = *state;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	franchise_customer(world->formula, "1=4713|2=Carla");
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_int_equal(shop_world_copied(world), 3);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_copy_needs_nobody),
		TEST(test_idle_asks_only_for_news),
		TEST(test_changes_follow),
		TEST(test_suspension_purges_and_resumption_copies_anew),
		TEST(test_a_lease_is_renewed_when_due_and_not_before),
		TEST(test_the_lease_ends_without_contact),
		TEST(test_another_agreement_cuts_the_copy_anew),
		TEST(test_head_office_takes_an_employee_off),
		TEST(test_lost_answers_and_restarts_change_nothing),
		TEST(test_what_is_no_answer_is_an_alarm_and_changes_nothing),
		TEST(test_another_who_used_the_lane_is_an_alarm_and_it_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
