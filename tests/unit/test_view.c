/*
 * Views on a store of three rows in each of two tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "core/view.h"
#include "fail.h"
#include "random.h"
#include "scratch.h"

static char folder[SCRATCH_MAX];
static struct store *store;
static struct store_txn *txn;
static struct arena arena;
static struct view view;

static enum err fill(struct store_txn *write, void *context)
{
	(void)context;
	store_put(write, TABLE_META, slice_text("a"), slice_text("1"));
	store_put(write, TABLE_META, slice_text("b"), slice_text("2"));
	store_put(write, TABLE_STORE, slice_text("a"), slice_text("3"));
	return ERR_OK;
}

static int set_up(void **state)
{
	char path[SCRATCH_MAX + 8];
	struct fault fault = {""};

	(void)state;
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/store", folder);
	assert_int_equal(store_open(path, &core_layout, true, &store, &fault), ERR_OK);
	assert_int_equal(store_update(store, fill, NULL), ERR_OK);
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	arena_init(&arena, 1 << 24);
	view_init(&view, txn, &arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	store_end_read(&txn);
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static void check(enum table table, const char *key, const char *value)
{
	struct slice found;
	enum err err = view_get(&view, table, slice_text(key), &found);

	assert_int_equal(err, value == NULL ? ERR_NOT_FOUND : ERR_OK);
	if (value != NULL)
		assert_true(slice_equal(found, slice_text(value)));
}

static bool has_read(enum table table, const char *key)
{
	for (size_t i = 0; i < view.read_count; i++)
		if (view.reads[i] == view_hash(table, slice_text(key)))
			return true;
	return false;
}

static void test_reads_are_remembered(void **state)
{
	(void)state;
	check(TABLE_META, "a", "1");
	check(TABLE_META, "c", NULL); /* also what was not there: it may come */
	assert_true(has_read(TABLE_META, "a"));
	assert_true(has_read(TABLE_META, "c"));
	assert_false(has_read(TABLE_META, "b"));
	assert_false(has_read(TABLE_STORE, "a"));
	view_note(&view, TABLE_META, slice_text("b"));
	assert_true(has_read(TABLE_META, "b"));
}

static void test_own_writes_are_seen(void **state)
{
	char value[] = "new", key[] = "k";

	(void)state;
	view_put(&view, TABLE_META, SLICE(key, 1), SLICE(value, 3));
	memset(value, 'x', 3); /* copied */
	key[0] = 'x';
	check(TABLE_META, "k", "new");
	check(TABLE_STORE, "k", NULL);
	view_put(&view, TABLE_META, slice_text("k"), slice_text("newer"));
	check(TABLE_META, "k", "newer");
	view_delete(&view, TABLE_META, slice_text("k"));
	check(TABLE_META, "k", NULL);
	view_put(&view, TABLE_META, slice_text("k"), slice_text("again"));
	check(TABLE_META, "k", "again");
	view_delete(&view, TABLE_META, slice_text("a"));
	check(TABLE_META, "a", NULL);
	check(TABLE_STORE, "a", "3");
	view_put(&view, TABLE_META, slice_text("e"), SLICE_EMPTY);
	check(TABLE_META, "e", "");
	/* one effect a row, the last one; nothing that the request wrote counts as read from the state */
	assert_int_equal(view.effect_count, 3);
	assert_int_equal(view.effects[0].kind, EFFECT_PUT);
	assert_int_equal(view.effects[1].kind, EFFECT_DELETE);
	assert_false(has_read(TABLE_META, "k"));
	assert_false(has_read(TABLE_META, "a"));
	assert_int_equal(view.status, ERR_OK);
}

static void test_touches_are_no_rows(void **state)
{
	uint8_t customer[16] = "0123456789abcdef";

	(void)state;
	view_touch(&view, 12, SLICE_ARRAY(customer));
	view_touch(&view, FEED_ALL, SLICE_ARRAY(customer));
	customer[0] = 'x';
	assert_int_equal(view.effect_count, 2);
	assert_int_equal(view.effects[0].kind, EFFECT_TOUCH);
	assert_int_equal(view.effects[0].store, 12);
	assert_int_equal(view.effects[1].store, FEED_ALL);
	assert_memory_equal(view.effects[1].key.data, "0123456789abcdef", 16);
	/* a touch's table is 0, meta's number: it must not be found there */
	assert_int_equal(TABLE_META, 0);
	check(TABLE_META, "0123456789abcdef", NULL);
	check(TABLE_META, "a", "1");
}

