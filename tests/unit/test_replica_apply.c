/*
 * Pages that a copy must not take, and what stays of it then. (What it takes: test_replica.c, test_replica_find.c.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "copy_maker.h"
#include "fail.h"

static void test_a_row_that_was_altered_stops_the_page(void **state)
{
	uint8_t made[KEY_SIZE];
	struct key_shelf kept;

	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 3, 1), ERR_OK);
	kept = maker.shelf;
	assert_int_equal(maker.replica.keys.make(&maker.shelf, "service", made), ERR_OK);
	/* what is to be replaced does not open: its handles cannot be taken out */
	assert_int_equal(copy_maker_page(&maker, "service", 3, 4, 2), ERR_CRYPTO);
	assert_int_equal(copy_maker_page(&maker, "service", 3, 3, 0), ERR_CRYPTO);
	maker.shelf = kept;
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 3);
	assert_int_equal(copy_maker_page(&maker, "service", 3, 4, 2), ERR_OK);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 4);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 8);
}

/* Another agreement: other rows, other handles, another key. */
static void test_another_agreement(void **state)
{
	unsigned customer;

	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 9, 1), ERR_OK);
	assert_int_equal(maker.shelf.made, 1);
	maker.agreement[0] ^= 1;
	assert_int_equal(copy_maker_page(&maker, "service", 5, 6, 1), ERR_OK);
	assert_int_equal(maker.shelf.made, 2);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 2);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_HANDLE), 4);
	/* the lease, and the handle key in it, went over to the new key */
	assert_int_equal(copy_maker_find(&maker, "service", 1, "card 5", &customer), ERR_OK);
	assert_int_equal(copy_maker_find(&maker, "service", 1, "card 1", &customer), ERR_NOT_FOUND);
}

static enum err page_once(void *context)
{
	(void)context;
	return copy_maker_page(&maker, "service", 1, 5, 1);
}

static void test_when_the_key_cannot_be_made_anew(void **state)
{
	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 9, 1), ERR_OK);
	maker.agreement[0] ^= 1;
	maker.shelf.code = ERR_DISK_FULL;
	assert_int_equal(page_once(NULL), ERR_DISK_FULL);
	/* nothing of the old agreement is left, and nothing of the new one was begun */
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 0);
	maker.shelf.code = ERR_OK;
	assert_int_equal(page_once(NULL), ERR_OK);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, copy_maker_set_up, copy_maker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_row_that_was_altered_stops_the_page),
		TEST(test_another_agreement),
		TEST(test_when_the_key_cannot_be_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
