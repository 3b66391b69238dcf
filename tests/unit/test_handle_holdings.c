/* Head office's lists of copies and findings: FORMAT.md R126, R129, R134. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"

#define HOUR_MS UINT64_C(3600000)
#define SYNC(purpose)                                                                                                  \
	"[grant copy]\npurpose = " purpose "\noperations = sync\ncustomers = all\nfields = card\nlease = 10h\n"        \
	"territory = EEA\n"

static struct franchise *formula;
static struct party *store;
static const struct book empty;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, SYNC("service"));
	franchise_customer(formula, "1=1001|2=Anna");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer list(void)
{
	return franchise_must(formula, &formula->office, action_holdings(formula));
}

static void copy_to(struct party *party)
{
	franchise_must(formula, party, action_sync(formula, "service", 0, 10));
}

static void test_held_from_the_first_page_that_discloses(void **state)
{
	struct answer answer = list();

	(void)state;
	assert_int_equal(answer_items(&answer, 0), 0);
	franchise_must(formula, store, action_sync(formula, "service", 1000, 10)); /* an empty page */
	franchise_must(formula, store, action_lease(formula, "service", &empty));
	answer = list();
	assert_int_equal(answer_items(&answer, 0), 0);
	formula->now_ms += 1500;
	uint64_t since_ms = formula->now_ms / 1000 * 1000;
	copy_to(store);
	formula->now_ms += HOUR_MS;
	copy_to(store);
	answer = list();
	assert_int_equal(answer_items(&answer, 0), 1);
	const Kluis__HoldingRow *row = answer_holding(formula, &answer, 0);
	assert_int_equal(row->store, 12);
	assert_string_equal(row->purpose, "service");
	assert_int_equal(row->since_ms, since_ms);
	assert_int_equal(row->until_ms, since_ms - 1000 + 10 * HOUR_MS);
	assert_int_equal(row->due, ERR_OK);
	assert_false(answer.result->has_more);
}

static enum err due_of_first(void)
{
	struct answer answer = list();

	return (enum err)answer_holding(formula, &answer, 0)->due;
}

static void test_due_by_the_agreements_state(void **state)
{
	(void)state;
	copy_to(store);
	assert_int_equal(due_of_first(), ERR_OK);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_int_equal(due_of_first(), ERR_SUSPENDED);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 2));
	assert_int_equal(due_of_first(), ERR_OK);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	assert_int_equal(due_of_first(), ERR_TERMINATED);
}

static void test_due_by_time(void **state)
{
	(void)state;
	copy_to(store);
	formula->now_ms += 30 * DAY_MS;
	assert_int_equal(due_of_first(), ERR_OK); /* it never asked for a lease */
	struct answer answer = franchise_must(formula, store, action_lease(formula, "service", &empty));
	formula->now_ms = answer.result->until_ms;
	assert_int_equal(due_of_first(), ERR_OK);
	formula->now_ms += 1000;
	assert_int_equal(due_of_first(), ERR_TIMEOUT);
	formula->now_ms += 800 * DAY_MS;
	assert_int_equal(due_of_first(), ERR_EXPIRED);
}

static void test_due_by_another_agreement(void **state)
{
	(void)state;
	copy_to(store);
	franchise_agree(formula, store, franchise_agreement(formula, 12, SYNC("direct-marketing"), store->agreement));
	assert_int_equal(due_of_first(), ERR_NO_GRANT_PURPOSE);
	franchise_agree(formula, store,
			franchise_agreement(formula, 12,
					    "[grant till]\npurpose = service\noperations = lookup\ncustomers = all\n"
					    "fields = card\n" GRANT_REST,
					    store->agreement));
	assert_int_equal(due_of_first(), ERR_NO_GRANT_OPERATION);
}

/* What should be gone comes first. */
static void test_due_ones_first(void **state)
{
	struct party *other = franchise_store(formula, 13, SYNC("service"));

	(void)state;
	copy_to(store);
	copy_to(other);
	franchise_must(formula, &formula->office, action_standing(formula, 13, 1));
	struct answer answer = list();
	assert_int_equal(answer_items(&answer, 0), 2);
	assert_int_equal(answer_holding(formula, &answer, 0)->store, 13);
	assert_int_equal(answer_holding(formula, &answer, 1)->store, 12);
}

static void test_for_head_office_only(void **state)
{
	(void)state;
	assert_int_equal(franchise_one(formula, store, action_holdings(formula)).code, ERR_FORBIDDEN);
	assert_int_equal(franchise_one(formula, store, action_findings(formula)).code, ERR_FORBIDDEN);
}

/* A store's number used again with another request, and an acknowledgement of what it never got. */
static void test_two_places(void **state)
{
	struct party twin = *store;
	struct answer answer;

	(void)state;
	franchise_must(formula, store, action_agreements(formula, NULL));
	answer = franchise_one(formula, &twin, action_sync(formula, "service", 0, 10));
	assert_int_equal(answer.code, ERR_REUSED);
	answer = franchise_must(formula, &formula->office, action_findings(formula));
	assert_int_equal(answer_items(&answer, 0), 1);
	const Kluis__FindingRow *row = answer_finding(formula, &answer, 0);
	assert_int_equal(row->store, 12);
	assert_int_equal(row->kinds, FINDING_TWO_PLACES);
	assert_int_equal(row->number, 0);
	assert_int_equal(row->time_ms, formula->now_ms / 1000 * 1000);
	/* the newest first */
	formula->now_ms += 2000;
	store->leaf.bytes[0] ^= 1;
	answer = franchise_one(formula, store, action_agreements(formula, NULL));
	assert_int_equal(answer.code, ERR_ACKNOWLEDGEMENT);
	answer = franchise_must(formula, &formula->office, action_findings(formula));
	assert_int_equal(answer_items(&answer, 0), 2);
	assert_true(answer_finding(formula, &answer, 0)->time_ms > answer_finding(formula, &answer, 1)->time_ms);
}

/* Head office's own slips are nobody's two places. */
static void test_two_places_are_a_stores(void **state)
{
	struct party twin = formula->office;

	(void)state;
	list();
	assert_int_equal(franchise_one(formula, &twin, action_findings(formula)).code, ERR_REUSED);
	struct answer answer = franchise_must(formula, &formula->office, action_findings(formula));
	assert_int_equal(answer_items(&answer, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_held_from_the_first_page_that_discloses),
		TEST(test_due_by_the_agreements_state),
		TEST(test_due_by_time),
		TEST(test_due_by_another_agreement),
		TEST(test_due_ones_first),
		TEST(test_for_head_office_only),
		TEST(test_two_places),
		TEST(test_two_places_are_a_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
