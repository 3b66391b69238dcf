#include "vault/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "vault/customer.h"
#include "workbench.h"

#define LOOKUP_ONLY "[grant look]\npurpose = service\noperations = lookup\ncustomers = all\nfields = card\n" GRANT_REST

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, LOOKUP_ONLY);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static void assert_refused(struct action action, enum err code, const char *clause)
{
	struct answer answer = franchise_one(formula, store, action);

	assert_int_equal(answer.code, code);
	assert_string_equal(answer.result->clause, clause);
	assert_false(answer.result->has_customer);
}

/* Section 9's preamble: R80 to R82, then the agreement's hash, then R83 and on, then the customer. */
static void test_authority_in_the_order_of_the_rules(void **state)
{
	struct action unknown_purpose = action_lookup(formula, "curiosity", "1=4711");
	struct action nobody = action_lookup(formula, "service", "1=4711");
	struct action other = action_update(formula, "service", franchise_draw(formula), "2=x");
	uint64_t now_ms = formula->now_ms;

	(void)state;
	store->agreement[0] ^= 1;
	assert_refused(unknown_purpose, ERR_OTHER_AGREEMENT, "agreement");
	assert_refused(nobody, ERR_OTHER_AGREEMENT, "agreement");
	store->has_agreement = false;
	assert_refused(nobody, ERR_OTHER_AGREEMENT, "agreement");
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_refused(nobody, ERR_SUSPENDED, "agreement: suspended");
	franchise_must(formula, &formula->office, action_standing(formula, 12, 2));
	store->has_agreement = true;
	store->agreement[0] ^= 1;
	assert_refused(unknown_purpose, ERR_NO_GRANT_PURPOSE, "no grant for purpose curiosity");
	assert_refused(other, ERR_NO_GRANT_OPERATION, "no grant for operation update and purpose service");
	store->has_employee = false;
	assert_refused(nobody, ERR_NO_EMPLOYEE, "grant look: employee");
	store->has_employee = true;
	struct answer answer = franchise_one(formula, store, nobody);
	assert_int_equal(answer.code, ERR_NOT_FOUND);
	assert_null(answer.result->clause);
	/* 2028-01-01 in UTC: the second before is the last */
	store->agreement[0] ^= 1;
	formula->now_ms = UINT64_C(1830297600000) - 1;
	assert_refused(nobody, ERR_OTHER_AGREEMENT, "agreement");
	formula->now_ms++;
	assert_refused(nobody, ERR_EXPIRED, "agreement: until");
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	assert_refused(nobody, ERR_TERMINATED, "agreement: terminated");
	assert_true(now_ms < formula->now_ms);
}

/* A role that came with a later charter has no place in the agreement's own (R25). */
static void test_authority_of_a_role_that_the_agreement_does_not_know(void **state)
{
	const char *text = franchise_charter_text(&formula->arena);
	char *later = arena_printf(&formula->arena, "%s", text);

	(void)state;
	franchise_customer(formula, "1=4711");
	char *place = strstr(later, "version = 1");
	place[strlen("version = ")] = '2';
	place = strstr(later, "names = cashier, manager");
	memcpy(place, "names = trainee, manager", strlen("names = trainee, manager"));
	franchise_charter(formula, later);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
	franchise_employ(formula, store, "trainee");
	assert_refused(action_lookup(formula, "service", "1=4711"), ERR_ROLE, "grant look: staff");
	franchise_employ(formula, store, "manager");
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
}

static void test_settle(void **state)
{
	struct workbench bench;

	(void)state;
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(settle(&bench.context, ERR_OK), ERR_OK);
	assert_int_equal(bench.result.code, ERR_OK);
	/* the world's failures go up and are no result */
	assert_int_equal(settle(&bench.context, ERR_CORRUPT), ERR_CORRUPT);
	assert_int_equal(settle(&bench.context, ERR_MEMORY), ERR_MEMORY);
	assert_int_equal(bench.result.code, ERR_OK);
	assert_int_equal(settle(&bench.context, ERR_NOT_FOUND), ERR_OK);
	assert_int_equal(bench.result.code, ERR_NOT_FOUND);
	assert_null(bench.result.clause);
	/* a refusal that stands there keeps its clause */
	assert_int_equal(refuse(&bench.context, ERR_HOURS, "grant g: hours"), ERR_OK);
	assert_int_equal(settle(&bench.context, ERR_HOURS), ERR_OK);
	assert_string_equal(bench.result.clause, "grant g: hours");
	workbench_fini(&bench);
}

static void test_authority_of_head_office(void **state)
{
	struct workbench bench;
	struct authority authority;
	struct customer customer;

	(void)state;
	struct slice who = franchise_customer(formula, "1=4711");
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(authority_standing(&bench.context, OPERATION_UPDATE, &authority), ERR_OK);
	assert_int_equal(vault_customer(&bench.context, who, &customer), ERR_OK);
	customer.row->is_restricted = true;
	assert_int_equal(authority_over(&bench.context, &authority, &customer), ERR_OK);
	assert_null(authority_grant(&bench.context, &authority));
	assert_ptr_equal(authority_charter(&bench.context, &authority), &formula->charter);
	assert_int_equal(authority_over_fields(&bench.context, &authority, UINT64_MAX), ERR_OK);
	assert_int_equal(authority_count(&bench.context, &authority, &customer), ERR_OK);
	assert_int_equal(bench.view.effect_count, 0);
	assert_int_equal(authority_permit(&bench.context, &authority), ERR_OK);
	assert_string_equal(bench.result.clause, "controller");
	assert_int_equal(authority_standing(&bench.context, OPERATION_LOOKUP, &authority), ERR_PURPOSE);
	workbench_fini(&bench);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_authority_in_the_order_of_the_rules),
		TEST(test_authority_of_a_role_that_the_agreement_does_not_know),
		TEST(test_settle),
		TEST(test_authority_of_head_office),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
