/* What the folder's owner has the daemon do, called as the tills' server calls it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alarm.h"
#include "office_staff.h"
#include "run/office.h"
#include "shop_world.h"

struct bench {
	struct shop_world world;
	struct agent agent;
	struct office office;
	struct sluice sluice;
	struct fault fault;
	enum err rotate_err;
	unsigned rotations;
};

static enum err rotate(void *context, uint32_t *ret_key_id, struct fault *fault)
{
	struct bench *bench = context;

	bench->rotations++;
	if (bench->rotate_err != ERR_OK)
		return fault_set(fault, bench->rotate_err, "not now");
	*ret_key_id = 0x00c0ffee;
	return ERR_OK;
}

static int begin(void **state)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct desk *desk = NULL;

	shop_world_begin(&bench->world);
	assert_int_equal(shop_world_keep(&bench->world), KEEPER_CURRENT);
	assert_int_equal(sluice_init(&bench->sluice), ERR_OK);
	assert_int_equal(desk_new(&bench->world.shop, (struct desk_line){.lookup = NULL}, &desk), ERR_OK);
	bench->agent = (struct agent){.lock = -1,
				      .store = bench->world.shop.store,
				      .replica = bench->world.shop.replica,
				      .membership.principal = "minimal.example/kluis/store/12"};
	office_init(&bench->office, &bench->agent, &bench->world.shop, desk);
	bench->office.sluice = &bench->sluice;
	bench->office.rotate = rotate;
	bench->office.rotate_context = bench;
	*state = bench;
	return 0;
}

static int end(void **state)
{
	struct bench *bench = *state;

	desk_free(&bench->office.desk);
	office_fini(&bench->office);
	sluice_fini(&bench->sluice);
	shop_world_end(&bench->world);
	free(bench);
	return 0;
}

/* *ret_answer: NULL or the caller's. body is freed. */
static enum err call(struct bench *bench, const char *name, json_t *body, json_t **ret_answer)
{
	json_t *answer = NULL;

	assert_non_null(body);
	bench->fault.text[0] = '\0';
	for (size_t i = 0; i < office_call_count; i++) {
		if (strcmp(office_calls[i].name, name) != 0)
			continue;
		enum err err = office_calls[i].call(&bench->office, body, &answer, &bench->fault);
		json_decref(body);
		if (ret_answer != NULL)
			*ret_answer = answer;
		else
			json_decref(answer);
		return err;
	}
	fail_msg("there is no '%s'", name);
	return ERR_NOT_FOUND;
}

static void test_rotation_says_whose_key_is_which(void **state)
{
	struct bench *bench = *state;
	json_t *answer = NULL;

	assert_int_equal(call(bench, "key/rotate", json_object(), &answer), ERR_OK);
	assert_string_equal(json_string_value(json_object_get(answer, "key")), "00c0ffee");
	assert_string_equal(json_string_value(json_object_get(answer, "principal")), "minimal.example/kluis/store/12");
	json_decref(answer);
	bench->rotate_err = ERR_NETWORK;
	assert_int_equal(call(bench, "key/rotate", json_object(), NULL), ERR_NETWORK);
	assert_string_equal(bench->fault.text, "not now");
	assert_int_equal(bench->rotations, 2);
}

/* Which key to sign with is not known: nobody signs, nobody waits for ever. */
static void test_nothing_is_signed_between_two_keys(void **state)
{
	struct bench *bench = *state;
	char hash[2 * HASH_SIZE + 1];

	memset(hash, '0', sizeof hash - 1);
	hash[sizeof hash - 1] = '\0';
	sluice_end(&bench->sluice); /* as if closed for long */
	assert_int_equal(call(bench, "agreement/offered", json_object(), NULL), ERR_TIMEOUT);
	assert_non_null(strstr(bench->fault.text, "rotation of the store's key was cut off"));
	assert_int_equal(call(bench, "agreement/sign", json_pack("{s:s}", "hash", hash), NULL), ERR_TIMEOUT);
	assert_int_equal(call(bench, "prove", json_pack("{s:i}", "index", 1), NULL), ERR_TIMEOUT);
	assert_int_equal(call(bench, "staff/add", json_pack("{s:s, s:s}", "handle", "bea", "role", "cashier"), NULL),
			 ERR_TIMEOUT);
}

