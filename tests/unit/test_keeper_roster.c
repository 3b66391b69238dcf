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
#include "run/keeper_internal.h"
#include "shop_world.h"

static struct shop_world *lied_to;

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

static void set_role(struct shop_world *world, const char *role)
{
	struct replica_employee anna;

	assert_int_equal(replica_get_employee(&world->shop.replica, "anna", &anna), ERR_OK);
	snprintf(anna.role, sizeof anna.role, "%s", role);
	assert_int_equal(replica_put_employee(&world->shop.replica, &anna), ERR_OK);
}

static const char *role_of_anna(struct shop_world *world)
{
	static struct replica_employee anna;

	assert_int_equal(replica_get_employee(&world->shop.replica, "anna", &anna), ERR_OK);
	return anna.role;
}

static void change_at_head_office(struct shop_world *world, const char *role)
{
	uint32_t store = 12;

	franchise_must(world->formula, &world->formula->office,
		       action_staff(world->formula, &store, SLICE(world->party->employee, PSEUDONYM_SIZE), role, NULL));
}

static void test_head_office_gives_another_role(void **state)
{
	struct shop_world *world = *state;

	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	change_at_head_office(world, "manager");
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_string_equal(role_of_anna(world), "manager");
	assert_int_equal(world->rosters_changed, 1);
}

/* Taken off here, not yet heard at head office: no roster brings the role back. */
static void test_who_leaves_here_does_not_come_back(void **state)
{
	struct shop_world *world = *state;

	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	set_role(world, "");
	change_at_head_office(world, "manager");
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_string_equal(role_of_anna(world), "");
	change_at_head_office(world, "");
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	struct replica_employee employee;
	assert_int_equal(replica_get_employee(&world->shop.replica, "anna", &employee), ERR_NOT_FOUND);
}

/* The roster is answered, and before the answer is here somebody is employed, or a handle is another's. */
static struct shop_world *at;
static const char *hired;

static bool is_roster(struct slice message)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Envelope *envelope;
	Kluis__Request *request;

	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(WIRE_DECODE(Envelope, envelope, message, &arena, &envelope), ERR_OK);
	assert_int_equal(WIRE_DECODE(Request, request, wire_slice(envelope->request), &arena, &request), ERR_OK);
	return request->operations[0]->kind_case == KLUIS__OPERATION__KIND_ROSTER;
}

static enum err cut_roster(void *context, struct slice message, struct bytes *ret_reply)
{
	struct exchange core = shop_world_exchange(at);

	(void)context;
	return is_roster(message) ? ERR_NETWORK : core.send(core.context, message, ret_reply);
}

/* A roster that could not be fetched, or not be written down, is asked for again. */
static void test_roster_that_does_not_come(void **state)
{
	struct shop_world *world = *state;

	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	change_at_head_office(world, "manager");
	at = world;
	world->keeper->session.exchange = (struct exchange){.send = cut_roster};
	assert_int_equal(shop_world_keep(world), KEEPER_AWAY);
	assert_string_equal(role_of_anna(world), "cashier");
	world->keeper->session.exchange = shop_world_exchange(world);
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
	assert_string_equal(role_of_anna(world), "manager");
}

static enum err send_and_hire(void *context, struct slice message, struct bytes *ret_reply)
{
	struct exchange core = shop_world_exchange(at);
	struct replica_employee employee = {.role = "cashier", .name = "Bea", .pseudonym = {0xbe, 0xa}};

	(void)context;
	TRY(core.send(core.context, message, ret_reply));
	if (!is_roster(message))
		return ERR_OK;
	snprintf(employee.handle, sizeof employee.handle, "%s", hired);
	return replica_put_employee(&at->shop.replica, &employee);
}

static void test_who_is_employed_meanwhile_stays(void **state)
{
	static const char *const handles[] = {"bea", "anna"};
	struct replica_employee employee;
	uint32_t store = 12;

	at = *state;
	for (size_t i = 0; i < 2; i++) {
		if (i == 1) {
			shop_world_tear_down(state);
			shop_world_set_up(state);
			at = *state;
		}
		struct slice anna = SLICE(at->party->employee, PSEUDONYM_SIZE);
		assert_int_equal(shop_world_keep(at), KEEPER_CURRENT);
		keeper_free(&at->keeper);
		struct keeper_options options = {.shop = &at->shop,
						 .exchange = {.send = send_and_hire},
						 .memory = session_files(at->folder),
						 .controller = &at->controller,
						 .signers = &at->party->key.public,
						 .signer_count = 1};
		hired = handles[i];
		franchise_must(at->formula, &at->formula->office, action_staff(at->formula, &store, anna, "", NULL));
		assert_int_equal(keeper_new(&options, &at->keeper, NULL), ERR_OK);
		assert_int_equal(shop_world_keep(at), KEEPER_CURRENT);
		assert_int_equal(replica_get_employee(&at->shop.replica, hired, &employee), ERR_OK);
		assert_string_equal(employee.name, "Bea");
		if (i == 0)
			assert_int_equal(replica_get_employee(&at->shop.replica, "anna", &employee), ERR_NOT_FOUND);
	}
}

static void promote(Kluis__Reply *reply, Kluis__Entry *entry)
{
	static char manager[] = "manager";
	Kluis__RosterRow row = KLUIS__ROSTER_ROW__INIT;
	static uint8_t place[64];
	struct bytes encoded = {.data = place, .capacity = sizeof place, .maximum = sizeof place};
	struct shop_world *world = lied_to;

	if (entry == NULL || reply->n_data != 1 || reply->data[0]->n_items != 1)
		return;
	if (entry->results[0]->n_disclosures > 0 || entry->results[0]->has_until_ms)
		return;
	row.employee = wire_data(SLICE(world->party->employee, PSEUDONYM_SIZE));
	row.role = manager;
	assert_int_equal(wire_encode(&row.base, &encoded), ERR_OK);
	reply->data[0]->items[0] = wire_data(bytes_slice(&encoded));
}

/* R122: the rows must be those whose hash the watch named. */
static void test_another_roster_than_named(void **state)
{
	struct shop_world *world = lied_to = *state;
	struct replica_employee employee;
	world->lie = promote;
	assert_int_equal(shop_world_keep(world), KEEPER_ALARM);
	assert_int_equal(alarm_count(world->shop.store), 1);
	assert_int_equal(replica_get_employee(&world->shop.replica, "anna", &employee), ERR_OK);
	assert_string_equal(employee.role, "cashier");
	world->lie = NULL;
	assert_int_equal(shop_world_keep(world), KEEPER_CURRENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_world_set_up, shop_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_head_office_takes_an_employee_off),  TEST(test_head_office_gives_another_role),
		TEST(test_who_leaves_here_does_not_come_back), TEST(test_roster_that_does_not_come),
		TEST(test_who_is_employed_meanwhile_stays),    TEST(test_another_roster_than_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
