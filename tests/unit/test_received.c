/* Into which copies a customer came: what a sync, a purge and a certificate make of it, by head office's list. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"

#define TWO_PURPOSES                                                                                                   \
	GRANT_ALL "[grant news]\npurpose = direct-marketing\noperations = sync\ncustomers = all\nfields = "            \
		  "card\n" GRANT_REST

static struct franchise *formula;
static struct party *store, *other;
static struct slice anna;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, TWO_PURPOSES);
	other = franchise_store(formula, 3, GRANT_ALL);
	anna = franchise_customer(formula, "1=1001|2=Anna");
	franchise_must(formula, &formula->office, action_consent(formula, NULL, anna, "direct-marketing", 4));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

/* "3 service, 12 service": who owes. */
static const char *debts(void)
{
	struct answer answer = franchise_must(formula, &formula->office, action_erasures(formula));
	const char *text = "";

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		const Kluis__ErasureRow *row = answer_erasure(formula, &answer, i);
		if (row->has_store)
			text = arena_printf(&formula->arena, "%s%s%u %s", text, text[0] == '\0' ? "" : ", ", row->store,
					    row->purpose);
	}
	return text;
}

static void copy(struct party *party, const char *purpose)
{
	franchise_must(formula, party, action_sync(formula, purpose, 0, 10));
}

static void erase(void)
{
	franchise_must(formula, &formula->office, action_erase(formula, anna, 1));
}

static void test_each_copy_by_itself(void **state)
{
	(void)state;
	copy(store, "service");
	copy(store, "service"); /* twice is once */
	copy(store, "direct-marketing");
	copy(other, "service");
	assert_string_equal(debts(), "");
	erase();
	assert_string_equal(debts(), "3 service, 12 direct-marketing, 12 service");
	franchise_must(formula, store, action_purge_customer(formula, "service", anna));
	assert_string_equal(debts(), "3 service, 12 direct-marketing");
	franchise_must(formula, other, action_purge(formula, "service", ERR_TERMINATED));
	assert_string_equal(debts(), "12 direct-marketing");
}

/* Purged before: a copy that is begun later is another. */
static void test_a_copy_that_was_purged_before(void **state)
{
	(void)state;
	copy(store, "service");
	franchise_must(formula, store, action_purge(formula, "service", ERR_EXPIRED));
	formula->now_ms += 1000;
	franchise_must(formula, &formula->office, action_restriction(formula, anna, true));
	franchise_customer(formula, "1=1002|2=Bert");
	copy(store, "service");
	erase();
	assert_string_equal(debts(), "");
}

static void test_a_lookup_makes_no_copy(void **state)
{
	(void)state;
	franchise_must(formula, store, action_lookup(formula, "service", "1=1001"));
	erase();
	assert_string_equal(debts(), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_each_copy_by_itself),
		TEST(test_a_copy_that_was_purged_before),
		TEST(test_a_lookup_makes_no_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
