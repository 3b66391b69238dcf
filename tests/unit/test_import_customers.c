/* FoodMart's customers by the mapping that is shipped. Rejected rows, consents, registration: test_import.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import_world.h"

#define MAP TEST_SOURCE_ROOT "/broker/examples/foodmart/customers.map"

static void test_import_customers_foodmart(void **state)
{
	struct world *world = *state;
	const char *folder = foodmart_folder();
	char path[1100];

	if (!folder) {
		print_message(
			"FoodMart is not there: put its files in ../shared/data or name them in KLUIS_FOODMART\n");
		skip();
	}
	(void)snprintf(path, sizeof(path), "%s/customers.csv.gz", folder);
	assert_int_equal(world_run_file(world, IMPORT_CUSTOMERS, path, MAP), ERR_OK);
	assert_int_equal(world_count(world, "rows"), 10281);
	assert_int_equal(world_count(world, "accepted"), 10281);
	assert_int_equal(world->broker->customers, 10281);
	assert_true(world->broker->message_most < MESSAGE_MAX);

	/* the first row as it stands in the file; 1991-09-10 is day 7922 */
	static const char first[] =
		"1=1|2=87462024688|3=Nowmer|4=Sheri|5=A.|6=2433 Bailey Road|8=Tlaxiaco|9=Oaxaca|10=15057|"
		"11=Mexico|12=271-555-9715|13=119-555-1969|14=1961-08-26|15=M|16=$30K - $50K|17=F|18=4|19=2|"
		"20=Partial High School|21=Bronze|22=Skilled Manual|23=Y|24=4|25=Sheri Nowmer;day 7922\n";
	assert_true(world->broker->text.length > sizeof(first));
	assert_memory_equal(world->broker->text.data, first, sizeof(first) - 1);

	/* the same file again is known at once */
	uint64_t envelopes = world->broker->envelopes;
	assert_int_equal(world_run_file(world, IMPORT_CUSTOMERS, path, MAP), ERR_OK);
	assert_int_equal(world_count(world, "earlier"), 10281);
	assert_int_equal(world->broker->envelopes, envelopes + 1);
}

/* Killed after a few batches, customers go on too: they are read a second time up to there. */
static void test_import_customers_resume(void **state)
{
	struct world *world = *state;
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	fputs("id\n", file);
	for (int i = 0; i < 2000; i++)
		fprintf(file, i % 7 ? "%d\n" : "bad %d\n", i);
	assert_int_equal(fclose(file), 0);
	for (unsigned lost = 1; lost <= 8; lost++) {
		import_broker_free(&world->broker);
		world->broker = import_broker_new(&world->key);
		(void)remove(world->rejects);
		world->broker->lose_reply_at = lost;
		assert_int_equal(world_run(world, IMPORT_CUSTOMERS, text,
					   "[customers]\npurpose = service\n[fields]\ncustomer_id = id\n"),
				 ERR_NETWORK);
		world->broker->lose_reply_at = 0;
		assert_int_equal(world_run_file(world, IMPORT_CUSTOMERS, world->csv, world->map), ERR_OK);
		assert_int_equal(world->broker->customers, 2000 - 286);
		assert_int_equal(world->broker->unchanged, 0);

		FILE *rejects = fopen(world->rejects, "r");
		int lines = 0;
		assert_non_null(rejects);
		for (int c; (c = fgetc(rejects)) != EOF;)
			lines += c == '\n';
		(void)fclose(rejects);
		assert_int_equal(lines, 1 + 286); /* 0, 7, ... 1995 */
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_import_customers_foodmart, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_import_customers_resume, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
