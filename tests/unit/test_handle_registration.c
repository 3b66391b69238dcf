#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"

#define MARKETING                                                                                                      \
	"[grant offers]\npurpose = direct-marketing\noperations = register, lookup\ncustomers = visited\n"             \
	"fields = card, email\n" GRANT_REST
#define REGISTERED                                                                                                     \
	"[grant own]\npurpose = service\noperations = lookup, register\ncustomers = registered\nfields = card, "       \
	"name\n" GRANT_REST

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, REGISTERED);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct action registration(const char *values)
{
	return action_registration(formula, "service", franchise_draw(formula), values);
}

static void test_registration_by_a_store(void **state)
{
	struct action action = registration("1=4711|2=Anna");
	struct answer answer = franchise_one(formula, store, action);

	(void)state;
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "grant own");
	assert_int_equal(answer.result->version, 1);
	assert_int_equal(answer.result->fields, 3);
	assert_memory_equal(answer.result->customer.data, action.operation->registration->customer.data,
			    PSEUDONYM_SIZE);
	/* for itself: the grant's scope is its registrations */
	answer = franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	assert_string_equal(answer_values(formula, &answer, 0), "1=4711|2=Anna");
	/* sent again it is the same answer, asked again it is another customer's card and pseudonym */
	assert_int_equal(franchise_one(formula, store, action).code, ERR_EXISTS);
	assert_int_equal(franchise_one(formula, store, registration("1=47-11")).code, ERR_EXISTS);
}

static void test_registration_existing_card_does_not_tell_whose(void **state)
{
	struct slice customer = franchise_customer(formula, "1=4711");
	struct answer answer = franchise_one(formula, store, registration("1=4711"));

	(void)state;
	assert_int_equal(answer.code, ERR_EXISTS);
	assert_memory_not_equal(answer.result->customer.data, customer.data, PSEUDONYM_SIZE);
}

