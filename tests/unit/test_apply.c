#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "kluis/hash.h"
#include "test_keys.h"
#include "text.h"
#include "verify.h"

/* Facts that one short story each leaves behind. */

static struct franchise *formula;
static struct party *store;
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

/* ---- a store with a new key ---- */

static void see_offered_again(const struct state *state, const struct step *step)
{
	const struct store_fact *fact = state_store(state, 12);

	(void)step;
	assert_int_equal(fact->current.state, AGREEMENT_NONE);
	assert_int_equal(fact->candidate.state, AGREEMENT_OFFERED);
	assert_memory_equal(fact->candidate.paper->hash.data, first_agreement, HASH_SIZE);
}

static struct action new_action(Kluis__Operation__KindCase kind)
{
	struct action action = {.operation = arena_alloc(&formula->arena, sizeof(*action.operation))};

	kluis__operation__init(action.operation);
	action.operation->kind_case = kind;
	return action;
}

/* The store lost its machine: head office invites it again and it makes another key (R28, last row; R104). */
static void join_again(void)
{
	static Kluis__Invite invite;
	static Kluis__Join join;
	static uint8_t code[16], hash[HASH_SIZE];
	Kluis__JoinContent content = KLUIS__JOIN_CONTENT__INIT;
	struct action asks = new_action(KLUIS__OPERATION__KIND_INVITE);
	struct action takes = new_action(KLUIS__OPERATION__KIND_JOIN);
	char *name = arena_text(&formula->arena, slice_text(store->key.public.name));

	kluis__invite__init(&invite);
	kluis__join__init(&join);
	sha256(SLICE_ARRAY(code), hash);
	invite.principal = name;
	invite.code_hash = wire_data(SLICE_ARRAY(hash));
	invite.expires_ms = formula->now_ms + DAY_MS;
	asks.operation->invite = &invite;
	franchise_must(formula, &formula->office, asks);
	secret_key_fini(&store->key);
	store->key = test_seed_key(name, 77);
	store->sequence = 0;
	store->has_acknowledgement = store->has_agreement = store->has_employee = false;
	join.public_key = wire_data(SLICE_ARRAY(store->key.public.key));
	content.code = wire_data(SLICE_ARRAY(code));
	takes.operation->join = &join;
	action_content(formula, &takes, &content.base, &join.commitment);
	franchise_must(formula, store, takes);
}

static void accept_again(void)
{
	static Kluis__Accept accept;
	static uint8_t signature[SIGNATURE_SIZE];
	struct action action = new_action(KLUIS__OPERATION__KIND_ACCEPT);
	const char *text = franchise_agreement(formula, 12, GRANT_SERVICE, NULL);

	kluis__accept__init(&accept);
	assert_int_equal(note_make_signature(slice_text(text), &store->key, signature), ERR_OK);
	accept.agreement = wire_data(SLICE_ARRAY(first_agreement));
	accept.signature = wire_data(SLICE_ARRAY(signature));
	action.operation->accept = &accept;
	franchise_must(formula, store, action);
}

static void assert_verifies(void)
{
	struct verify_options options = {.log = story->key.public};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};

	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &summary, &fault), ERR_OK);
	if (lines.count > 0)
		fail_msg("%s", lines.all);
}

static void test_a_new_key_must_sign_anew(void **state)
{
	(void)state;
	memcpy(first_agreement, store->agreement, HASH_SIZE);
	join_again();
	(void)franchise_one(formula, store, action_lookup(formula, "service", "1=4711"));
	look_at_the_end(see_offered_again);
	assert_verifies();
}

static void see_active_again(const struct state *state, const struct step *step)
{
	(void)step;
	assert_int_equal(state_store(state, 12)->current.state, AGREEMENT_ACTIVE);
}

static void test_a_new_key_s_signature_joins_the_old_one_s(void **state)
{
	(void)state;
	memcpy(first_agreement, store->agreement, HASH_SIZE);
	join_again();
	accept_again();
	look_at_the_end(see_active_again);
	assert_verifies();
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_a_later_charter_and_agreement_take_over),
		FRESH(test_a_store_registers_for_itself_on_that_day),
		FRESH(test_visits_restriction_and_termination),
		FRESH(test_an_import_of_a_known_customer_is_an_update),
		FRESH(test_a_new_key_must_sign_anew),
		FRESH(test_a_new_key_s_signature_joins_the_old_one_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
