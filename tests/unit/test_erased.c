/* A customer whom head office has erased: what the agent destroys, and when it certifies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "copy_maker.h"
#include "erased.h"
#include "fail.h"
#include "purged.h"
#include "replica_row.h"

static struct arena arena;
static struct outbox *outbox;

static int set_up(void **state)
{
	copy_maker_set_up(state);
	arena_init(&arena, 8 * REQUEST_ARENA_MAX);
	assert_int_equal(outbox_open(maker.store, maker.key, &outbox, NULL), ERR_OK);
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 5, 1), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	outbox_close(&outbox);
	arena_fini(&arena);
	copy_maker_tear_down(state);
	return 0;
}

static struct purge_certificate *certificates;
static size_t count;

static void list(size_t expected)
{
	assert_int_equal(erased_certificates(maker.store, &arena, &certificates, &count), ERR_OK);
	assert_int_equal(count, expected);
}

static bool is_pending(void)
{
	bool pending;

	assert_int_equal(erased_is_pending(maker.store, &pending), ERR_OK);
	return pending;
}

static void erase(unsigned first, unsigned last)
{
	assert_int_equal(copy_maker_page(&maker, "service", first, last, COPY_ERASED), ERR_OK);
}

static enum err sweep(uint64_t time_ms)
{
	return erased_sweep(&maker.replica, outbox, time_ms);
}

static bool can_find(unsigned customer)
{
	char card[32];
	unsigned found;
	enum err err;

	snprintf(card, sizeof card, "card %u", customer);
	err = copy_maker_find(&maker, "service", 1, card, &found);
	assert_true(err == ERR_NOT_FOUND || (err == ERR_OK && found == customer));
	return err == ERR_OK;
}

static void test_certified_when_nothing_opens(void **state)
{
	uint8_t before[KEY_SIZE], after[KEY_SIZE];

	(void)state;
	assert_false(is_pending());
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", before), ERR_OK);
	erase(2, 2);
	assert_false(can_find(2)); /* at once */
	assert_true(is_pending());
	list(0); /* but older pages still open */
	assert_int_equal(sweep(700), ERR_OK);
	assert_false(is_pending());
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", after), ERR_OK);
	assert_memory_not_equal(before, after, KEY_SIZE);
	assert_true(can_find(1) && can_find(3) && can_find(4) && can_find(5));
	list(1);
	assert_string_equal(certificates[0].purpose, "service");
	assert_int_equal(certificates[0].reason, ERR_ERASED);
	assert_true(certificates[0].has_customer);
	assert_int_equal(get_u32(certificates[0].customer), 2);
	assert_int_equal(certificates[0].customers, 1);
	assert_int_equal(certificates[0].waiting, 0);
	assert_int_equal(certificates[0].time_ms, 700);
	assert_int_equal(erased_certified(maker.store, &certificates[0]), ERR_OK);
	assert_int_equal(erased_certified(maker.store, &certificates[0]), ERR_NOT_FOUND);
	list(0);
}

/* Whatever the store holds: no value opens under the key of before. */
static void test_no_row_opens_under_the_old_key(void **state)
{
	struct store_txn *txn;
	struct store_cursor *cursor;
	struct slice key, value;
	uint8_t before[KEY_SIZE];
	unsigned rows = 0;

	(void)state;
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", before), ERR_OK);
	erase(1, 1);
	assert_int_equal(sweep(700), ERR_OK);
	assert_int_equal(store_begin_read(maker.store, &txn), ERR_OK);
	assert_int_equal(store_seek(txn, REPLICA_CUSTOMER, SLICE_EMPTY, &cursor), ERR_OK);
	for (; store_next(cursor, &key, &value); rows++) {
		struct bytes plain CLEANUP(bytes_fini) = {0};
		bytes_init_secret(&plain, REPLICA_ROW_MAX);
		assert_int_equal(unseal(before, key, value, &plain), ERR_CRYPTO);
	}
	store_cursor_close(&cursor);
	store_end_read(&txn);
	assert_int_equal(rows, 4);
}

