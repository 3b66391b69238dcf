/* Receipts that are remembered by the till's own id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk/desk_internal.h"
#include "desk_test.h"

static struct desk_taken filled(uint64_t id, int32_t day, const char *product, int64_t cost)
{
	struct desk_taken taken;
	Kluis__Receipt receipt = KLUIS__RECEIPT__INIT;
	Kluis__ReceiptContent content = KLUIS__RECEIPT_CONTENT__INIT;
	Kluis__Line line = KLUIS__LINE__INIT, *list = &line;
	uint8_t place[PSEUDONYM_SIZE] = {0};

	put_u64(place + 8, id);
	receipt.id = wire_data(SLICE_ARRAY(place));
	receipt.day = day;
	line.product = (char *)(uintptr_t)product;
	line.has_cost = cost > 0;
	line.cost = cost;
	content.lines = &list;
	content.n_lines = 1;
	desk_taken_fill(&taken, &receipt, &content);
	assert_int_equal(taken.number, 0);
	assert_memory_equal(taken.id, place, PSEUDONYM_SIZE);
	return taken;
}

static bool differ(struct desk_taken a, struct desk_taken b)
{
	return memcmp(a.content, b.content, HASH_SIZE) != 0;
}

static void test_what_makes_it_another_receipt(void **state)
{
	(void)state;
	assert_false(differ(filled(1, 5, "7", 0), filled(2, 5, "7", 0)));
	assert_true(differ(filled(1, 5, "7", 0), filled(1, 6, "7", 0)));
	assert_true(differ(filled(1, 5, "7", 0), filled(1, 5, "77", 0)));
	assert_true(differ(filled(1, 5, "7", 0), filled(1, 5, "7", 1)));
}

/* An item of this number waits in the outbox. */
static void wait_as(uint64_t number)
{
	Kluis__Operation *operation = arena_alloc(&desk_test.arena, sizeof *operation);

	kluis__operation__init(operation);
	desk_test.fake.items[0] = (struct fake_item){.number = number, .operation = operation};
	desk_test.fake.item_count = 1;
}

static uint64_t find(uint64_t id)
{
	struct desk_taken taken = filled(id, 5, "7", 0);
	bool is_there = false;

	assert_int_equal(desk_taken_find(desk_test.fake.desk, &taken, &is_there, NULL), ERR_OK);
	assert_int_equal(is_there, taken.number > 0);
	return taken.number;
}

static void remember(uint64_t id, uint64_t number)
{
	struct desk_taken taken = filled(id, 5, "7", 0);

	taken.number = number;
	desk_taken_add(desk_test.fake.desk, &taken);
}

static void test_the_oldest_are_forgotten(void **state)
{
	(void)state;
	assert_int_equal(find(0), 0); /* a free place has zeros for an id */
	for (uint64_t i = 0; i < DESK_RECEIPTS + 1; i++)
		remember(i, i + 1);
	wait_as(1);
	assert_int_equal(find(0), 0);
	wait_as(2);
	assert_int_equal(find(1), 2);
	wait_as(DESK_RECEIPTS + 1);
	assert_int_equal(find(DESK_RECEIPTS), DESK_RECEIPTS + 1);
}

static void test_the_latest_of_an_id_counts(void **state)
{
	(void)state;
	remember(1, 10);
	remember(1, 20);
	wait_as(20);
	assert_int_equal(find(1), 20);
	wait_as(10);
	assert_int_equal(find(1), 0);
}

static void test_load(void **state)
{
	(void)state;
	wait_as(3); /* not a receipt */
	assert_int_equal(desk_taken_load(desk_test.fake.desk), ERR_OK);
	assert_int_equal(find(0), 0);
	Kluis__Part part = KLUIS__PART__INIT;
	part.content = wire_data(slice_text("damaged"));
	desk_test.fake.items[0].part = &part; /* another operation's part is not looked into */
	assert_int_equal(desk_taken_load(desk_test.fake.desk), ERR_OK);
	desk_test.fake.items[0].part = NULL;
	Kluis__Receipt receipt = KLUIS__RECEIPT__INIT;
	desk_test.fake.items[0].operation->kind_case = KLUIS__OPERATION__KIND_RECEIPT;
	desk_test.fake.items[0].operation->receipt = &receipt;
	assert_int_equal(desk_taken_load(desk_test.fake.desk), ERR_OK); /* nor a receipt without its part */
	desk_test.fake.items[0].part = &part;
	assert_int_equal(desk_taken_load(desk_test.fake.desk), ERR_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_makes_it_another_receipt),
		TEST(test_the_oldest_are_forgotten),
		TEST(test_the_latest_of_an_id_counts),
		TEST(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
