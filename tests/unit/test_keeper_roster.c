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
		TEST(test_head_office_takes_an_employee_off),
		TEST(test_who_is_employed_meanwhile_stays),
		TEST(test_another_roster_than_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
