#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "text.h"

/* Facts that one short story each leaves behind. */

static struct franchise *formula;
static struct party *store;
static struct audit_log *story;
static struct finding_lines lines;

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
	audit_log_free(&story);
	franchise_free(&formula);
	return 0;
}

/* Ends the story with one more entry, at which look sees all facts; and nothing in it may differ. */
static void look_at_the_end(void (*look)(const struct state *state, const struct step *step))
{
	(void)franchise_one(formula, &formula->office, action_totals(formula, SLICE_EMPTY, 1));
	story = audit_log_of(formula);
	audit_log_look(story, story->count - 1, look);
	(void)audit_log_check(story, &lines);
	if (lines.count > 0)
		fail_msg("%s", lines.all);
}

static uint8_t first_agreement[HASH_SIZE];

static void see_superseded(const struct state *state, const struct step *step)
{
	const struct store_fact *fact = state_store(state, 12);

	(void)step;
	assert_int_equal(state->charter->version_number, 2);
	assert_int_equal(fact->current.state, AGREEMENT_ACTIVE);
	assert_memory_not_equal(fact->current.paper->hash.data, first_agreement, HASH_SIZE);
	assert_memory_equal(fact->current.paper->agreement->supersedes, first_agreement, HASH_SIZE);
	/* the first one keeps its own charter's meaning (R25) */
	assert_int_equal(state_paper(state, SLICE_ARRAY(first_agreement))->agreement_charter->version_number, 1);
	assert_int_equal(fact->current.paper->agreement_charter->version_number, 2);
}

static void test_a_later_charter_and_agreement_take_over(void **state)
{
	const char *text =
		text_replace(&formula->arena, franchise_charter_text(&formula->arena), "version = 1", "version = 2");

	(void)state;
	memcpy(first_agreement, store->agreement, HASH_SIZE);
	franchise_charter(formula, text);
	franchise_agree(formula, store, franchise_agreement(formula, 12, GRANT_ALL, first_agreement));
	look_at_the_end(see_superseded);
}

static struct slice customer;

static void see_registered(const struct state *state, const struct step *step)
{
	const struct customer_fact *fact = state_customer(state, customer);

	(void)step;
	assert_int_equal(fact->version, 1);
	assert_true(fact->history.registered.is_known);
	assert_int_equal(fact->history.registered.store, 12);
	assert_int_equal(fact->history.registered.day, FRANCHISE_DAY);
	assert_int_equal(customer_consent_to(fact, slice_text("direct-marketing"))->status, 7);
	assert_false(customer_consent_to(fact, slice_text("service")) != NULL);
}

static void test_a_store_registers_for_itself_on_that_day(void **state)
{
	struct action action;

	(void)state;
	customer = franchise_draw(formula);
	action = action_registration(formula, "service", customer, "1=4711|2=Anna");
	registration_consent(formula, &action, "direct-marketing", 7);
	franchise_must(formula, store, action);
	look_at_the_end(see_registered);
}

static void see_restricted(const struct state *state, const struct step *step)
{
	const struct customer_fact *fact = state_customer(state, customer);

	(void)step;
	assert_true(fact->is_restricted);
	assert_int_equal(fact->history.first.day, FRANCHISE_DAY - 9);
	assert_int_equal(fact->history.latest.day, FRANCHISE_DAY);
	assert_int_equal(customer_visit_at(fact, 12)->day, FRANCHISE_DAY);
	assert_int_equal(state_store(state, 12)->current.state, AGREEMENT_TERMINATED);
}

static void test_visits_restriction_and_termination(void **state)
{
	(void)state;
	customer = franchise_visitor(formula, store, "1=4711|2=Anna");
	franchise_visit(formula, 12, FRANCHISE_DAY - 9, customer); /* arrived late: the latest stays (R73) */
	franchise_must(formula, &formula->office, action_restriction(formula, customer, true));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	(void)franchise_one(formula, store, action_lookup(formula, "service", "1=4711"));
	look_at_the_end(see_restricted);
}

static void see_merged(const struct state *state, const struct step *step)
{
	(void)step;
	assert_int_equal(state->customers.count, 1);
	assert_int_equal(state_customer(state, customer)->version, 2);
}

/* Head office's import names a customer who is there under another pseudonym: an update of that one (R113). */
static void test_an_import_of_a_known_customer_is_an_update(void **state)
{
	struct slice other = franchise_draw(formula);

	(void)state;
	customer = franchise_customer(formula, "1=4711|2=Anna");
	franchise_must(formula, &formula->office, action_registration(formula, NULL, other, "1=4711|2=Anne"));
	franchise_must(formula, &formula->office, action_registration(formula, NULL, other, "1=4711|2=Anne"));
	look_at_the_end(see_merged);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_a_later_charter_and_agreement_take_over),
		FRESH(test_a_store_registers_for_itself_on_that_day),
		FRESH(test_visits_restriction_and_termination),
		FRESH(test_an_import_of_a_known_customer_is_an_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
