#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"
#include "kluis/clock.h"

#define CUSTOMERS 9

static struct franchise *formula;

/* Nine customers; the i-th has i receipts in store 12 in 1997 and one in store 13 in 1998. Each receipt is one line of
 * 2.0000 units, 3.4500 and cost 1.2500. */
static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	franchise_store(formula, 12, NULL);
	franchise_store(formula, 13, NULL);
	for (unsigned i = 0; i < CUSTOMERS; i++) {
		struct slice customer = franchise_customer(formula, arena_printf(&formula->arena, "1=%u", 1000 + i));

		for (unsigned j = 0; j < i; j++)
			franchise_visit(formula, 12, date_join(1997, 1 + (int)j, 1), customer);
		/* an id of all ones stands where the next page begins */
		struct slice id =
			i == 4 ? slice_text("\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377")
			       : franchise_draw(formula);
		franchise_must(formula, &formula->office,
			       action_receipt(formula, NULL, id, 13, date_join(1998, 12, 31), customer, NULL));
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

struct sum {
	uint64_t receipts, lines;
	int64_t units, amount, cost;
};

static void add(struct sum *in_1997, struct sum *in_1998, const Kluis__Data *data)
{
	for (size_t i = 0; i < data->n_items; i++) {
		Kluis__TotalsRow *row;

		assert_int_equal(WIRE_DECODE(TotalsRow, totals_row, wire_slice(data->items[i]), &formula->arena, &row),
				 ERR_OK);
		assert_true((row->store == 12 && row->year == 1997) || (row->store == 13 && row->year == 1998));
		struct sum *sum = row->store == 12 ? in_1997 : in_1998;
		sum->receipts += row->receipts;
		sum->lines += row->lines;
		sum->units += row->units;
		sum->amount += row->amount;
		sum->cost += row->cost;
	}
}

static void check_pages(uint32_t count, size_t pages_expected)
{
	struct sum in_1997 = {0}, in_1998 = {0};
	struct slice after = SLICE_EMPTY;
	size_t pages = 0;

	for (bool has_more = true; has_more; pages++) {
		struct answer answer = franchise_must(formula, &formula->office, action_totals(formula, after, count));

		assert_int_equal(answer.reply->n_data, 1);
		add(&in_1997, &in_1998, answer.reply->data[0]);
		has_more = answer.result->has_more;
		assert_int_equal(answer.result->n_disclosures, 0);
		after = wire_slice(answer.result->customer);
	}
	assert_int_equal(pages, pages_expected);
	assert_int_equal(in_1997.receipts, 36);
	assert_int_equal(in_1997.lines, 36);
	assert_int_equal(in_1997.units, 36 * 20000);
	assert_int_equal(in_1997.amount, 36 * 34500);
	assert_int_equal(in_1997.cost, 36 * 12500);
	assert_int_equal(in_1998.receipts, CUSTOMERS);
	assert_int_equal(in_1998.amount, CUSTOMERS * 34500);
}

static void test_totals_are_the_same_in_pages_of_any_size(void **state)
{
	(void)state;
	check_pages(1000, 1);
	check_pages(CUSTOMERS, 1);
	check_pages(4, 3);
	check_pages(1, CUSTOMERS);
}

static void test_totals_of_nothing(void **state)
{
	struct franchise *full = formula;
	struct answer answer;

	(void)state;
	formula = franchise_new(NULL);
	answer = franchise_must(formula, &formula->office, action_totals(formula, SLICE_EMPTY, 10));
	assert_false(answer.result->has_more);
	assert_false(answer.result->has_customer);
	assert_int_equal(answer.reply->data[0]->n_items, 0);
	franchise_free(&formula);
	formula = full;
}

static void test_totals_refusals(void **state)
{
	struct answer answer;

	(void)state;
	answer = franchise_one(formula, &formula->office, action_totals(formula, SLICE("12345", 5), 10));
	assert_int_equal(answer.code, ERR_INPUT);
	answer = franchise_one(formula, &formula->stores[0], action_totals(formula, SLICE_EMPTY, 10));
	assert_int_equal(answer.code, ERR_FORBIDDEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_totals_are_the_same_in_pages_of_any_size),
		cmocka_unit_test(test_totals_of_nothing),
		cmocka_unit_test(test_totals_refusals),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
