/* A copy is certified to be gone: FORMAT.md R128. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_ALL);
	franchise_customer(formula, "1=1001|2=Anna");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static size_t held(void)
{
	struct answer answer = franchise_must(formula, &formula->office, action_holdings(formula));

	return answer_items(&answer, 0);
}

static struct answer purge(const char *purpose)
{
	return franchise_one(formula, store, action_purge(formula, purpose, ERR_TERMINATED));
}

static void test_what_was_held_is_not_held_any_more(void **state)
{
	(void)state;
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	assert_int_equal(held(), 1);
	struct answer answer = purge("service");
	assert_int_equal(answer.code, ERR_OK);
	assert_null(answer.result->clause);
	assert_int_equal(held(), 0);
	assert_int_equal(purge("service").code, ERR_NOT_FOUND);
	/* and held again with the next first page */
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	assert_int_equal(held(), 1);
}

static void test_what_is_not_held(void **state)
{
	struct book none = {0};

	(void)state;
	assert_int_equal(purge("service").code, ERR_NOT_FOUND);
	assert_int_equal(purge(NULL).code, ERR_NOT_FOUND);
	franchise_must(formula, store, action_lease(formula, "service", &none)); /* no page yet */
	assert_int_equal(purge("service").code, ERR_NOT_FOUND);
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	assert_int_equal(purge("direct-marketing").code, ERR_NOT_FOUND);
	assert_int_equal(held(), 1);
}

/* It is after the end that a copy is purged. */
static void test_whatever_the_agreements_state(void **state)
{
	(void)state;
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	store->has_agreement = store->has_employee = false;
	assert_int_equal(purge("service").code, ERR_OK);
	assert_int_equal(held(), 0);
}

/* With the lease gone, what was read before it ended is not late. */
static void test_the_lease_goes_with_it(void **state)
{
	struct book book = {0};
	struct answer answer = franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	struct slice customer = wire_slice(answer.result->disclosures[0]->customer);
	uint64_t entry = answer.reply->index;

	(void)state;
	franchise_must(formula, store, action_lease(formula, "service", &book));
	purge("service");
	formula->now_ms += 30 * DAY_MS;
	Kluis__JournalRecord record = book_next(formula, &book, store, customer, entry);
	ProtobufCBinaryData encoded = book_write(formula, &book, &record);
	answer = franchise_must(formula, store, action_local_access(formula, &book, &encoded, 1));
	assert_int_equal(answer.result->findings, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_held_is_not_held_any_more),
		TEST(test_what_is_not_held),
		TEST(test_whatever_the_agreements_state),
		TEST(test_the_lease_goes_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
