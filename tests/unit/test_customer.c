#include "vault/customer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static struct customer customer;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(customer_new(&bench.context, franchise_draw(formula), &customer), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static void test_customer_put_and_read_again(void **state)
{
	struct customer again;
	bool is_changed;

	(void)state;
	assert_int_equal(customer_add_receipt(&bench.context, &customer, 7, 100, &is_changed), ERR_OK);
	assert_int_equal(customer_put(&bench.context, &customer), ERR_OK);
	assert_int_equal(vault_customer(&bench.context, customer_pseudonym(&customer), &again), ERR_OK);
	assert_memory_equal(again.key, customer.key, KEY_SIZE);
	assert_int_equal(again.row->n_visits, 1);
	assert_int_equal(again.row->version, 0);
	assert_int_equal(vault_customer(&bench.context, franchise_draw(formula), &again), ERR_NOT_FOUND);
	assert_int_equal(vault_customer(&bench.context, slice_text("short"), &again), ERR_NOT_FOUND);
}

static void test_customer_keys_differ(void **state)
{
	struct customer other;

	(void)state;
	assert_int_equal(customer_new(&bench.context, franchise_draw(formula), &other), ERR_OK);
	assert_memory_not_equal(other.key, customer.key, KEY_SIZE);
	/* a row under another's pseudonym does not open */
	other.row->wrapped_key = customer.row->wrapped_key;
	assert_int_equal(customer_put(&bench.context, &other), ERR_OK);
	assert_int_equal(vault_customer(&bench.context, customer_pseudonym(&other), &other), ERR_CRYPTO);
}

static struct customer_facts facts_at(uint32_t store, const char *purpose)
{
	struct customer_facts facts;

	customer_facts(&customer, &formula->charter, store, slice_text(purpose), formula->now_ms, &facts);
	return facts;
}

static void test_customer_facts(void **state)
{
	bool is_changed;

	(void)state;
	struct customer_facts facts = facts_at(7, "service");
	assert_false(facts.is_registered_here || facts.has_visited || facts.has_owner || facts.is_restricted ||
		     facts.has_consented);
	assert_int_equal(customer_set_registered(&bench.context, &customer, 5, 50, &is_changed), ERR_OK);
	assert_true(is_changed);
	assert_int_equal(customer_set_registered(&bench.context, &customer, 6, 40, &is_changed), ERR_OK);
	assert_false(is_changed);
	assert_int_equal(customer_add_receipt(&bench.context, &customer, 7, 100, &is_changed), ERR_OK);
	assert_int_equal(customer_add_receipt(&bench.context, &customer, 3, 90, &is_changed), ERR_OK);
	assert_int_equal(customer_set_consent(&bench.context, &customer, "service", 5, &is_changed), ERR_OK);
	customer.row->is_restricted = true;
	facts = facts_at(7, "service");
	assert_true(facts.has_visited && facts.is_restricted && facts.has_consented && facts.has_owner);
	assert_false(facts.is_registered_here);
	assert_int_equal(facts.last_visit_day, 100);
	assert_int_equal(facts.owner, 7);
	assert_true(facts_at(5, "service").is_registered_here);
	assert_false(facts_at(6, "service").is_registered_here);
	assert_int_equal(facts_at(3, "service").last_visit_day, 90);
	assert_false(facts_at(3, "direct-marketing").has_consented);
	assert_false(facts_at(3, "servic").has_consented);
}

static void test_customer_receipts_in_any_order(void **state)
{
	static const struct {
		uint32_t store;
		int32_t day;
		bool is_changed;
	} rows[] = {{9, 10, true}, {4, 20, true}, {9, 10, false}, {4, 15, false},
		    {6, 15, true}, {9, 5, true},  {4, 20, false}, {1, 20, true}};
	static const uint32_t visited[] = {1, 4, 6, 9};
	bool is_changed;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			customer_add_receipt(&bench.context, &customer, rows[i].store, rows[i].day, &is_changed),
			ERR_OK);
		assert_int_equal(is_changed, rows[i].is_changed);
	}
	assert_int_equal(customer.row->n_visits, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(customer.row->visits[i]->store, visited[i]);
	assert_int_equal(customer.row->first->store, 9);
	assert_int_equal(customer.row->first->day, 5);
	assert_int_equal(customer.row->latest->store, 1);
	assert_int_equal(customer.row->latest->day, 20);
	int32_t day;
	assert_true(customer_visit(&customer, 9, &day));
	assert_int_equal(day, 10);
	assert_false(customer_visit(&customer, 5, &day));
}

