/*
 * FoodMart's receipts, held against the tables of its README: they were computed by another program, from the same
 * lines. Grouping, rejected lines and ids: test_import.c.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/import_source.h"
#include "import_world.h"
#include "kluis/file.h"

#define MAP TEST_SOURCE_ROOT "/broker/examples/foodmart/receipts.map"

static const char *const files[] = {"sales_1997.csv.gz", "sales_1998.csv.gz", "sales_1998_dec.csv"};

/* The README's table "by store": lines and receipts of the three files. */
struct published {
	uint64_t lines[3], receipts[3];
};

static void read_tables(const char *folder, struct published ret_stores[static 25])
{
	char path[1100], line[512];
	unsigned store;
	int found = 0;

	(void)snprintf(path, sizeof(path), "%s/README.md", folder);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		/* | 6 | Beverly Hills, CA, USA | 6815 / 1706 / 1059 | 7288 / 1623 / 1034 | 672 / 144 / 143 | 1445 | */
		char *cells = line, *cell;
		struct published *row;

		if (sscanf(line, "| %u |", &store) != 1 || store > 24 || !strchr(line, '/'))
			continue;
		row = &ret_stores[store];
		(void)strsep(&cells, "|"), (void)strsep(&cells, "|"), (void)strsep(&cells, "|");
		for (int i = 0; i < 3 && (cell = strsep(&cells, "|")); i++)
			(void)sscanf(cell, " %" SCNu64 " / %" SCNu64, &row->lines[i], &row->receipts[i]);
		found++;
	}
	(void)fclose(file);
	assert_int_equal(found, 24);
}

/* "266,773", "565,238.1300": the README's cell in 1/10000. */
static int64_t published_sum(const char *folder, const char *name, int column)
{
	char path[1100], line[512];
	int64_t units = -1;

	(void)snprintf(path, sizeof(path), "%s/README.md", folder);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (units < 0 && fgets(line, sizeof(line), file)) {
		char *cells = line, *cell = NULL;
		int decimals = -1;

		if (!strstr(line, name) || strncmp(line, "| sum", 5) != 0)
			continue;
		for (int i = 0; i <= column + 2; i++)
			cell = strsep(&cells, "|");
		units = 0;
		for (; *cell; cell++) {
			if (*cell == '.')
				decimals = 0;
			if (*cell < '0' || *cell > '9')
				continue;
			units = units * 10 + (*cell - '0');
			decimals += decimals >= 0;
		}
		for (decimals = decimals < 0 ? 0 : decimals; decimals < 4; decimals++)
			units *= 10;
	}
	(void)fclose(file);
	assert_true(units >= 0);
	return units;
}

static struct import_sums year_sums(const struct import_broker *broker, int year)
{
	struct import_sums all = {0};

	for (int store = 0; store < 25; store++) {
		all.receipts += broker->sums[store][year].receipts;
		all.lines += broker->sums[store][year].lines;
		all.units += broker->sums[store][year].units;
		all.amount += broker->sums[store][year].amount;
		all.cost += broker->sums[store][year].cost;
	}
	return all;
}

static void check_stores(const struct import_broker *broker, const char *folder)
{
	struct published stores[25] = {0};

	read_tables(folder, stores);
	for (int store = 0; store < 25; store++) {
		const struct import_sums *sums = broker->sums[store];

		assert_int_equal(sums[0].lines, stores[store].lines[0]);
		assert_int_equal(sums[0].receipts, stores[store].receipts[0]);
		assert_int_equal(sums[1].lines, stores[store].lines[1] + stores[store].lines[2]);
		assert_int_equal(sums[1].receipts, stores[store].receipts[1] + stores[store].receipts[2]);
	}
}

static void test_import_receipts_foodmart(void **state)
{
	struct world *world = *state;
	const char *folder = foodmart_folder();

	if (!folder) {
		print_message(
			"FoodMart is not there: put its files in ../shared/data or name them in KLUIS_FOODMART\n");
		skip();
	}
	for (int i = 0; i < 3; i++) {
		char path[1100];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		assert_int_equal(world_run_file(world, IMPORT_RECEIPTS, path, MAP), ERR_OK);
		assert_int_equal(world_count(world, "rejected"), 0);
		assert_int_equal(world_count(world, "accepted"), world_count(world, "rows"));
	}
	struct import_sums first = year_sums(world->broker, 0), second = year_sums(world->broker, 1);
	/* issue 2: 58,381 receipts from 269,720 lines */
	assert_int_equal(first.receipts + second.receipts, 58381);
	assert_int_equal(first.lines + second.lines, 269720);
	assert_int_equal(first.units, published_sum(folder, "unit_sales", 0));
	assert_int_equal(first.amount, published_sum(folder, "store_sales", 0));
	assert_int_equal(first.cost, published_sum(folder, "store_cost", 0));
	assert_int_equal(second.units, published_sum(folder, "unit_sales", 1) + published_sum(folder, "unit_sales", 2));
	assert_int_equal(second.amount,
			 published_sum(folder, "store_sales", 1) + published_sum(folder, "store_sales", 2));
	assert_int_equal(second.cost, published_sum(folder, "store_cost", 1) + published_sum(folder, "store_cost", 2));
	check_stores(world->broker, folder);
}

/* A receipt of more lines than a message may have is rejected with all its lines; the largest that may be is taken. */
static void test_import_receipts_of_many_lines(void **state)
{
	struct world *world = *state;

	for (unsigned lines = LINES_MAX; lines <= LINES_MAX + 1; lines++) {
		char *text = NULL;
		size_t length = 0;
		FILE *file = open_memstream(&text, &length);

		assert_non_null(file);
		fputs("store_id,customer_id,the_date,product_id,unit_sales,store_sales,store_cost\n", file);
		for (unsigned i = 0; i < lines; i++)
			fprintf(file, "7,%u,1997-05-01,p,1,1,1\n", lines);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(file_write(world->csv, slice_text(text), 0600, NULL), ERR_OK);
		assert_int_equal(world_run_file(world, IMPORT_RECEIPTS, world->csv, MAP),
				 lines == LINES_MAX ? ERR_OK : ERR_INPUT);
		assert_int_equal(world_count(world, "accepted"), lines == LINES_MAX ? lines : 0);
		assert_int_equal(world_count(world, "rejected"), lines == LINES_MAX ? 0 : lines);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_import_receipts_foodmart, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_import_receipts_of_many_lines, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