static void test_registration_of_fields_and_values(void **state)
{
	static const struct {
		const char *values;
		enum err code;
	} rows[] = {
		{"1=4711|3=0612345678", ERR_NOT_GRANTED_FIELD},
		{"1=4711|60=x", ERR_FIELD},
		{"1=!!!!", ERR_VALUE},
		{"2=Anna|1=4711", ERR_INPUT},
		{"1=4711|1=4712", ERR_INPUT},
		{"", ERR_VALUE},
		{"1=|2=", ERR_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(franchise_one(formula, store, registration(rows[i].values)).code, rows[i].code);
	struct answer answer = franchise_one(formula, store, registration("1=4711|3=0612345678"));
	assert_int_equal(answer.result->fields, 5);
	assert_string_equal(answer.result->clause, "grant own");
	/* nothing of all that was written */
	assert_int_equal(franchise_one(formula, store, registration("1=4711|2=")).code, ERR_OK);
}

static void test_registration_store_and_day(void **state)
{
	struct action elsewhere = registration("1=4711"), unknown = registration("1=4711");
	struct action late = registration("1=4711"), own = registration("1=4711");

	(void)state;
	franchise_store(formula, 13, NULL);
	registration_at(&elsewhere, 13, FRANCHISE_DAY);
	assert_int_equal(franchise_one(formula, store, elsewhere).code, ERR_STORE);
	registration_at(&unknown, 99, FRANCHISE_DAY);
	assert_int_equal(franchise_one(formula, &formula->office, unknown).code, ERR_STORE);
	registration_at(&late, 12, FRANCHISE_DAY + 2);
	assert_int_equal(franchise_one(formula, store, late).code, ERR_VALUE);
	registration_at(&own, 12, FRANCHISE_DAY + 1);
	assert_int_equal(franchise_one(formula, store, own).code, ERR_OK);
}

static void test_registration_consents(void **state)
{
	struct party *other = franchise_store(formula, 14, MARKETING);
	struct action action =
		action_registration(formula, "direct-marketing", franchise_draw(formula), "1=4711|4=a@example.org");
	struct action odd = registration("1=4712"), twice = registration("1=4712");

	(void)state;
	/* R90: the registration's own word counts */
	assert_int_equal(franchise_one(formula, other, action).code, ERR_CONSENT);
	registration_consent(formula, &action, "direct-marketing", 3);
	assert_int_equal(franchise_one(formula, other, action).code, ERR_CONSENT);
	action.operation->registration->n_consents = 0;
	registration_consent(formula, &action, "direct-marketing", 4);
	assert_int_equal(franchise_one(formula, other, action).code, ERR_OK);
	franchise_visit(formula, 14, FRANCHISE_DAY, wire_slice(action.operation->registration->customer));
	assert_int_equal(franchise_one(formula, other, action_lookup(formula, "direct-marketing", "1=4711")).code,
			 ERR_OK);
	registration_consent(formula, &odd, "curiosity", 4);
	assert_int_equal(franchise_one(formula, store, odd).code, ERR_PURPOSE);
	registration_consent(formula, &twice, "direct-marketing", 4);
	registration_consent(formula, &twice, "direct-marketing", 7);
	assert_int_equal(franchise_one(formula, store, twice).code, ERR_INPUT);
}

/* An import's row: registration, store, consent. */
static struct action import_row(const char *values, uint32_t status)
{
	struct action action = action_registration(formula, NULL, franchise_draw(formula), values);

	registration_at(&action, 12, FRANCHISE_DAY - 100);
	registration_consent(formula, &action, "direct-marketing", status);
	return action;
}

static void test_registration_imported_again_changes_nothing(void **state)
{
	struct answer first = franchise_must(formula, &formula->office, import_row("1=4711|2=Anna", 4));
	struct answer again = franchise_must(formula, &formula->office, import_row("1=4711|2=Anna", 4));

	(void)state;
	assert_string_equal(first.result->clause, "controller");
	assert_true(again.result->is_unchanged);
	assert_false(again.result->has_version);
	assert_memory_equal(again.result->customer.data, first.result->customer.data, PSEUDONYM_SIZE);
	/* fewer fields, or a known registration elsewhere, are no news either */
	struct action elsewhere = import_row("1=4711", 4);
	registration_at(&elsewhere, 12, FRANCHISE_DAY - 5);
	assert_true(franchise_must(formula, &formula->office, elsewhere).result->is_unchanged);
}

static void test_registration_imported_again_with_news(void **state)
{
	struct answer first = franchise_must(formula, &formula->office, import_row("1=4711|2=Anna", 4));
	struct answer again = franchise_must(formula, &formula->office, import_row("1=4711|2=Anne", 4));

	(void)state;
	assert_false(again.result->has_is_unchanged);
	assert_int_equal(again.result->version, 2);
	assert_memory_equal(again.result->customer.data, first.result->customer.data, PSEUDONYM_SIZE);
	/* a consent alone writes no version */
	again = franchise_must(formula, &formula->office, import_row("1=4711|2=Anne", 7));
	assert_false(again.result->has_is_unchanged);
	assert_false(again.result->has_version);
	assert_true(franchise_must(formula, &formula->office, import_row("1=4711|2=Anne", 7)).result->is_unchanged);
	again = franchise_must(formula, &formula->office, action_lookup(formula, "service", "1=4711"));
	assert_string_equal(answer_values(formula, &again, 0), "1=4711|2=Anne");
	assert_int_equal(again.result->disclosures[0]->version, 2);
}

static void test_registration_fills_in_a_missing_store(void **state)
{
	struct action action = import_row("1=4711", 4);
	struct answer answer;

	(void)state;
	franchise_customer(formula, "1=4711");
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_SCOPE);
	answer = franchise_must(formula, &formula->office, action);
	assert_false(answer.result->has_is_unchanged);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
}

static void test_registrations_of_one_envelope_see_each_other(void **state)
{
	struct action actions[4];
	struct answer answer;
	Kluis__Result *const *results;

	(void)state;
	actions[0] = import_row("1=4711|2=Anna", 4);
	actions[1] = import_row("1=4711|2=Anna", 4);
	actions[2] = import_row("1=4711|2=Anne", 4);
	actions[3] = actions[0]; /* its pseudonym is taken */
	answer = franchise_send(formula, &formula->office, actions, 4);
	results = answer.entry.decoded->results;
	assert_int_equal(results[0]->version, 1);
	assert_true(results[1]->is_unchanged);
	assert_int_equal(results[2]->version, 2);
	assert_memory_equal(results[2]->customer.data, results[0]->customer.data, PSEUDONYM_SIZE);
	assert_int_equal(results[3]->code, ERR_EXISTS);
}

/* Two who prepare on one state register one card: the second to commit finds the first's customer. */
static void test_registrations_that_race_for_one_card(void **state)
{
	struct party *parties[2] = {store, &formula->office};
	struct action actions[2] = {registration("1=4711|2=Anna"), import_row("1=47-11", 4)};
	struct prepared *prepared[2];
	struct slice sent[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sent[i] = franchise_message(formula, parties[i], &actions[i], 1);
		assert_int_equal(core_prepare(formula->core, sent[i], formula->now_ms, &prepared[i]), ERR_OK);
	}
	assert_int_equal(core_commit(formula->core, prepared, 2, formula->now_ms), ERR_OK);
	struct answer first = franchise_answer(formula, parties[0], sent[0], core_reply(prepared[0]));
	struct answer second = franchise_answer(formula, parties[1], sent[1], core_reply(prepared[1]));
	assert_int_equal(first.code, ERR_OK);
	assert_int_equal(second.code, ERR_OK);
	assert_true(slice_equal(wire_slice(first.result->customer), wire_slice(second.result->customer)));
	assert_int_equal(second.result->version, 2);
	prepared_free(&prepared[0]);
	prepared_free(&prepared[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registration_by_a_store),
		TEST(test_registration_existing_card_does_not_tell_whose),
		TEST(test_registration_of_fields_and_values),
		TEST(test_registration_store_and_day),
		TEST(test_registration_consents),
		TEST(test_registration_imported_again_changes_nothing),
		TEST(test_registration_imported_again_with_news),
		TEST(test_registration_fills_in_a_missing_store),
		TEST(test_registrations_of_one_envelope_see_each_other),
		TEST(test_registrations_that_race_for_one_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
