#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/request.h"

/* Each kind of operation has a handler of its own. */
static void test_every_row_has_a_handler(void **state)
{
	size_t count;
	const struct operation_row *rows = operation_rows(&count);

	(void)state;
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(dispatch_handler(rows[i].kind));
		for (size_t j = 0; j < i; j++)
			assert_true(dispatch_handler(rows[i].kind) != dispatch_handler(rows[j].kind));
	}
}

/* The schema's numbers that have no row have no handler either. */
static void test_what_is_no_operation_has_none(void **state)
{
	(void)state;
	assert_null(dispatch_handler(KLUIS__OPERATION__KIND__NOT_SET));
	for (unsigned number = 0; number < 100; number++) {
		Kluis__Operation__KindCase kind = (Kluis__Operation__KindCase)number;
		bool has_row = operation_row(kind) != NULL;

		assert_int_equal(dispatch_handler(kind) != NULL, has_row);
	}
}

static void test_a_few_by_name(void **state)
{
	(void)state;
	assert_true(dispatch_handler(KLUIS__OPERATION__KIND_LOOKUP) == handle_lookup);
	assert_true(dispatch_handler(KLUIS__OPERATION__KIND_STANDING) == handle_standing);
	assert_true(dispatch_handler(KLUIS__OPERATION__KIND_READ_LOG) == handle_read_log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_has_a_handler),
		cmocka_unit_test(test_what_is_no_operation_has_none),
		cmocka_unit_test(test_a_few_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
