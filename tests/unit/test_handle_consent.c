#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"

static struct franchise *formula;
static struct party *store;
static struct slice customer;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	customer = franchise_visitor(formula, store, "1=4711");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer consent(struct party *party, struct slice who, const char *about, uint32_t status)
{
	return franchise_one(formula, party, action_consent(formula, "service", who, about, status));
}

static void test_consent_by_a_store(void **state)
{
	struct answer answer = consent(store, customer, "direct-marketing", 4);

	(void)state;
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "grant service");
	assert_memory_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
	assert_false(answer.result->has_is_unchanged);
	assert_true(consent(store, customer, "direct-marketing", 4).result->is_unchanged);
	assert_false(consent(store, customer, "direct-marketing", 7).result->has_is_unchanged);
	/* each purpose by itself, in any order */
	assert_false(consent(store, customer, "service", 4).result->has_is_unchanged);
	assert_true(consent(store, customer, "direct-marketing", 7).result->is_unchanged);
	assert_true(consent(store, customer, "service", 4).result->is_unchanged);
}

static void test_consent_refusals(void **state)
{
	struct slice stranger = franchise_customer(formula, "1=4712");

	(void)state;
	assert_int_equal(consent(store, customer, "curiosity", 4).code, ERR_PURPOSE);
	assert_int_equal(consent(store, franchise_draw(formula), "service", 4).code, ERR_NOT_FOUND);
	assert_int_equal(consent(store, stranger, "service", 4).code, ERR_SCOPE);
	assert_int_equal(consent(&formula->office, stranger, "service", 4).code, ERR_OK);
	assert_null(consent(store, customer, "service", 10).result); /* no status: the whole message is refused */
	store->has_employee = false;
	assert_int_equal(consent(store, customer, "service", 4).code, ERR_NO_EMPLOYEE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_consent_by_a_store),
		TEST(test_consent_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
