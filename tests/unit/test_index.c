#include "vault/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static const struct charter_field *card, *phone, *email;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, &formula->office);
	card = charter_field_by_name(&formula->charter, "card");
	phone = charter_field_by_name(&formula->charter, "phone");
	email = charter_field_by_name(&formula->charter, "email");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static bool is_same_key(const struct charter_field *a, const char *first, const struct charter_field *b,
			const char *second)
{
	uint8_t one[HASH_SIZE], two[HASH_SIZE];

	assert_int_equal(index_key(&bench.context, a, slice_text(first), one), ERR_OK);
	assert_int_equal(index_key(&bench.context, b, slice_text(second), two), ERR_OK);
	return memcmp(one, two, HASH_SIZE) == 0;
}

static void test_index_key_is_of_field_and_normal_form(void **state)
{
	uint8_t key[HASH_SIZE];

	(void)state;
	assert_true(is_same_key(card, "ab 47-11", card, "AB4711"));
	assert_true(is_same_key(phone, "+31 (6) 123-45", phone, "+31612345"));
	assert_true(is_same_key(email, "Anna@Example.org", email, "anna@example.ORG"));
	assert_false(is_same_key(card, "4711", card, "4712"));
	assert_false(is_same_key(card, "47111", phone, "47111"));
	assert_int_equal(index_key(&bench.context, card, slice_text("?"), key), ERR_VALUE);
	assert_int_equal(index_key(&bench.context, card, slice_text(""), key), ERR_VALUE);
	assert_true(index_has(card) && index_has(phone));
	assert_false(index_has(charter_field_by_name(&formula->charter, "name")));
}

/* Independent of index_key: BLAKE2b-256 under the vault's key over number || normal form. */
static void test_index_key_is_keyed(void **state)
{
	uint8_t key[HASH_SIZE], expected[HASH_SIZE], plain[HASH_SIZE];

	(void)state;
	assert_int_equal(index_key(&bench.context, card, slice_text("47-11"), key), ERR_OK);
	blake2b(SLICE(bench.vault->lookup_key, KEY_SIZE), "",
		SLICE("\x01"
		      "4711",
		      5),
		expected);
	blake2b(SLICE_EMPTY, "",
		SLICE("\x01"
		      "4711",
		      5),
		plain);
	assert_memory_equal(key, expected, HASH_SIZE);
	assert_memory_not_equal(key, plain, HASH_SIZE);
}

static void test_index_find_one_none_and_several(void **state)
{
	struct slice a = franchise_draw(formula), b = franchise_draw(formula), c = franchise_draw(formula), found;
	struct slice key = franchise_draw(formula);

	(void)state;
	assert_int_equal(index_find(&bench.context, key, &found), ERR_NOT_FOUND);
	assert_int_equal(index_add(&bench.context, key, a), ERR_OK);
	assert_int_equal(index_add(&bench.context, key, a), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_OK);
	assert_true(slice_equal(found, a));
	assert_int_equal(index_add(&bench.context, key, b), ERR_OK);
	assert_int_equal(index_add(&bench.context, key, c), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_AMBIGUOUS);
	assert_int_equal(index_remove(&bench.context, key, b), ERR_OK);
	assert_int_equal(index_remove(&bench.context, key, b), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_AMBIGUOUS);
	assert_int_equal(index_remove(&bench.context, key, a), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_OK);
	assert_true(slice_equal(found, c));
	assert_int_equal(index_remove(&bench.context, key, c), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_NOT_FOUND);
}

static void test_index_of_too_many_stays_ambiguous(void **state)
{
	struct slice all[MATCHES_MAX + 10], key = franchise_draw(formula), found;

	(void)state;
	for (size_t i = 0; i < MATCHES_MAX; i++) {
		all[i] = franchise_draw(formula);
		assert_int_equal(index_add(&bench.context, key, all[i]), ERR_OK);
	}
	/* as many as are kept: all but one can be taken out */
	for (size_t i = 1; i < MATCHES_MAX; i++)
		assert_int_equal(index_remove(&bench.context, key, all[i]), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_OK);
	for (size_t i = 1; i < MATCHES_MAX + 10; i++) {
		all[i] = franchise_draw(formula);
		assert_int_equal(index_add(&bench.context, key, all[i]), ERR_OK);
	}
	for (size_t i = 0; i < MATCHES_MAX + 10; i++)
		assert_int_equal(index_remove(&bench.context, key, all[i]), ERR_OK);
	assert_int_equal(index_find(&bench.context, key, &found), ERR_AMBIGUOUS);
}

static void test_index_row_that_is_damaged(void **state)
{
	struct slice key = franchise_draw(formula), found;

	(void)state;
	view_put(&bench.view, TABLE_LOOKUP, key, slice_text("seventeen bytes.."));
	assert_int_equal(index_find(&bench.context, key, &found), ERR_CORRUPT);
	view_put(&bench.view, TABLE_LOOKUP, key, SLICE_EMPTY);
	assert_int_equal(index_add(&bench.context, key, key), ERR_CORRUPT);
}

static void test_vault_find(void **state)
{
	struct customer customer;

	(void)state;
	workbench_fini(&bench);
	struct slice pseudonym = franchise_customer(formula, "1=4711|3=0612345678");
	workbench_init(&bench, formula, &formula->office);
	assert_int_equal(vault_find(&bench.context, phone, slice_text("06 1234 5678"), &customer), ERR_OK);
	assert_memory_equal(customer.pseudonym, pseudonym.data, PSEUDONYM_SIZE);
	assert_int_equal(vault_find(&bench.context, phone, slice_text("0612345679"), &customer), ERR_NOT_FOUND);
	/* an index row without its customer is damage, not an answer */
	view_delete(&bench.view, TABLE_CUSTOMER, pseudonym);
	assert_int_equal(vault_find(&bench.context, phone, slice_text("0612345678"), &customer), ERR_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_index_key_is_of_field_and_normal_form),
		TEST(test_index_key_is_keyed),
		TEST(test_index_find_one_none_and_several),
		TEST(test_index_of_too_many_stays_ambiguous),
		TEST(test_index_row_that_is_damaged),
		TEST(test_vault_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
