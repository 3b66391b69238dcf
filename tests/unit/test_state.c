#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "replay.h"

/* What the log's facts are once the whole story is told (audit_log.c): looked at in its last step. */

static struct finding_lines lines;

/* The customer of the first lookup: Anna. */
static struct slice anna(void)
{
	size_t index = audit_log_find(story, KLUIS__OPERATION__KIND_LOOKUP, 0);
	struct entry entry;

	assert_int_equal(entry_open(story->entries[index], &story->arena, &entry, NULL), ERR_OK);
	return wire_slice(entry.decoded->results[0]->customer);
}

static void see_the_end(const struct state *state, const struct step *step)
{
	const struct store_fact *first = state_store(state, 12), *second = state_store(state, 7);
	const struct customer_fact *customer = state_customer(state, anna());

	(void)step;
	assert_non_null(state->charter);
	assert_int_equal(state->charter->version_number, 1);
	assert_null(state_store(state, 13));
	assert_string_equal(first->name, "Winkel");
	assert_string_equal(first->country, "NL");
	/* suspended and resumed */
	assert_int_equal(first->current.state, AGREEMENT_ACTIVE);
	assert_int_equal(first->candidate.state, AGREEMENT_NONE);
	assert_int_equal(first->current.paper->agreement->store, 12);
	assert_ptr_equal(first->current.paper->agreement_charter, state->charter);
	assert_int_equal(second->current.paper->agreement->store, 7);
	assert_int_equal(first->employees.count, 1);
	/* Anna: registered by head office without a store, one update, two visits on one day */
	assert_int_equal(customer->version, 2);
	assert_false(customer->is_restricted);
	assert_false(customer->history.registered.is_known);
	assert_int_equal(customer->history.latest.store, 12);
	assert_int_equal(customer->history.latest.day, FRANCHISE_DAY);
	assert_int_equal(customer_visit_at(customer, 12)->day, FRANCHISE_DAY);
	assert_null(customer_visit_at(customer, 7));
	assert_int_equal(customer_consent_to(customer, slice_text("direct-marketing"))->status, 4);
	assert_null(customer_consent_to(customer, slice_text("service")));
	/* Anna, Bert, Carl, Dirk, Eva; head office's four receipts and one of the store */
	assert_int_equal(state->customers.count, 5);
	assert_int_equal(state->receipts.count, 5);
}

static void test_facts_at_the_end(void **state)
{
	(void)state;
	audit_log_look(story, story->count - 1, see_the_end);
}

static void see_suspended(const struct state *state, const struct step *step)
{
	assert_int_equal(state_store(state, 12)->current.state, AGREEMENT_SUSPENDED);
	assert_int_equal(step->store->number, 12);
	assert_int_equal(step->result->code, ERR_SUSPENDED);
}

static void test_facts_while_a_store_is_suspended(void **state)
{
	(void)state;
	audit_log_look(story, audit_log_find(story, KLUIS__OPERATION__KIND_STANDING, 0) + 1, see_suspended);
}

static void see_drafted(const struct state *state, const struct step *step)
{
	const struct store_fact *store = state_store(state, 12);

	(void)step;
	assert_int_equal(store->candidate.state, AGREEMENT_DRAFTED);
	assert_int_equal(store->current.state, AGREEMENT_NONE);
	assert_null(store->current.paper);
}

static void see_offered(const struct state *state, const struct step *step)
{
	(void)step;
	assert_int_equal(state_store(state, 12)->candidate.state, AGREEMENT_OFFERED);
}

static void see_active(const struct state *state, const struct step *step)
{
	(void)step;
	assert_int_equal(state_store(state, 12)->current.state, AGREEMENT_ACTIVE);
	assert_null(state_store(state, 12)->candidate.paper);
}

static void test_facts_from_draft_to_active(void **state)
{
	size_t draft = audit_log_find(story, KLUIS__OPERATION__KIND_DRAFT, 0);

	(void)state;
	audit_log_look(story, draft + 1, see_drafted);
	audit_log_look(story, draft + 2, see_offered);
	audit_log_look(story, draft + 3, see_active);
}

static void test_use_counts_customers_once_a_day(void **state)
{
	struct arena arena;
	struct state facts;
	struct findings findings = finding_lines_init(&lines);
	struct zone utc = {0};
	static struct agreement agreement;
	struct slice first = slice_text("0123456789abcdef"), second = slice_text("0123456789abcdeg");

	(void)state;
	agreement.grant_count = 2;
	agreement.grants[0].hours.zone = agreement.grants[1].hours.zone = &utc;
	arena_init(&arena, (size_t)1024 * 1024);
	state_init(&facts, NULL, &story->controller, &findings, &arena);
	assert_int_equal(state_count_use(&facts, &agreement, 0, 86400, first), ERR_OK);
	assert_int_equal(state_count_use(&facts, &agreement, 0, 86401, first), ERR_OK);
	assert_int_equal(state_count_use(&facts, &agreement, 0, 86402, second), ERR_OK);
	assert_int_equal(state_use(&facts, &agreement, 0, 90000, first).customers, 2);
	assert_true(state_use(&facts, &agreement, 0, 90000, first).is_counted);
	/* another day, another grant */
	assert_int_equal(state_use(&facts, &agreement, 0, 86399, first).customers, 0);
	assert_false(state_use(&facts, &agreement, 0, 86399, first).is_counted);
	assert_int_equal(state_use(&facts, &agreement, 1, 90000, first).customers, 0);
	state_fini(&facts);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_at_the_end),
		cmocka_unit_test(test_facts_while_a_store_is_suspended),
		cmocka_unit_test(test_facts_from_draft_to_active),
		cmocka_unit_test(test_use_counts_customers_once_a_day),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up, audit_log_tear_down);
}