/* One that the copy does not have any more is certified too: an older page may. */
static void test_nobody_there(void **state)
{
	(void)state;
	assert_int_equal(copy_maker_page(&maker, "service", 3, 3, 0), ERR_OK); /* out of scope */
	assert_false(is_pending());
	erase(3, 3);
	erase(3, 3); /* told twice */
	assert_int_equal(sweep(700), ERR_OK);
	list(1);
	assert_int_equal(certificates[0].customers, 0);
}

/* Many at once are sealed anew once. */
static void test_one_key_for_all(void **state)
{
	unsigned made;

	(void)state;
	erase(1, 4);
	made = maker.shelf.made;
	assert_int_equal(sweep(700), ERR_OK);
	assert_int_equal(maker.shelf.made, made + 1);
	list(4);
	assert_true(can_find(5));
}

static uint64_t add_update(unsigned customer)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Update update = KLUIS__UPDATE__INIT;
	uint8_t pseudonym[PSEUDONYM_SIZE] = {0};
	char purpose[] = "service";
	uint64_t number = 0;

	put_u32(pseudonym, customer);
	update.customer = wire_data(SLICE_ARRAY(pseudonym));
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_UPDATE;
	operation.update = &update;
	assert_int_equal(outbox_add(outbox, &operation, NULL, SLICE_EMPTY, 1, &number), ERR_OK);
	return number;
}

static void test_what_waits_goes_too(void **state)
{
	uint64_t sent = add_update(1), waiting, refused;

	(void)state;
	add_update(1);
	add_update(2);
	assert_int_equal(outbox_mark_sent(outbox, &sent, 1, 9), ERR_OK);
	erase(1, 1);
	assert_int_equal(sweep(700), ERR_OK);
	list(0); /* one is under way */
	assert_true(is_pending());
	assert_int_equal(outbox_unsend(outbox), ERR_OK);
	assert_int_equal(sweep(800), ERR_OK);
	list(1);
	assert_int_equal(certificates[0].waiting, 2);
	outbox_counts(outbox, &waiting, &refused);
	assert_int_equal(waiting + refused, 1);
}

/* Killed between the new key and the rows: purged as any stale copy, and certified all the same. */
static void test_interrupted(void **state)
{
	unsigned n = 1;
	bool is_stale = false, has_failed = true;

	(void)state;
	erase(1, 1);
	for (; has_failed; n++) {
		fail_begin(FAIL_MEMORY, n);
		enum err err = sweep(700);
		has_failed = fail_end();
		assert_true(err == ERR_OK || has_failed);
		assert_int_equal(replica_is_stale(&maker.replica, "service", &is_stale), ERR_OK);
		if (is_stale)
			break;
	}
	assert_true(is_stale);
	assert_true(is_pending());
	list(0);
	assert_int_equal(purged_purge(&maker.replica, "service", ERR_EXPIRED, 800), ERR_OK);
	assert_int_equal(sweep(900), ERR_OK);
	list(2);
	assert_false(certificates[0].has_customer);
	assert_int_equal(certificates[0].customers, 4);
	assert_true(certificates[1].has_customer);
	assert_int_equal(certificates[1].customers, 1);
}

static void test_key_that_cannot_be_made(void **state)
{
	(void)state;
	erase(1, 1);
	maker.shelf.code = ERR_IO;
	assert_int_equal(sweep(700), ERR_IO);
	list(0);
	assert_true(is_pending() && can_find(2));
	maker.shelf.code = ERR_OK;
	assert_int_equal(sweep(700), ERR_OK);
	list(1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_certified_when_nothing_opens),
		TEST(test_no_row_opens_under_the_old_key),
		TEST(test_nobody_there),
		TEST(test_one_key_for_all),
		TEST(test_what_waits_goes_too),
		TEST(test_interrupted),
		TEST(test_key_that_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
