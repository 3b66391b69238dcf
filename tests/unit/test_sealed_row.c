/* Rows of META that nobody changes unseen. */
#include "sealed_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "replica.h"
#include "scratch.h"

static const uint8_t key[KEY_SIZE] = {7}, other_key[KEY_SIZE] = {8};
static char folder[SCRATCH_MAX];
static struct store *store;
static struct store_txn *txn;

static enum err write(struct store_txn *writing, void *context)
{
	struct slice raw;
	uint8_t copy[128];

	(void)context;
	TRY(sealed_row_put(writing, key, slice_text("one"), slice_text("the first")));
	TRY(sealed_row_put(writing, key, slice_text("two"), slice_text("the second")));
	TRY(store_get(writing, REPLICA_META, slice_text("one"), &raw));
	size_t length = raw.length;
	assert_true(length < sizeof copy);
	memcpy(copy, raw.data, length);
	store_put(writing, REPLICA_META, slice_text("moved"), SLICE(copy, length));
	copy[length - 1] ^= 1;
	store_put(writing, REPLICA_META, slice_text("changed"), SLICE(copy, length));
	store_put(writing, REPLICA_META, slice_text("short"), SLICE(copy, 3));
	return ERR_OK;
}

static int set_up(void **state)
{
	char path[SCRATCH_MAX + 8];
	struct fault fault = {""};

	(void)state;
	scratch_new(folder);
	snprintf(path, sizeof path, "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, &fault), ERR_OK);
	assert_int_equal(store_update(store, write, NULL), ERR_OK);
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_end_read(&txn);
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static enum err get(const uint8_t *with, const char *name, size_t maximum, char ret_text[static 32])
{
	struct bytes plain CLEANUP(bytes_fini) = {0};

	bytes_init(&plain, maximum);
	TRY(sealed_row_get(txn, with, slice_text(name), &plain));
	snprintf(ret_text, 32, "%.*s", (int)plain.length, (const char *)plain.data);
	return ERR_OK;
}

static void test_opens_as_it_was_written(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(get(key, "one", 100, text), ERR_OK);
	assert_string_equal(text, "the first");
	assert_int_equal(get(key, "two", 10, text), ERR_OK);
	assert_string_equal(text, "the second");
}

static void test_what_was_altered_does_not_open(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(get(key, "three", 100, text), ERR_NOT_FOUND);
	assert_int_equal(get(key, "moved", 100, text), ERR_CORRUPT);
	assert_int_equal(get(key, "changed", 100, text), ERR_CORRUPT);
	assert_int_equal(get(key, "short", 100, text), ERR_CORRUPT);
	assert_int_equal(get(other_key, "one", 100, text), ERR_CORRUPT);
	assert_int_equal(get(key, "one", 8, text), ERR_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_opens_as_it_was_written),
		TEST(test_what_was_altered_does_not_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