static void test_customer_consents_by_purpose(void **state)
{
	static const char *const purposes[] = {"m", "a", "z", "b"};
	bool is_changed;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(customer_set_consent(&bench.context, &customer, purposes[i], 4, &is_changed), ERR_OK);
	assert_int_equal(customer.row->n_consents, 4);
	for (size_t i = 1; i < 4; i++)
		assert_true(strcmp(customer.row->consents[i - 1]->purpose, customer.row->consents[i]->purpose) < 0);
	assert_int_equal(customer_set_consent(&bench.context, &customer, "m", 4, &is_changed), ERR_OK);
	assert_false(is_changed);
	assert_int_equal(customer_set_consent(&bench.context, &customer, "m", 7, &is_changed), ERR_OK);
	assert_true(is_changed);
	for (uint32_t status = 0; status <= 9; status++)
		assert_int_equal(consent_is_valid(status), status == 4 || status == 5);
}

static void test_customer_touch_reaches_who_may_hold_the_customer(void **state)
{
	bool is_changed;

	(void)state;
	customer_touch(&bench.context, &customer);
	assert_int_equal(workbench_effects(&bench, EFFECT_TOUCH, 0), 1);
	assert_int_equal(bench.view.effects[0].store, FEED_ALL);
	assert_int_equal(customer_add_receipt(&bench.context, &customer, 7, 100, &is_changed), ERR_OK);
	assert_int_equal(customer_set_registered(&bench.context, &customer, 7, 50, &is_changed), ERR_OK);
	customer_touch(&bench.context, &customer); /* 7 once, and all */
	assert_int_equal(workbench_effects(&bench, EFFECT_TOUCH, 0), 3);
	customer.row->registered->store = 8;
	customer_touch(&bench.context, &customer); /* 7, 8 and all */
	assert_int_equal(workbench_effects(&bench, EFFECT_TOUCH, 0), 6);
}

static void test_customer_row_of_most_visits_and_consents_can_be_put(void **state)
{
	bool is_changed;

	(void)state;
	/* the arena keeps each array as it grew: start with one that is almost full */
	Rows__Visit **visits = arena_array(&formula->arena, VISITS_MAX, sizeof(*visits));
	for (uint32_t i = 0; i < VISITS_MAX; i++) {
		visits[i] = arena_alloc(&formula->arena, sizeof(**visits));
		rows__visit__init(visits[i]);
		visits[i]->store = STORES_MAX - 1 - VISITS_MAX + i;
		visits[i]->last_day = INT32_MAX;
	}
	customer.row->visits = visits;
	customer.row->n_visits = VISITS_MAX;
	for (unsigned i = 0; i < CONSENTS_MAX; i++)
		assert_int_equal(customer_set_consent(&bench.context, &customer,
						      arena_printf(&formula->arena, "p%063u", i), 9, &is_changed),
				 ERR_OK);
	assert_int_equal(customer_put(&bench.context, &customer), ERR_OK);
	assert_int_equal(customer_add_receipt(&bench.context, &customer, 1, 1, &is_changed), ERR_TOO_LARGE);
	assert_int_equal(customer_set_consent(&bench.context, &customer, "q", 9, &is_changed), ERR_TOO_LARGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_customer_put_and_read_again),
		TEST(test_customer_keys_differ),
		TEST(test_customer_facts),
		TEST(test_customer_receipts_in_any_order),
		TEST(test_customer_consents_by_purpose),
		TEST(test_customer_touch_reaches_who_may_hold_the_customer),
		TEST(test_customer_row_of_most_visits_and_consents_can_be_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
