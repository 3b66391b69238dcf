#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"

/* What a restriction does to lookup, sync, update and receipts stands in their tests. */
static void test_restriction_set_and_lifted(void **state)
{
	struct franchise *formula = franchise_new(NULL);
	struct party *store = franchise_store(formula, 12, GRANT_ALL);
	struct slice customer = franchise_customer(formula, "1=4711");
	struct answer answer = franchise_one(formula, &formula->office, action_restriction(formula, customer, true));

	(void)state;
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "controller");
	assert_memory_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_false(answer.result->has_is_unchanged);
	answer = franchise_one(formula, &formula->office, action_restriction(formula, customer, true));
	assert_true(answer.result->is_unchanged);
	answer = franchise_one(formula, store, action_restriction(formula, customer, false));
	assert_int_equal(answer.code, ERR_FORBIDDEN);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code,
			 ERR_RESTRICTED);
	/* head office itself still sees: art. 18(2) is its own to weigh */
	assert_int_equal(franchise_one(formula, &formula->office, action_lookup(formula, "service", "1=4711")).code,
			 ERR_OK);
	answer = franchise_one(formula, &formula->office, action_restriction(formula, customer, false));
	assert_false(answer.result->has_is_unchanged);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
	answer = franchise_one(formula, &formula->office, action_restriction(formula, franchise_draw(formula), true));
	assert_int_equal(answer.code, ERR_NOT_FOUND);
	franchise_free(&formula);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restriction_set_and_lifted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
