/* FoodMart's stores by the mapping that is shipped. Rejected rows: test_import.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "import_world.h"

static size_t count_ends(struct slice text, const char *end)
{
	size_t count = 0, length = strlen(end);

	for (size_t i = 0; i + length <= text.length; i++)
		count += memcmp(text.data + i, end, length) == 0;
	return count;
}

/* The README's table by store: 9 in Mexico, 2 in Canada, the others and the head office in the USA. */
static void test_import_stores_foodmart(void **state)
{
	struct world *world = *state;
	const char *folder = foodmart_folder();
	char path[1100];

	if (!folder) {
		print_message(
			"FoodMart is not there: put its files in ../shared/data or name them in KLUIS_FOODMART\n");
		skip();
	}
	(void)snprintf(path, sizeof(path), "%s/stores.csv", folder);
	assert_int_equal(
		world_run_file(world, IMPORT_STORES, path, TEST_SOURCE_ROOT "/broker/examples/foodmart/stores.map"),
		ERR_OK);
	assert_int_equal(world_count(world, "accepted"), 25);
	assert_memory_equal(world->broker->text.data, "0 HQ US\n1 Store 1 MX\n", 21);
	assert_int_equal(count_ends(bytes_slice(&world->broker->text), " MX\n"), 9);
	assert_int_equal(count_ends(bytes_slice(&world->broker->text), " CA\n"), 2);
	assert_int_equal(count_ends(bytes_slice(&world->broker->text), " US\n"), 14);
}

static void test_import_stores_constant_country(void **state)
{
	struct world *world = *state;

	assert_int_equal(world_run(world, IMPORT_STORES, "n,name\n99999,\xc3\x89t\xc3\xa9\n100000,x\n",
				   "[stores]\nnumber = n\nname = name\ncountry = constant FR\n"),
			 ERR_OK);
	assert_int_equal(world_count(world, "accepted"), 1);
	assert_int_equal(world_count(world, "rejected"), 1);
	assert_memory_equal(world->broker->text.data, "99999 \xc3\x89t\xc3\xa9 FR\n", 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_import_stores_foodmart, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_import_stores_constant_country, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
