/* FORMAT.md R102, and the census of R117. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"

static struct franchise *formula;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer open_it(uint32_t store, const char *name, const char *country)
{
	return franchise_one(formula, &formula->office, action_open_store(formula, store, name, country));
}

/* "12 Zeist NL state joined|..." */
static const char *census(void)
{
	struct answer answer = franchise_must(formula, &formula->office, action_census(formula));
	const char *list = "";

	assert_false(answer.result->has_more);
	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		Kluis__CensusRow *row;

		assert_int_equal(WIRE_DECODE(CensusRow, census_row, answer_item(&answer, 0, i), &formula->arena, &row),
				 ERR_OK);
		list = arena_printf(&formula->arena, "%s%u %s %s %u%s|", list, row->store, row->name, row->country,
				    row->state, row->has_joined ? " joined" : "");
	}
	return list;
}

static void test_store_is_opened_once(void **state)
{
	struct answer answer;

	(void)state;
	assert_string_equal(census(), "");
	answer = open_it(7, "Zeist", "NL");
	assert_int_equal(answer.code, ERR_OK);
	assert_false(answer.result->has_is_unchanged);
	assert_true(open_it(7, "Zeist", "NL").result->is_unchanged);
	assert_string_equal(census(), "7 Zeist NL 0|");
	assert_false(open_it(7, "Zeist-West", "NL").result->has_is_unchanged);
	assert_false(open_it(7, "Zeist-West", "BE").result->has_is_unchanged);
	assert_string_equal(census(), "7 Zeist-West BE 0|");
	open_it(99999, "Last", "NL");
	open_it(0, "First", "NL");
	assert_string_equal(census(), "0 First NL 0|7 Zeist-West BE 0|99999 Last NL 0|");
}

/* A store that is renamed keeps its agreement. */
static void test_renaming_changes_nothing_else(void **state)
{
	struct party *store = franchise_store(formula, 12, GRANT_SERVICE);

	(void)state;
	franchise_visitor(formula, store, "1=4711");
	assert_int_equal(open_it(12, "Renamed", "NL").code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
	const char *expected = arena_printf(&formula->arena, "12 Renamed NL %u joined|", (unsigned)AGREEMENT_ACTIVE);
	assert_string_equal(census(), expected);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	expected = arena_printf(&formula->arena, "12 Renamed NL %u joined|", (unsigned)AGREEMENT_SUSPENDED);
	assert_string_equal(census(), expected);
}

/* The state is of the agreement in force; of the candidate where there is none. */
static void test_census_of_candidates(void **state)
{
	struct party *store = franchise_store(formula, 12, NULL);
	const char *text = franchise_agreement(formula, 12, GRANT_SERVICE, NULL);

	(void)state;
	franchise_must(formula, &formula->office, action_draft(formula, 12, text));
	assert_string_equal(census(), arena_printf(&formula->arena, "12 Winkel NL %u joined|", AGREEMENT_DRAFTED));
	franchise_must(formula, &formula->office, action_offer(formula, text, &formula->office.key));
	assert_string_equal(census(), arena_printf(&formula->arena, "12 Winkel NL %u joined|", AGREEMENT_OFFERED));
	franchise_must(formula, store, action_accept(formula, text, &store->key));
	const char *next = franchise_agreement(formula, 12, GRANT_ALL, NULL);
	franchise_must(formula, &formula->office, action_draft(formula, 12, next));
	assert_string_equal(census(), arena_printf(&formula->arena, "12 Winkel NL %u joined|", AGREEMENT_ACTIVE));
}

static void test_stores_of_no_form(void **state)
{
	(void)state;
	assert_int_equal(open_it(100000, "Zeist", "NL").code, ERR_INPUT);
	assert_int_equal(open_it(1, "", "NL").code, ERR_INPUT);
	assert_int_equal(open_it(1, "Zeist", "nl").code, ERR_INPUT);
	assert_int_equal(open_it(1, "Zeist", "NLD").code, ERR_INPUT);
	assert_int_equal(open_it(1, "Zeist", "").code, ERR_INPUT);
	assert_string_equal(census(), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_store_is_opened_once),
		TEST(test_renaming_changes_nothing_else),
		TEST(test_census_of_candidates),
		TEST(test_stores_of_no_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
