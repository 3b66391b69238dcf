/* Receipts at the desk: whose, what, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "desk_test.h"

static struct fault fault;
static uint64_t number;
static const struct desk_line_item lines[] = {
	{.product = "1512", .units = 20000, .amount = 39800, .has_cost = true, .cost = 21000},
	{.product = "7", .units = 10000, .amount = 25000}};

static struct desk_receipt receipt(const char *field, const char *value)
{
	return (struct desk_receipt){.field = field, .value = value, .day = 20777, .line_count = 2, .lines = lines};
}

static enum err ring(const struct desk_receipt *what)
{
	fault.text[0] = '\0';
	number = 0;
	return desk_receipt(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), "service", what, &number, &fault);
}

static const Kluis__ReceiptContent *content(void)
{
	Kluis__ReceiptContent *decoded;

	assert_int_equal(WIRE_DECODE(ReceiptContent, receipt_content,
				     wire_slice(desk_test_item(&desk_test)->part->content), &desk_test.arena, &decoded),
			 ERR_OK);
	return decoded;
}

static void test_of_a_member_in_the_copy(void **state)
{
	struct desk_receipt what = receipt("card", "47 11");

	(void)state;
	assert_int_equal(ring(&what), ERR_OK);
	const Kluis__Receipt *rung = desk_test_item(&desk_test)->operation->receipt;
	assert_true(rung->has_customer);
	assert_int_equal(rung->customer.data[0], 1);
	assert_int_equal(rung->store, 12);
	assert_int_equal(rung->day, 20777);
	assert_int_equal(part_check(desk_test_item(&desk_test)->part, wire_slice(rung->commitment)), ERR_OK);
	assert_null(content()->customer);
	assert_int_equal(content()->n_lines, 2);
	assert_string_equal(content()->lines[0]->product, "1512");
	assert_int_equal(content()->lines[0]->amount, 39800);
	assert_int_equal(content()->lines[0]->cost, 21000);
	assert_false(content()->lines[1]->has_cost);
	what = receipt(NULL, "02020202020202020202020202020202");
	assert_int_equal(ring(&what), ERR_OK);
	assert_int_equal(desk_test_item(&desk_test)->operation->receipt->customer.data[0], 2);
}

/* In the copy, not in it, or no copy that may be read: offline all of this works. */
static void test_of_a_member_who_is_not_in_the_copy(void **state)
{
	struct desk_receipt what = receipt("card", "9999");

	(void)state;
	assert_int_equal(ring(&what), ERR_OK);
	assert_false(desk_test_item(&desk_test)->operation->receipt->has_customer);
	assert_int_equal(content()->customer->field, 1);
	assert_string_equal(content()->customer->value, "9999");
	desk_test.fake.copy_code = ERR_EXPIRED;
	what = receipt("card", "4711");
	assert_int_equal(ring(&what), ERR_OK);
	assert_string_equal(content()->customer->value, "4711");
	what = receipt(NULL, "01010101010101010101010101010101");
	assert_int_equal(ring(&what), ERR_OK);
	assert_null(content()->customer);
}

static struct desk_line_item odd_line;

static enum err ring_odd(struct desk_line_item line)
{
	struct desk_receipt what = receipt("card", "4711");

	odd_line = line;
	what.lines = &odd_line;
	what.line_count = 1;
	return ring(&what);
}

static void test_refused(void **state)
{
	static char longer[VALUE_MAX + 2];
	struct desk_receipt what = receipt("name", "Ann Smith");

	(void)state;
	assert_int_equal(ring(&what), ERR_FIELD);
	what = receipt("phone", "x");
	assert_int_equal(ring(&what), ERR_VALUE);
	what = receipt(NULL, "x");
	assert_int_equal(ring(&what), ERR_VALUE);
	what = receipt("card", "4711");
	what.day = 20779; /* the day after tomorrow */
	assert_int_equal(ring(&what), ERR_VALUE);
	what.day = -40000; /* before 1900 */
	assert_int_equal(ring(&what), ERR_INPUT);
	what = receipt("card", "4711");
	what.line_count = 0;
	assert_int_equal(ring(&what), ERR_INPUT);
	memset(longer, 'x', VALUE_MAX + 1);
	assert_int_equal(ring_odd((struct desk_line_item){.product = longer}), ERR_VALUE);
	assert_int_equal(ring_odd((struct desk_line_item){.product = ""}), ERR_VALUE);
	assert_int_equal(ring_odd((struct desk_line_item){.product = "a\nb"}), ERR_VALUE);
	assert_int_equal(ring_odd((struct desk_line_item){.product = "7", .units = AMOUNT_MAX + 1}), ERR_VALUE);
	assert_int_equal(ring_odd((struct desk_line_item){.product = "7", .amount = -AMOUNT_MAX - 1}), ERR_VALUE);
	assert_int_equal(ring_odd((struct desk_line_item){.product = "7", .has_cost = true, .cost = AMOUNT_MAX + 1}),
			 ERR_VALUE);
	desk_test.fake.rows[1].card = "4711";
	what = receipt("card", "4711");
	assert_int_equal(ring(&what), ERR_AMBIGUOUS);
	desk_test.fake.rows[2].is_registered_here = false;
	what = receipt("card", "4713");
	assert_int_equal(ring(&what), ERR_SCOPE);
	desk_test.fake.now_ms += 36 * 3600 * UINT64_C(1000);
	what = receipt("card", "4712");
	assert_int_equal(ring(&what), ERR_HOURS);
	assert_int_equal(desk_test.fake.item_count, 0);
}

