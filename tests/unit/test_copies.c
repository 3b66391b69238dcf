/* Rows about stores' journals, copies and findings. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/copies.h"
#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, franchise_store(formula, 12, NULL));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static void test_copies_journal(void **state)
{
	struct journal_position position = {.number = 9}, read;
	static const struct journal_position nothing;

	(void)state;
	assert_int_equal(copies_journal(&bench.context, 12, &position), ERR_OK);
	assert_memory_equal(&position, &nothing, sizeof nothing);
	position = (struct journal_position){
		.number = 7,
		.hash = {.bytes = {1}},
		.time_ms = 8,
		.seen_size = 9,
		.taken_ms = 10,
		.after_ms = 11,
		.waiting_count = 2,
		.waiting = {{.number = 12, .hash = {.bytes = {2}}, .made_ms = 13, .entry_ms = 14},
			    {.number = 15, .hash = {.bytes = {3}}, .made_ms = 16, .entry_ms = 17}},
		.leased_ms = 18};
	assert_int_equal(copies_put_journal(&bench.context, 12, &position), ERR_OK);
	assert_int_equal(copies_journal(&bench.context, 12, &read), ERR_OK);
	assert_memory_equal(&read, &position, sizeof position);
	assert_int_equal(copies_journal(&bench.context, 13, &read), ERR_OK);
	assert_int_equal(read.number, 0);
}

static void test_copies_holding(void **state)
{
	Rows__Holding holding = ROWS__HOLDING__INIT;
	struct slice service = slice_text("service");

	(void)state;
	holding.has_since_ms = 1;
	holding.since_ms = 5;
	assert_int_equal(copies_put_holding(&bench.context, 12, service, &holding), ERR_OK);
	assert_int_equal(copies_holding(&bench.context, 12, service, &holding), ERR_OK);
	assert_int_equal(holding.since_ms, 5);
	assert_false(holding.has_until_ms);
	assert_int_equal(copies_holding(&bench.context, 13, service, &holding), ERR_OK);
	assert_false(holding.has_since_ms);
	assert_int_equal(copies_holding(&bench.context, 12, slice_text("loyalty"), &holding), ERR_OK);
	assert_false(holding.has_since_ms);
	assert_int_equal(copies_drop_holding(&bench.context, 12, service), ERR_OK);
	assert_int_equal(copies_holding(&bench.context, 12, service, &holding), ERR_OK);
	assert_false(holding.has_since_ms);
}

static void test_copies_holding_key(void **state)
{
	uint8_t key[4 + NAME_MAX_ + 1] = {0, 0, 0, 12, 'a', 'd'};
	uint32_t store;
	struct slice purpose;

	(void)state;
	assert_true(copies_holding_key(SLICE(key, 6), &store, &purpose));
	assert_int_equal(store, 12);
	assert_true(slice_equal(purpose, slice_text("ad")));
	assert_false(copies_holding_key(SLICE(key, 4), &store, &purpose));
	assert_true(copies_holding_key(SLICE(key, 4 + NAME_MAX_), &store, &purpose));
	assert_false(copies_holding_key(SLICE(key, sizeof key), &store, &purpose));
}

/* The row that was put last, decoded. */
static Kluis__FindingRow last_row(void)
{
	const struct effect *effect = &bench.view.effects[bench.view.effect_count - 1];
	Kluis__FindingRow row;

	assert_int_equal(copies_read_finding(effect->key, effect->value, &row), ERR_OK);
	return row;
}

static void test_copies_add_finding(void **state)
{
	Kluis__FindingRow row;

	(void)state;
	bench.context.time_ms = 5000999;
	assert_int_equal(copies_add_finding(&bench.context, 0, 7), ERR_OK);
	assert_int_equal(workbench_effects(&bench, EFFECT_PUT, TABLE_FINDING), 0);
	assert_int_equal(copies_add_finding(&bench.context, FINDING_GAP, 7), ERR_OK);
	row = last_row();
	assert_int_equal(row.store, 12);
	assert_int_equal(row.time_ms, 5000000);
	assert_int_equal(row.number, 7);
	assert_int_equal(row.kinds, FINDING_GAP);
	/* of the same record and second: one row */
	assert_int_equal(copies_add_finding(&bench.context, FINDING_LATE, 7), ERR_OK);
	assert_int_equal(workbench_effects(&bench, EFFECT_PUT, TABLE_FINDING), 1);
	assert_int_equal(last_row().kinds, FINDING_GAP | FINDING_LATE);
	assert_int_equal(copies_add_finding(&bench.context, FINDING_GAP, 8), ERR_OK);
	assert_int_equal(workbench_effects(&bench, EFFECT_PUT, TABLE_FINDING), 2);
	assert_int_equal(bench.context.findings, FINDING_GAP | FINDING_LATE);
}

/* Cursors go up: the newest has the lowest key. */
static void test_copies_newest_first(void **state)
{
	struct slice older;

	(void)state;
	bench.context.time_ms = 5000000;
	assert_int_equal(copies_add_finding(&bench.context, FINDING_GAP, 7), ERR_OK);
	older = bench.view.effects[bench.view.effect_count - 1].key;
	bench.context.time_ms = 5001000;
	assert_int_equal(copies_add_finding(&bench.context, FINDING_GAP, 7), ERR_OK);
	assert_true(slice_compare(bench.view.effects[bench.view.effect_count - 1].key, older) < 0);
}

static void test_copies_read_finding_damaged(void **state)
{
	uint8_t bytes[20] = {0};
	Kluis__FindingRow row;

	(void)state;
	assert_int_equal(copies_read_finding(SLICE(bytes, 19), SLICE(bytes, 4), &row), ERR_CORRUPT);
	assert_int_equal(copies_read_finding(SLICE(bytes, 20), SLICE(bytes, 3), &row), ERR_CORRUPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_copies_journal),     TEST(test_copies_holding),      TEST(test_copies_holding_key),
		TEST(test_copies_add_finding), TEST(test_copies_newest_first), TEST(test_copies_read_finding_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