/* Ten thousand random changes of 700 rows agree with an array of them. */
static void test_many_changes_agree_with_a_plain_array(void **state)
{
	enum { ROWS = 700 };
	static int model[ROWS]; /* 0: never written, -1: deleted, else its number */
	struct random random = {7};
	char key[16], value[16];

	(void)state;
	memset(model, 0, sizeof(model));
	for (int i = 1; i < 10000; i++) {
		size_t row = (size_t)random_below(&random, ROWS);

		snprintf(key, sizeof(key), "row %zu", row);
		snprintf(value, sizeof(value), "%d", i);
		model[row] = random_below(&random, 4) == 0 ? -1 : i;
		if (model[row] == -1)
			view_delete(&view, TABLE_USE, slice_text(key));
		else
			view_put(&view, TABLE_USE, slice_text(key), slice_text(value));
		check(TABLE_USE, key, model[row] == -1 ? NULL : value);
		if (random_below(&random, 16) == 0)
			view_touch(&view, 1, slice_text(key));
	}
	size_t rows = 0;
	for (size_t row = 0; row < ROWS; row++) {
		snprintf(key, sizeof(key), "row %zu", row);
		snprintf(value, sizeof(value), "%d", model[row]);
		rows += model[row] != 0;
		check(TABLE_USE, key, model[row] > 0 ? value : NULL);
	}
	for (size_t i = 0; i < view.effect_count; i++)
		rows -= view.effects[i].kind != EFFECT_TOUCH;
	assert_int_equal(rows, 0);
}

static void test_hash_tells_tables_and_keys_apart(void **state)
{
	(void)state;
	assert_int_equal(view_hash(TABLE_META, slice_text("a")), view_hash(TABLE_META, slice_text("a")));
	assert_int_not_equal(view_hash(TABLE_META, slice_text("a")), view_hash(TABLE_STORE, slice_text("a")));
	assert_int_not_equal(view_hash(TABLE_META, slice_text("a")), view_hash(TABLE_META, slice_text("b")));
	assert_int_not_equal(view_hash(TABLE_META, SLICE_EMPTY), view_hash(TABLE_META, SLICE("\0", 1)));
}

/* Keys as they are: pseudonyms, stores, names. Of 60,000 over 65,536 slots about 39,400 are hit if they spread as
 * dice would. */
static void test_hash_spreads_over_slots(void **state)
{
	static bool is_hit[65536];
	size_t hits = 0;
	uint8_t key[4];

	(void)state;
	memset(is_hit, 0, sizeof(is_hit));
	for (uint32_t i = 0; i < 60000; i++) {
		put_u32(key, i);
		bool *hit = &is_hit[view_hash(TABLE_STORE, SLICE_ARRAY(key)) % 65536];
		hits += !*hit;
		*hit = true;
	}
	assert_true(hits > 36000);
}

/* The lack of memory sticks, and reads say so too: nothing is decided on half of a request's own effects. */
static void test_full_arena_sticks(void **state)
{
	struct arena tiny;
	struct slice found;
	char key[16];

	(void)state;
	arena_init(&tiny, 8192);
	view_init(&view, txn, &tiny);
	for (unsigned i = 0; i < 10000 && view.status == ERR_OK; i++) {
		snprintf(key, sizeof(key), "row %u", i);
		view_put(&view, TABLE_USE, slice_text(key), slice_text("value"));
	}
	assert_int_equal(view.status, ERR_MEMORY);
	assert_int_equal(view_get(&view, TABLE_META, slice_text("a"), &found), ERR_MEMORY);
	size_t count = view.effect_count;
	view_touch(&view, 1, slice_text("x"));
	view_delete(&view, TABLE_META, slice_text("a"));
	assert_int_equal(view.effect_count, count);
	arena_fini(&tiny);
}

/* What a request does with its view, with each allocation failing. */
static enum err use(void *context)
{
	struct arena own CLEANUP(arena_fini) = {0};
	struct slice found;
	struct view mine;
	char key[16];

	(void)context;
	arena_init(&own, 1 << 20);
	view_init(&mine, txn, &own);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "row %u", i);
		view_note(&mine, TABLE_META, slice_text(key));
		view_put(&mine, TABLE_USE, slice_text(key), slice_text("value"));
	}
	for (unsigned i = 0; i < 200; i++)
		view_touch(&mine, i, slice_text("x"));
	if (mine.status != ERR_OK)
		return mine.status;
	TRY(view_get(&mine, TABLE_META, slice_text("a"), &found));
	return view_get(&mine, TABLE_USE, slice_text("row 199"), &found);
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, use, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_are_remembered),
		TEST(test_own_writes_are_seen),
		TEST(test_touches_are_no_rows),
		TEST(test_many_changes_agree_with_a_plain_array),
		cmocka_unit_test(test_hash_tells_tables_and_keys_apart),
		cmocka_unit_test(test_hash_spreads_over_slots),
		TEST(test_full_arena_sticks),
		TEST(test_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