static void test_bounds_that_are_kept(void **state)
{
	struct desk_receipt what = receipt("card", "4711");

	(void)state;
	what.day = 20778; /* tomorrow */
	assert_int_equal(ring(&what), ERR_OK);
	assert_int_equal(ring_odd((struct desk_line_item){.product = "7", .units = -AMOUNT_MAX, .amount = AMOUNT_MAX}),
			 ERR_OK);
}

static void test_too_large(void **state)
{
	static struct desk_line_item many[LINES_MAX + 1];
	static char product[200];
	struct desk_receipt what = receipt("card", "4711");

	(void)state;
	what.lines = many;
	for (size_t i = 0; i <= LINES_MAX; i++)
		many[i].product = "1";
	what.line_count = LINES_MAX + 1;
	assert_int_equal(ring(&what), ERR_TOO_LARGE);
	what.line_count = LINES_MAX;
	assert_int_equal(ring(&what), ERR_OK);
	memset(product, 'p', sizeof product - 1);
	for (size_t i = 0; i <= LINES_MAX; i++)
		many[i].product = product;
	assert_int_equal(ring(&what), ERR_TOO_LARGE);
}

/* ---- once ---- */

static struct desk_receipt identified(uint8_t id, const char *field, const char *value)
{
	struct desk_receipt what = receipt(field, value);

	what.has_id = true;
	memset(what.id, id, sizeof what.id);
	return what;
}

static void repeat_and_expect(struct desk_receipt *what, uint64_t expected, size_t items)
{
	assert_int_equal(ring(what), ERR_OK);
	assert_int_equal(number, expected);
	assert_int_equal(desk_test.fake.item_count, items);
}

static void test_repeated_while_it_waits(void **state)
{
	struct desk_receipt what = identified(1, "card", "4711"), other = identified(2, "card", "4711");

	(void)state;
	repeat_and_expect(&what, 1, 1);
	assert_int_equal(desk_test_item(&desk_test)->operation->receipt->id.data[7], 1);
	repeat_and_expect(&what, 1, 1);
	repeat_and_expect(&other, 2, 2);
	desk_test.fake.items[0].state = OUTBOX_SENT;
	repeat_and_expect(&what, 1, 2);
	fake_shop_restart(&desk_test.fake);
	char role[NAME_MAX_ + 1];
	assert_int_equal(desk_open(desk_test.fake.desk, "anna", slice_text(FAKE_CLERK_PIN), desk_test.anna, role, NULL),
			 ERR_OK);
	repeat_and_expect(&what, 1, 2);
	repeat_and_expect(&other, 2, 2);
}

static void test_repeated_when_the_copy_knows_more(void **state)
{
	struct desk_receipt what = identified(1, "card", "9999");

	(void)state;
	repeat_and_expect(&what, 1, 1);
	fake_shop_row(&desk_test.fake, 9, "9999", "Zoe", NULL);
	repeat_and_expect(&what, 1, 1);
}

static void test_another_receipt_under_the_id(void **state)
{
	struct desk_receipt what = identified(1, "card", "4711"), other = what;

	(void)state;
	repeat_and_expect(&what, 1, 1);
	other.day--;
	assert_int_equal(ring(&other), ERR_EXISTS);
	other = what;
	other.line_count = 1;
	assert_int_equal(ring(&other), ERR_EXISTS);
	assert_int_equal(desk_test.fake.item_count, 1);
}

/* Delivered, or set aside: it goes again, and the broker says what it is. */
static void test_repeated_when_it_waits_no_longer(void **state)
{
	struct desk_receipt what = identified(1, "card", "4711");

	(void)state;
	repeat_and_expect(&what, 1, 1);
	desk_test.fake.items[0].state = OUTBOX_REFUSED;
	repeat_and_expect(&what, 2, 2);
	repeat_and_expect(&what, 2, 2);
}

static void test_not_taken_is_not_remembered(void **state)
{
	struct desk_receipt what = identified(1, "card", "4711");

	(void)state;
	desk_test.fake.outbox_code = ERR_DISK_FULL;
	assert_int_equal(ring(&what), ERR_DISK_FULL);
	desk_test.fake.outbox_code = ERR_OK;
	repeat_and_expect(&what, 1, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_of_a_member_in_the_copy),
		TEST(test_of_a_member_who_is_not_in_the_copy),
		TEST(test_refused),
		TEST(test_bounds_that_are_kept),
		TEST(test_too_large),
		TEST(test_repeated_while_it_waits),
		TEST(test_repeated_when_the_copy_knows_more),
		TEST(test_another_receipt_under_the_id),
		TEST(test_repeated_when_it_waits_no_longer),
		TEST(test_not_taken_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
