#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"
#include "text.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer ring_up(struct party *party, uint32_t number, int32_t day, struct slice customer,
			     const char *value)
{
	return franchise_one(formula, party,
			     action_receipt(formula, "service", franchise_draw(formula), number, day, customer, value));
}

static void test_receipt_makes_a_visit(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");
	struct answer answer;

	(void)state;
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_SCOPE);
	answer = ring_up(store, 12, FRANCHISE_DAY, SLICE_EMPTY, "1=4711");
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "grant service");
	assert_memory_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_false(answer.result->has_is_unchanged);
	assert_int_equal(answer.result->n_disclosures, 0);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
}

static void test_receipt_with_an_id_used_before(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");
	struct slice other = franchise_customer(formula, "1=4712");
	struct slice id = franchise_draw(formula);
	struct action actions[2];
	struct answer answer;

	(void)state;
	actions[0] = action_receipt(formula, "service", id, 12, FRANCHISE_DAY, customer, NULL);
	actions[1] = action_receipt(formula, "service", id, 12, FRANCHISE_DAY, customer, NULL);
	answer = franchise_send(formula, store, actions, 2);
	assert_false(answer.entry.decoded->results[0]->has_is_unchanged);
	assert_true(answer.entry.decoded->results[1]->is_unchanged);
	answer = franchise_must(formula, store, actions[0]);
	assert_true(answer.result->is_unchanged);
	/* each thing that may differ */
	struct action day = action_receipt(formula, "service", id, 12, FRANCHISE_DAY - 1, customer, NULL);
	struct action who = action_receipt(formula, "service", id, 12, FRANCHISE_DAY, other, NULL);
	struct action how = action_receipt(formula, "service", id, 12, FRANCHISE_DAY, SLICE_EMPTY, "1=4711");
	assert_int_equal(franchise_one(formula, store, day).code, ERR_EXISTS);
	assert_int_equal(franchise_one(formula, store, who).code, ERR_EXISTS);
	assert_int_equal(franchise_one(formula, store, how).code, ERR_EXISTS);
}

static void test_receipt_of_whom_and_where(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");
	struct slice nobody = franchise_draw(formula);

	(void)state;
	franchise_store(formula, 13, NULL);
	assert_int_equal(ring_up(store, 13, FRANCHISE_DAY, customer, NULL).code, ERR_STORE);
	assert_int_equal(ring_up(&formula->office, 99, FRANCHISE_DAY, customer, NULL).code, ERR_STORE);
	assert_int_equal(ring_up(&formula->office, 13, FRANCHISE_DAY, customer, NULL).code, ERR_OK);
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, nobody, NULL).code, ERR_NOT_FOUND);
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, SLICE_EMPTY, "1=9999").code, ERR_NOT_FOUND);
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, SLICE_EMPTY, "2=Anna").code, ERR_FIELD);
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, SLICE_EMPTY, NULL).code, ERR_INPUT);
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, customer, "1=4711").code, ERR_INPUT);
	/* tomorrow may have begun where the store is, the day after not */
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY + 1, customer, NULL).code, ERR_OK);
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY + 2, customer, NULL).code, ERR_VALUE);
}

static struct action with_line(struct slice customer, int64_t amount, size_t count)
{
	struct action action =
		action_receipt(formula, "service", franchise_draw(formula), 12, FRANCHISE_DAY, customer, NULL);
	Kluis__ReceiptContent content = KLUIS__RECEIPT_CONTENT__INIT;
	Kluis__Line line = KLUIS__LINE__INIT;
	char product[] = "bread";
	Kluis__Line **lines = arena_array(&formula->arena, count, sizeof(*lines));

	line.product = product;
	line.amount = amount;
	for (size_t i = 0; i < count; i++)
		lines[i] = &line;
	content.lines = lines;
	content.n_lines = count;
	action_content(formula, &action, &content.base, &action.operation->receipt->commitment);
	return action;
}

