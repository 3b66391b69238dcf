/* The simulation's store: the same tests as LMDB's, and its crashes. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include "../store_memory.h"
#include "store_model.h"
#include "store_rules.h"

static void test_memory_equals_a_sorted_array(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		store_memory_reset(seed);
		store_model_run("disk", seed, 400);
	}
}

static void test_memory_keeps_the_stores_rules(void **state)
{
	(void)state;
	store_memory_reset(1);
	store_rules_run("disk");
}

static enum err write_one(struct store_txn *txn, void *context)
{
	store_put(txn, 0, slice_text(context), slice_text("value"));
	return ERR_OK;
}

static enum err write_nothing(struct store_txn *txn, void *context)
{
	unsigned *runs = context;
	(void)txn;
	++*runs;
	return ERR_OK;
}

static bool has(struct store *store, const char *key)
{
	struct store_txn *txn;
	struct slice value;
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	enum err err = store_get(txn, 0, slice_text(key), &value);
	store_end_read(&txn);
	return err == ERR_OK;
}

static struct store *open_disk(bool create)
{
	struct store *store;
	struct fault fault = {.text = ""};
	assert_int_equal(store_open("disk", &store_model_layout, create, &store, &fault), ERR_OK);
	return store;
}

/* Crashes at the second commit and says whether it is there after a restart. */
static bool survives(uint64_t seed, enum store_memory_when when)
{
	char first[] = "first", second[] = "second", third[] = "third";
	store_memory_reset(seed);
	struct store *store = open_disk(true);
	struct store_txn *open, *none;
	struct slice value;
	assert_int_equal(store_update(store, write_one, first), ERR_OK);
	store_memory_crash(store, when);
	assert_false(store_memory_is_crashed(store));
	assert_int_equal(store_update(store, write_one, second), ERR_IO);
	assert_true(store_memory_is_crashed(store));
	assert_int_equal(store_update(store, write_one, third), ERR_IO);
	assert_int_equal(store_begin_read(store, &none), ERR_IO);
	store_close(&store);
	store = open_disk(false);
	assert_true(has(store, "first"));
	assert_false(has(store, "third"));
	bool is_there = has(store, "second");
	assert_int_equal(store_memory_commits(store), is_there ? 2 : 1);
	assert_int_equal(store_begin_read(store, &open), ERR_OK);
	store_memory_crash_now(store);
	assert_int_equal(store_get(open, 0, slice_text("first"), &value), ERR_OK);
	store_end_read(&open);
	store_close(&store);
	return is_there;
}

static void test_crash_keeps_what_was_committed(void **state)
{
	unsigned kept = 0;
	(void)state;
	assert_false(survives(1, STORE_MEMORY_BEFORE));
	assert_true(survives(1, STORE_MEMORY_AFTER));
	for (uint64_t seed = 0; seed < 64; seed++) {
		bool is_kept = survives(seed, STORE_MEMORY_IN);
		assert_int_equal(is_kept, survives(seed, STORE_MEMORY_IN)); /* the seed decides */
		kept += is_kept;
	}
	assert_in_range(kept, 16, 48); /* a fair coin leaves this range once in 40,000 */
}

static void test_full_disk_changes_nothing(void **state)
{
	char first[] = "first", second[] = "second";
	unsigned runs = 0;
	(void)state;
	store_memory_reset(1);
	struct store *store = open_disk(true);
	assert_int_equal(store_update(store, write_one, first), ERR_OK);
	store_memory_set_full(store, true);
	assert_int_equal(store_update(store, write_one, second), ERR_DISK_FULL);
	assert_int_equal(store_update(store, write_nothing, &runs), ERR_OK);
	assert_false(has(store, "second"));
	store_memory_set_full(store, false);
	assert_int_equal(store_update(store, write_one, second), ERR_OK);
	assert_true(has(store, "first") && has(store, "second"));
	store_memory_set_rerun(store, 3);
	for (int i = 0; i < 5; i++)
		assert_int_equal(store_update(store, write_nothing, &runs), ERR_OK);
	assert_int_equal(runs, 1 + 5 + 1);
	store_close(&store);
	store_memory_reset(0);
}

static void test_copy_brings_an_old_disk_back(void **state)
{
	char first[] = "first", second[] = "second";
	(void)state;
	store_memory_reset(1);
	struct store *store = open_disk(true);
	assert_int_equal(store_update(store, write_one, first), ERR_OK);
	store_close(&store);
	assert_true(store_memory_copy("disk", "backup"));
	assert_false(store_memory_copy("nowhere", "backup"));
	store = open_disk(false);
	assert_int_equal(store_update(store, write_one, second), ERR_OK);
	assert_true(has(store, "second"));
	store_close(&store);
	assert_true(store_memory_copy("backup", "disk"));
	store = open_disk(false);
	assert_true(has(store, "first"));
	assert_false(has(store, "second"));
	store_close(&store);
	store_memory_reset(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_equals_a_sorted_array),
		cmocka_unit_test(test_memory_keeps_the_stores_rules),
		cmocka_unit_test(test_crash_keeps_what_was_committed),
		cmocka_unit_test(test_full_disk_changes_nothing),
		cmocka_unit_test(test_copy_brings_an_old_disk_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
