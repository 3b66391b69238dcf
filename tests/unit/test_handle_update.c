#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "franchise.h"

static struct franchise *formula;
static struct party *store;
static struct slice customer;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	customer = franchise_visitor(formula, store, "1=4711|2=Anna|3=0612345678|4=anna@example.org");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer update(struct party *party, const char *values)
{
	return franchise_one(formula, party, action_update(formula, "service", customer, values));
}

/* All that head office sees of the customer, found by a value. */
static const char *record(const char *value)
{
	struct answer answer = franchise_must(formula, &formula->office, action_lookup(formula, "service", value));

	return answer_values(formula, &answer, 0);
}

static void test_update_writes_the_next_version(void **state)
{
	struct answer answer = update(store, "2=Anne");

	(void)state;
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.result->version, 2);
	assert_int_equal(answer.result->fields, 2);
	assert_string_equal(record("1=4711"), "1=4711|2=Anne|3=0612345678|4=anna@example.org");
	answer = update(store, "2=");
	assert_int_equal(answer.result->version, 3);
	assert_string_equal(record("1=4711"), "1=4711|3=0612345678|4=anna@example.org");
}

static void test_update_moves_what_the_customer_is_found_by(void **state)
{
	(void)state;
	assert_int_equal(update(store, "1=4712|3=").code, ERR_OK);
	assert_string_equal(record("1=4712"), "1=4712|2=Anna|4=anna@example.org");
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code,
			 ERR_NOT_FOUND);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "3=0612345678")).code,
			 ERR_NOT_FOUND);
	/* another form of the same card stays findable */
	assert_int_equal(update(store, "1=47-12").code, ERR_OK);
	assert_string_equal(record("1=4712"), "1=47-12|2=Anna|4=anna@example.org");
}

static void test_update_refusals(void **state)
{
	static const struct {
		const char *values;
		enum err code;
	} rows[] = {
		{"4=b@example.org", ERR_NOT_GRANTED_FIELD},
		{"2=Anne|4=b@example.org", ERR_NOT_GRANTED_FIELD},
		{"60=x", ERR_FIELD},
		{"3=none", ERR_VALUE},
		{"", ERR_VALUE},
		{"2=Anne|2=Anna", ERR_INPUT},
		{"1=9001", ERR_EXISTS},
	};
	struct answer answer;

	(void)state;
	franchise_customer(formula, "1=9001");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(update(store, rows[i].values).code, rows[i].code);
	answer = update(store, "4=b@example.org");
	assert_int_equal(answer.result->fields, 8);
	assert_false(answer.result->has_version);
	assert_string_equal(record("1=4711"), "1=4711|2=Anna|3=0612345678|4=anna@example.org");
	assert_int_equal(
		franchise_one(formula, store, action_update(formula, "service", franchise_draw(formula), "2=X")).code,
		ERR_NOT_FOUND);
	franchise_must(formula, &formula->office, action_restriction(formula, customer, true));
	assert_int_equal(update(store, "2=Anne").code, ERR_RESTRICTED);
}

static void test_update_with_the_same_values(void **state)
{
	struct answer answer;

	(void)state;
	/* whether a guess at a masked number was right does not show */
	answer = update(store, "3=0612345678");
	assert_false(answer.result->has_is_unchanged);
	assert_int_equal(answer.result->version, 2);
	answer = update(&formula->office, "3=0612345678");
	assert_true(answer.result->is_unchanged);
	assert_false(answer.result->has_version);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_update_writes_the_next_version),
		TEST(test_update_moves_what_the_customer_is_found_by),
		TEST(test_update_refusals),
		TEST(test_update_with_the_same_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