static void test_who_is_removed_is_gone_from_the_tills_at_once(void **state)
{
	struct bench *bench = *state;
	struct replica_employee employee;

	sluice_end(&bench->sluice);
	assert_int_equal(call(bench, "staff/remove", json_pack("{s:s}", "handle", "anna"), NULL), ERR_TIMEOUT);
	assert_int_equal(replica_get_employee(&bench->agent.replica, "anna", &employee), ERR_OK);
	assert_true(office_staff_is_leaving(&employee));
	assert_int_equal(call(bench, "staff/remove", json_pack("{s:s}", "handle", "nobody"), NULL), ERR_NOT_FOUND);
}

static void test_lists_need_no_key(void **state)
{
	struct bench *bench = *state;
	json_t *answer = NULL;

	sluice_end(&bench->sluice);
	assert_int_equal(call(bench, "staff/list", json_object(), &answer), ERR_OK);
	assert_int_equal(json_array_size(json_object_get(answer, "staff")), 1);
	json_decref(answer);
	assert_int_equal(call(bench, "staff/pin", json_pack("{s:s, s:s}", "handle", "anna", "pin", "1111"), NULL),
			 ERR_VALUE);
	assert_int_equal(call(bench, "staff/pin", json_pack("{s:s, s:s}", "handle", "bea", "pin", "8642"), NULL),
			 ERR_NOT_FOUND);
	alarm_raise(bench->world.shop.store, ALARM_CLOCK, shop_now_ms(&bench->world.shop), "late");
	assert_int_equal(call(bench, "alarms/list", json_object(), &answer), ERR_OK);
	assert_int_equal(json_array_size(json_object_get(answer, "alarms")), 1);
	json_decref(answer);
	assert_int_equal(call(bench, "alarms/seen", json_pack("{s:i}", "number", 1), NULL), ERR_OK);
	assert_int_equal(call(bench, "alarms/seen", json_pack("{s:i}", "number", 99), NULL), ERR_NOT_FOUND);
	assert_int_equal(call(bench, "outbox/list", json_object(), &answer), ERR_OK);
	assert_int_equal(json_array_size(json_object_get(answer, "items")), 0);
	json_decref(answer);
	assert_int_equal(call(bench, "outbox/retry", json_pack("{s:i}", "number", 1), NULL), ERR_NOT_FOUND);
	assert_int_equal(call(bench, "outbox/discard", json_pack("{s:i}", "number", 1), NULL), ERR_NOT_FOUND);
}

static void test_bodies_that_are_not_as_they_should_be(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(call(bench, "staff/add", json_pack("{s:s}", "handle", "bea"), NULL), ERR_INPUT);
	assert_non_null(strstr(bench->fault.text, "'role'"));
	assert_int_equal(call(bench, "staff/remove", json_pack("{s:i}", "handle", 5), NULL), ERR_INPUT);
	assert_int_equal(call(bench, "staff/pin", json_pack("{s:s}", "handle", "anna"), NULL), ERR_INPUT);
	assert_int_equal(call(bench, "agreement/sign", json_pack("{s:s}", "hash", "abc"), NULL), ERR_INPUT);
	assert_int_equal(call(bench, "prove", json_pack("{s:i}", "index", -1), NULL), ERR_INPUT);
	assert_int_equal(call(bench, "outbox/retry", json_object(), NULL), ERR_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotation_says_whose_key_is_which),
		TEST(test_nothing_is_signed_between_two_keys),
		TEST(test_who_is_removed_is_gone_from_the_tills_at_once),
		TEST(test_lists_need_no_key),
		TEST(test_bodies_that_are_not_as_they_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
