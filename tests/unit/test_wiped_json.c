/* JSON under the allocator that wipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "wiped_json.h"

static void test_json_is_what_it_was(void **state)
{
	json_malloc_t take;
	json_free_t give_back;

	(void)state;
	wiped_json_begin();
	json_get_alloc_funcs(&take, &give_back);
	assert_true(give_back != free);
	json_t *value = json_loads("{\"pin\": \"4711\", \"list\": [1, 2, {\"a\": null}], \"long\": "
				   "\"0123456789012345678901234567890123456789\"}",
				   0, NULL);
	assert_non_null(value);
	char *text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	assert_string_equal(
		text,
		"{\"pin\":\"4711\",\"list\":[1,2,{\"a\":null}],\"long\":\"0123456789012345678901234567890123456789\"}");
	free(text);
	give_back(NULL);
	char *place = take(100);
	memset(place, 'x', 100);
	give_back(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_json_is_what_it_was)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
