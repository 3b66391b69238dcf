/* What all writes have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk/desk_write.h"
#include "desk_test.h"

static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	desk_test_begin(&desk_test);
	fault.text[0] = '\0';
	return 0;
}

static bool is_free(void)
{
	if (pthread_rwlock_trywrlock(&desk_test.fake.shop.lock) != 0)
		return false;
	pthread_rwlock_unlock(&desk_test.fake.shop.lock);
	return true;
}

/* Under the lock from the beginning to the end, however it ends. */
static void test_under_the_lock(void **state)
{
	struct desk_writing writing;
	uint8_t none[DESK_TOKEN_SIZE] = {1};

	(void)state;
	assert_int_equal(desk_write_begin(&writing, desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), OPERATION_UPDATE,
					  "service", &fault),
			 ERR_OK);
	assert_false(is_free());
	assert_string_equal(writing.operation.purpose, "service");
	desk_write_end(&writing);
	assert_true(is_free());
	assert_int_equal(
		desk_write_begin(&writing, desk_test.fake.desk, SLICE_ARRAY(none), OPERATION_UPDATE, "service", &fault),
		ERR_PRINCIPAL);
	desk_write_end(&writing);
	assert_true(is_free());
	struct desk_writing never = {0};
	desk_write_end(&never);
}

static void begin(struct desk_writing *writing)
{
	assert_int_equal(desk_write_begin(writing, desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), OPERATION_UPDATE,
					  "service", &fault),
			 ERR_OK);
}

static void test_about_and_find(void **state)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	const struct charter_field *card = charter_field_by_name(desk_test.fake.shop.charter, "card");
	uint8_t customer[PSEUDONYM_SIZE] = {0};

	(void)state;
	begin(&writing);
	assert_int_equal(desk_write_find(&writing, card, slice_text("4711"), customer), ERR_OK);
	assert_int_equal(customer[5], 1);
	assert_int_equal(desk_write_find(&writing, card, slice_text("9999"), customer), ERR_NOT_FOUND);
	desk_test.fake.rows[0].version = 9;
	assert_int_equal(desk_write_about(&writing, customer), ERR_OK);
	assert_int_equal(writing.basis, 9);
	desk_test.fake.rows[0].is_registered_here = false;
	assert_int_equal(desk_write_about(&writing, customer), ERR_SCOPE);
	/* without a copy that may be read nothing is known, and the broker decides */
	desk_test.fake.copy_code = ERR_EXPIRED;
	writing.basis = 0;
	assert_int_equal(desk_write_about(&writing, customer), ERR_OK);
	assert_int_equal(writing.basis, 0);
	assert_int_equal(desk_write_find(&writing, card, slice_text("4711"), customer), ERR_NOT_FOUND);
}

static void test_values(void **state)
{
	static const struct desk_input inputs[] = {{"phone", ""}, {"name", "Ann"}, {"card", "4711"}};
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__Values values;
	size_t filled = 99;

	(void)state;
	begin(&writing);
	assert_int_equal(desk_write_values(&writing, inputs, 3, &values, &filled), ERR_OK);
	assert_int_equal(values.n_values, 3);
	assert_int_equal(filled, 2);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(values.values[i]->field, i + 1);
	assert_int_equal(desk_write_values(&writing, NULL, 0, &values, &filled), ERR_OK);
	assert_int_equal(values.n_values + filled, 0);
}

/* What the broker would call malformed does not get into the outbox. */
static void test_add_checks_the_operation(void **state)
{
	struct desk_writing writing CLEANUP(desk_write_end) = {0};
	Kluis__Update update = KLUIS__UPDATE__INIT;
	uint64_t number;

	(void)state;
	begin(&writing);
	assert_int_equal(desk_write_add(&writing, &number), ERR_INPUT);
	writing.operation.kind_case = KLUIS__OPERATION__KIND_UPDATE;
	writing.operation.update = &update;
	assert_int_equal(desk_write_add(&writing, &number), ERR_INPUT);
	assert_int_equal(desk_test.fake.item_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_under_the_lock),
		TEST(test_about_and_find),
		TEST(test_values),
		TEST(test_add_checks_the_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
