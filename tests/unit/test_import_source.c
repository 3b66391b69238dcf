#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "command/import_source.h"

static void test_import_item_reject(void **state)
{
	struct arena arena CLEANUP(arena_fini), none CLEANUP(arena_fini);
	struct import_item item;

	(void)state;
	arena_init(&arena, 1 << 16);
	arena_init(&none, 0);
	assert_int_equal(import_item_reject(&arena, 7, "bad", &item), ERR_OK);
	assert_int_equal(item.row_count, 1);
	assert_int_equal(item.lines[0], 7);
	assert_string_equal(item.reason, "bad");
	assert_null(item.operation);
	assert_int_equal(import_item_reject(&none, 7, "bad", &item), ERR_MEMORY);
}

static int freed;

static void count_free(void *context)
{
	(void)context;
	freed++;
}

static void test_import_source_free(void **state)
{
	struct import_source source = {.context = &freed, .free = count_free};

	(void)state;
	import_source_free(&source);
	import_source_free(&source);
	assert_int_equal(freed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import_item_reject),
		cmocka_unit_test(test_import_source_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
