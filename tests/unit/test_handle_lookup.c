#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"

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

/* Head office's customer, who has bought in the store once. */
static struct slice visitor(const char *values)
{
	struct slice customer = franchise_customer(formula, values);

	franchise_must(
		formula, &formula->office,
		action_receipt(formula, NULL, franchise_draw(formula), store->store, FRANCHISE_DAY, customer, NULL));
	return customer;
}

static void test_lookup_discloses_what_the_grant_gives(void **state)
{
	struct slice customer = visitor("1=4711-0815|2=Anna Smith|3=+31 6 1234 5678|4=anna@example.org");
	struct answer answer;

	(void)state;
	answer = franchise_one(formula, store, action_lookup(formula, "service", "1=47110815"));
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "grant service");
	assert_memory_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_int_equal(answer.result->disclosures[0]->version, 1);
	assert_int_equal(answer.result->disclosures[0]->fields, 7);
	assert_int_equal(answer.result->disclosures[0]->grant, 0);
	assert_false(answer.result->disclosures[0]->has_withheld);
	/* R45: last4 keeps four characters of fifteen */
	assert_string_equal(answer_values(formula, &answer, 0), "1=4711-0815|2=Anna Smith|3=•••••••••••5678");
	assert_null(answer_values(formula, &answer, 1));
}
#define X 1
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lookup_discloses_what_the_grant_gives, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