static void test_receipt_bounds_of_lines(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");

	(void)state;
	assert_int_equal(franchise_one(formula, store, with_line(customer, AMOUNT_MAX, 1)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, with_line(customer, -AMOUNT_MAX, 1)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, with_line(customer, AMOUNT_MAX + (int64_t)1, 1)).code,
			 ERR_VALUE);
	assert_int_equal(franchise_one(formula, store, with_line(customer, INT64_MIN, 1)).code, ERR_VALUE);
	assert_int_equal(franchise_one(formula, store, with_line(customer, 1, LINES_MAX)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, with_line(customer, 1, LINES_MAX + 1)).code, ERR_TOO_LARGE);
}

/* Whose customer? Asked by a lookup under an owned grant. */
static bool is_owner(struct party *party, const char *value)
{
	enum err code = franchise_one(formula, party, action_lookup(formula, "service", value)).code;

	assert_true(code == ERR_OK || code == ERR_SCOPE);
	return code == ERR_OK;
}

#define GRANT_OWNED "[grant own]\npurpose = service\noperations = lookup\ncustomers = owned\nfields = card\n" GRANT_REST

/* R70 to R73: receipts in any order, both rules. */
static void check_owner(const char *rule, bool has_registration, uint32_t expected)
{
	static const struct {
		uint32_t store;
		int32_t day;
	} receipts[] = {{31, -10}, {30, -20}, {32, -20}, {31, -5}, {30, -5}, {32, -7}};
	struct franchise *before = formula;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	formula = franchise_new(text_replace(&arena, franchise_charter_text(&arena), "latest-transaction", rule));
	struct party *parties[3];
	for (uint32_t i = 0; i < 3; i++)
		parties[i] = franchise_store(formula, 30 + i, GRANT_OWNED);
	struct action action = action_registration(formula, NULL, franchise_draw(formula), "1=4711");
	if (has_registration)
		registration_at(&action, 32, FRANCHISE_DAY - 1);
	franchise_must(formula, &formula->office, action);
	struct slice customer = wire_slice(action.operation->registration->customer);
	for (size_t i = 0; i < sizeof(receipts) / sizeof(receipts[0]); i++)
		franchise_visit(formula, receipts[i].store, FRANCHISE_DAY + receipts[i].day, customer);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(is_owner(parties[i], "1=4711"), 30 + i == expected);
	franchise_free(&formula);
	arena_fini(&arena);
	formula = before;
}

static void test_receipt_decides_the_owner(void **state)
{
	(void)state;
	check_owner("latest-transaction", false, 30); /* day -5: 30 and 31, the lower number */
	check_owner("latest-transaction", true, 30);
	check_owner("first-registration", false, 30); /* day -20: 30 and 32 */
	check_owner("first-registration", true, 32);
}

static void test_receipt_refused_by_the_agreement(void **state)
{
	struct party *other = franchise_store(formula, 14, GRANT_OWNED);
	struct slice customer = franchise_customer(formula, "1=4711");

	(void)state;
	assert_int_equal(ring_up(other, 14, FRANCHISE_DAY, customer, NULL).code, ERR_NO_GRANT_OPERATION);
	franchise_agree(formula, other,
			franchise_agreement(formula, 14,
					    "[grant own]\npurpose = service\noperations = receipt\n"
					    "customers = owned\nfields = card\n" GRANT_REST,
					    other->agreement));
	assert_int_equal(ring_up(other, 14, FRANCHISE_DAY, customer, NULL).code, ERR_SCOPE);
	store->has_employee = false;
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, customer, NULL).code, ERR_NO_EMPLOYEE);
}

static void test_receipt_of_a_restricted_customer_is_recorded(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");

	(void)state;
	franchise_must(formula, &formula->office, action_restriction(formula, customer, true));
	assert_int_equal(ring_up(store, 12, FRANCHISE_DAY, customer, NULL).code, ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_receipt_makes_a_visit),
		TEST(test_receipt_with_an_id_used_before),
		TEST(test_receipt_of_whom_and_where),
		TEST(test_receipt_bounds_of_lines),
		TEST(test_receipt_decides_the_owner),
		TEST(test_receipt_refused_by_the_agreement),
		TEST(test_receipt_of_a_restricted_customer_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
