/* Rows and cursors of the store on LMDB, against a plain sorted array and rule by rule. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include "kluis/store.h"
#include "scratch.h"
#include "store_model.h"
#include "store_rules.h"

static void test_store_equals_a_sorted_array(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		char folder[SCRATCH_MAX];
		scratch_new(folder);
		store_model_run(folder, seed, 400);
		scratch_remove(folder);
	}
}

static void test_store_keeps_its_rules(void **state)
{
	char folder[SCRATCH_MAX];
	(void)state;
	scratch_new(folder);
	store_rules_run(folder);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_store_equals_a_sorted_array),
					   cmocka_unit_test(test_store_keeps_its_rules)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
