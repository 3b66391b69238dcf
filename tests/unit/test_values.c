#include "vault/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "vault/customer.h"
#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static struct slice anna;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	anna = franchise_customer(formula, "1=4711|2=Anna|3=0612345678");
	workbench_init(&bench, formula, &formula->office);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static enum err read(const char *values, const Kluis__Values **ret_values, uint64_t *ret_fields)
{
	workbench_values(&bench, values);
	return values_read(&bench.context, ret_values, ret_fields);
}

static void test_values_read(void **state)
{
	static const struct {
		const char *values;
		enum err code;
		uint64_t fields;
	} rows[] = {
		{"", ERR_OK, 0},
		{"1=a|2=b|4=d", ERR_OK, 11},
		{"4=", ERR_OK, 8},
		{"5=x", ERR_FIELD, 0},
		{"0=x", ERR_FIELD, 0},
		{"64=x", ERR_FIELD, 0},
		{"4000000000=x", ERR_FIELD, 0},
		{"2=b|1=a", ERR_INPUT, 0},
		{"1=a|1=a", ERR_INPUT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const Kluis__Values *values = NULL;
		uint64_t fields = 0;

		assert_int_equal(read(rows[i].values, &values, &fields), rows[i].code);
		assert_int_equal(fields, rows[i].fields);
		assert_int_equal(values != NULL, rows[i].code == ERR_OK);
	}
}

static void test_values_check_and_find(void **state)
{
	const Kluis__Values *values;
	uint64_t fields;

	(void)state;
	assert_int_equal(read("1=4711|3=|4=a@example.org", &values, &fields), ERR_OK);
	assert_int_equal(values_check(&bench.context, values), ERR_OK);
	assert_string_equal(values_find(values, 1), "4711");
	assert_null(values_find(values, 2));
	assert_null(values_find(values, 3));
	assert_int_equal(read("1=4711|4=nobody", &values, &fields), ERR_OK);
	assert_int_equal(values_check(&bench.context, values), ERR_VALUE);
}

static void test_value_find_customer(void **state)
{
	const Kluis__Values *values;
	uint64_t fields;
	struct customer customer;

	(void)state;
	assert_int_equal(read("1=47 11|2=Anna|3=0612345679", &values, &fields), ERR_OK);
	assert_int_equal(value_find_customer(&bench.context, values->values[0], &customer), ERR_OK);
	assert_memory_equal(customer.pseudonym, anna.data, PSEUDONYM_SIZE);
	assert_int_equal(value_find_customer(&bench.context, values->values[1], &customer), ERR_FIELD);
	assert_int_equal(value_find_customer(&bench.context, values->values[2], &customer), ERR_NOT_FOUND);
}

static void test_values_check_identifier(void **state)
{
	const Kluis__Values *values;
	uint64_t fields;
	struct customer customer;
	struct slice holder = SLICE_EMPTY;

	(void)state;
	assert_int_equal(vault_customer(&bench.context, anna, &customer), ERR_OK);
	assert_int_equal(read("1=47-11", &values, &fields), ERR_OK);
	assert_int_equal(values_check_identifier(&bench.context, values, &customer, &holder), ERR_OK);
	assert_int_equal(holder.length, 0);
	assert_int_equal(values_check_identifier(&bench.context, values, NULL, &holder), ERR_EXISTS);
	assert_true(slice_equal(holder, anna));
	/* others may share a phone, and a cleared card is nobody's */
	assert_int_equal(read("1=|3=0612345678", &values, &fields), ERR_OK);
	assert_int_equal(values_check_identifier(&bench.context, values, NULL, &holder), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values_read),
		TEST(test_values_check_and_find),
		TEST(test_value_find_customer),
		TEST(test_values_check_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
