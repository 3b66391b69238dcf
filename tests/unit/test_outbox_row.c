/* One item of the outbox as bytes: back as it was, bounded, bound to its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/envelope.h"
#include "kluis/hash.h"
#include "outbox_row.h"
#include "test_keys.h"

static const uint8_t key[KEY_SIZE] = {3}, other_key[KEY_SIZE] = {4};
static struct arena arena;
static struct bytes sealed;
static struct outbox_item item;
static Kluis__Operation operation;
static Kluis__Roster roster;
static uint8_t filling[RECORD_MAX + 1], salt[SALT_SIZE];
static Kluis__Part part;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, REQUEST_ARENA_MAX);
	bytes_init(&sealed, 4 * RECORD_MAX);
	kluis__operation__init(&operation);
	kluis__roster__init(&roster);
	kluis__part__init(&part);
	operation.kind_case = KLUIS__OPERATION__KIND_ROSTER;
	operation.roster = &roster;
	part.salt = wire_data(SLICE_ARRAY(salt));
	item = (struct outbox_item){.number = 5,
				    .time_ms = 123,
				    .state = OUTBOX_REFUSED,
				    .operation = &operation,
				    .reason = ERR_SCOPE,
				    .entry = 77,
				    .clause = "grant x: customers"};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	bytes_fini(&sealed);
	return 0;
}

static void test_item_comes_back(void **state)
{
	struct outbox_item back;

	(void)state;
	part.content = wire_data(SLICE(filling, RECORD_MAX));
	item.part = &part;
	assert_int_equal(outbox_item_seal(key, &item, &sealed), ERR_OK);
	assert_int_equal(outbox_item_open(key, 5, bytes_slice(&sealed), &arena, &back), ERR_OK);
	assert_int_equal(back.time_ms, 123);
	assert_int_equal(back.state, OUTBOX_REFUSED);
	assert_int_equal(back.reason, ERR_SCOPE);
	assert_int_equal(back.entry, 77);
	assert_string_equal(back.clause, "grant x: customers");
	assert_int_equal(back.operation->kind_case, KLUIS__OPERATION__KIND_ROSTER);
	assert_int_equal(back.part->content.len, RECORD_MAX);
}

static void test_other_key_or_place_does_not_open(void **state)
{
	struct outbox_item back;

	(void)state;
	assert_int_equal(outbox_item_seal(key, &item, &sealed), ERR_OK);
	assert_int_equal(outbox_item_open(other_key, 5, bytes_slice(&sealed), &arena, &back), ERR_CRYPTO);
	assert_int_equal(outbox_item_open(key, 6, bytes_slice(&sealed), &arena, &back), ERR_CRYPTO);
}

static void test_part_over_its_bound_is_refused(void **state)
{
	(void)state;
	part.content = wire_data(SLICE_ARRAY(filling));
	item.part = &part;
	assert_int_equal(outbox_item_seal(key, &item, &sealed), ERR_TOO_LARGE);
}

/* Sealed with the right key and yet no item: a state that there is none of, a clause too long, an end too early. */
static void test_what_is_no_item_is_damaged(void **state)
{
	static const size_t head = 1 + 8 + 1 + PSEUDONYM_SIZE + 4 + 8;
	static const uint8_t long_clause[2] = {0, CLAUSE_MAX + 1};
	uint8_t place[OUTBOX_KEY_SIZE], plain[512] = {OUTBOX_REFUSED + 1};
	struct outbox_item back;

	(void)state;
	for (int i = 0; i < 3; i++) {
		bytes_clear(&sealed);
		assert_int_equal(seal(key, outbox_key(5, place), SLICE(plain, i == 2 ? head : sizeof plain), &sealed),
				 ERR_OK);
		assert_int_equal(outbox_item_open(key, 5, bytes_slice(&sealed), &arena, &back), ERR_CORRUPT);
		plain[0] = OUTBOX_WAITING;
		memcpy(plain + head, long_clause, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_item_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_key_or_place_does_not_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_part_over_its_bound_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_item_is_damaged, setup, teardown),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
