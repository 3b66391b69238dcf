#include "feed/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "scratch.h"

static char folder[SCRATCH_MAX];
static struct store *store;

struct change {
	uint32_t store;
	uint64_t change;
	uint8_t who;
};

struct changes {
	const struct change *rows;
	size_t count;
};

static void key_of(const struct change *change, uint8_t ret_key[static 12])
{
	put_u32(ret_key, change->store);
	put_u64(ret_key + 4, change->change);
}

static enum err write(struct store_txn *txn, void *context)
{
	const struct changes *changes = context;

	for (size_t i = 0; i < changes->count; i++) {
		uint8_t key[12], who[PSEUDONYM_SIZE];

		key_of(&changes->rows[i], key);
		memset(who, changes->rows[i].who, sizeof(who));
		store_put(txn, TABLE_FEED, SLICE_ARRAY(key), SLICE_ARRAY(who));
	}
	return ERR_OK;
}

static const struct change rows[] = {{6, 1, 'z'},	 {7, 2, 'a'}, {7, 5, 'b'},   {FEED_ALL, 3, 'c'},
				     {FEED_ALL, 4, 'a'}, {8, 1, 'y'}, {7, 300, 'd'}, {FEED_ALL, 65536, 'b'}};

static int set_up(void **state)
{
	struct changes changes = {.rows = rows, .count = sizeof(rows) / sizeof(rows[0])};
	struct fault fault = {""};
	char path[SCRATCH_MAX + 8];

	(void)state;
	scratch_new(folder);
	memcpy(path, folder, strlen(folder) + 1);
	strncat(path, "/store", 7);
	assert_int_equal(store_open(path, &core_layout, true, &store, &fault), ERR_OK);
	assert_int_equal(store_update(store, write, &changes), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

/* Who stands in the feed, one letter each. */
static void check(uint32_t number, bool with_all, uint64_t cursor, const char *expected, uint64_t last)
{
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct feed feed CLEANUP(feed_close) = {.source_count = 0};
	struct feed_row row = {.change = 0};

	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	assert_int_equal(feed_open(txn, number, with_all, cursor, &feed), ERR_OK);
	for (size_t i = 0; i < strlen(expected); i++) {
		assert_true(feed_has_next(&feed));
		assert_int_equal(feed_next(&feed, &row), ERR_OK);
		assert_int_equal(row.pseudonym[0], expected[i]);
		assert_int_equal(row.pseudonym[PSEUDONYM_SIZE - 1], expected[i]);
	}
	assert_false(feed_has_next(&feed));
	assert_int_equal(row.change, last);
	feed_close(&feed); /* before its transaction */
}

static void test_feed_of_one_store(void **state)
{
	(void)state;
	check(7, false, 0, "abd", 300);
	check(7, false, 2, "bd", 300);
	check(7, false, 299, "d", 300);
	check(7, false, 300, "", 0);
	check(7, false, UINT64_MAX, "", 0);
	check(5, false, 0, "", 0);
	check(9, false, 0, "", 0);
	check(8, false, 0, "y", 1);
}

static void test_feed_merged_with_all(void **state)
{
	(void)state;
	check(7, true, 0, "acabdb", 65536);
	check(7, true, 3, "abdb", 65536);
	check(7, true, 300, "b", 65536);
	check(9, true, 0, "cab", 65536);
	check(7, true, 65536, "", 0);
	check(7, true, UINT64_MAX, "", 0);
}

static enum err write_damaged(struct store_txn *txn, void *context)
{
	uint8_t key[12];

	key_of(context, key);
	store_put(txn, TABLE_FEED, SLICE_ARRAY(key), slice_text("short"));
	return ERR_OK;
}

static void test_feed_with_a_damaged_row(void **state)
{
	struct change damaged = {7, 3, 0};
	struct store_txn *txn CLEANUP(store_end_read) = NULL;
	struct feed feed;
	struct feed_row row;

	(void)state;
	assert_int_equal(store_update(store, write_damaged, &damaged), ERR_OK);
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	assert_int_equal(feed_open(txn, 7, false, 2, &feed), ERR_CORRUPT);
	assert_int_equal(feed_open(txn, 7, false, 0, &feed), ERR_OK);
	assert_int_equal(feed_next(&feed, &row), ERR_CORRUPT);
	feed_close(&feed);
}

static void test_feed_seen_add(void **state)
{
	static struct feed_seen seen;
	uint8_t pseudonym[PSEUDONYM_SIZE] = {0};

	(void)state;
	/* all in one slot, and at the end of the slots */
	for (unsigned i = 0; i < FEED_SEEN_MAX; i++) {
		put_u32(pseudonym, i % 2 == 0 ? 5 : 2 * FEED_SEEN_MAX - 1);
		put_u32(pseudonym + 8, i);
		if (i < 100)
			assert_true(feed_seen_add(&seen, pseudonym));
	}
	for (unsigned i = 0; i < 100; i++) {
		put_u32(pseudonym, i % 2 == 0 ? 5 : 2 * FEED_SEEN_MAX - 1);
		put_u32(pseudonym + 8, i);
		assert_false(feed_seen_add(&seen, pseudonym));
	}
	assert_int_equal(seen.count, 100);
	for (unsigned i = 100; i < FEED_SEEN_MAX; i++) {
		put_u32(pseudonym, i * 7919);
		put_u32(pseudonym + 8, i);
		assert_true(feed_seen_add(&seen, pseudonym));
	}
	assert_int_equal(seen.count, FEED_SEEN_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_feed_of_one_store),
		TEST(test_feed_merged_with_all),
		TEST(test_feed_with_a_damaged_row),
		cmocka_unit_test(test_feed_seen_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
