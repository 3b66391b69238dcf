/*
 * The index of handles: a customer is found by each value of the row that is there now, and by none of an older one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "copy_maker.h"

static enum err find(uint8_t field, const char *value, unsigned expected)
{
	unsigned customer = 0;
	enum err err = copy_maker_find(&maker, "service", field, value, &customer);

	if (err == ERR_OK)
		assert_int_equal(customer, expected);
	return err;
}

static void test_found_by_each_value(void **state)
{
	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 1), ERR_OK);
	assert_int_equal(find(1, "card 11", 11), ERR_OK);
	assert_int_equal(find(3, "phone 6", 12), ERR_OK);
	assert_int_equal(find(3, "phone 5", 0), ERR_AMBIGUOUS); /* 10 and 11 */
	assert_int_equal(find(1, "card 13", 0), ERR_NOT_FOUND);
	assert_int_equal(find(3, "card 11", 0), ERR_NOT_FOUND); /* another field's value */
	char longest[VALUE_MAX + 2];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[VALUE_MAX + 1] = '\0';
	assert_int_equal(find(1, longest, 0), ERR_NOT_FOUND);
	copy_maker_reopen(&maker);
	assert_int_equal(find(1, "card 11", 11), ERR_OK);
}

static void test_removed_and_replaced_rows(void **state)
{
	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 1), ERR_OK);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 6);
	/* a tombstone */
	assert_int_equal(copy_maker_page(&maker, "service", 11, 11, 0), ERR_OK);
	assert_int_equal(find(1, "card 11", 0), ERR_NOT_FOUND);
	assert_int_equal(find(3, "phone 5", 10), ERR_OK); /* one again */
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 4);
	/* the same values again */
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 2), ERR_OK);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 6);
	assert_int_equal(find(1, "card 10", 10), ERR_OK);
	/* other values: the handles of another handle key stand for that */
	memset(maker.handle_key, 99, KEY_SIZE);
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 3), ERR_OK);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 6);
	assert_int_equal(find(1, "card 10", 0), ERR_NOT_FOUND);
	copy_maker_lease(&maker, "service"); /* brings the new key */
	assert_int_equal(find(1, "card 10", 10), ERR_OK);
}

static void test_purposes_stand_apart(void **state)
{
	unsigned customer;

	(void)state;
	copy_maker_lease(&maker, "service");
	copy_maker_lease(&maker, "service-plus");
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 1), ERR_OK);
	assert_int_equal(copy_maker_find(&maker, "service-plus", 1, "card 10", &customer), ERR_NOT_FOUND);
	assert_int_equal(copy_maker_find(&maker, "never", 1, "card 10", &customer), ERR_EXPIRED);
}

static void test_nothing_without_the_key(void **state)
{
	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 1), ERR_OK);
	assert_int_equal(maker.replica.keys.destroy(&maker.shelf, "service"), ERR_OK);
	assert_int_equal(find(1, "card 11", 0), ERR_EXPIRED);
	/* the handle key went with it: the rows of the index say nothing to who has the agent's key */
	uint8_t made[KEY_SIZE];
	assert_int_equal(maker.replica.keys.make(&maker.shelf, "service", made), ERR_OK);
	assert_int_equal(find(1, "card 11", 0), ERR_CRYPTO);
}

/* Somebody lets a handle point to another customer. */
static enum err forge(struct store_txn *txn, void *context)
{
	struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
	struct slice key, value;
	uint8_t copy[STORE_KEY_MAX];

	(void)context;
	TRY(store_seek(txn, REPLICA_HANDLE, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value)) {
		memcpy(copy, key.data, key.length);
		struct slice forged = SLICE(copy, key.length);
		store_delete(txn, REPLICA_HANDLE, forged);
		put_u32(copy + key.length - PSEUDONYM_SIZE, 10);
		store_put(txn, REPLICA_HANDLE, forged, SLICE_EMPTY);
	}
	return ERR_OK;
}

static void test_forged_index(void **state)
{
	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 10, 12, 1), ERR_OK);
	assert_int_equal(store_update(maker.store, forge, NULL), ERR_OK);
	assert_int_equal(find(1, "card 10", 10), ERR_OK);
	assert_int_equal(find(1, "card 12", 0), ERR_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, copy_maker_set_up, copy_maker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found_by_each_value),	 TEST(test_removed_and_replaced_rows),
		TEST(test_purposes_stand_apart), TEST(test_nothing_without_the_key),
		TEST(test_forged_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
