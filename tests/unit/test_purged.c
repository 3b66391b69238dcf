/*
 * What is written down of purges: begun, ended, certified.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "copy_maker.h"
#include "fail.h"
#include "purged.h"

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	copy_maker_begin(&maker);
	arena_init(&arena, REQUEST_ARENA_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	copy_maker_end(&maker);
	return 0;
}

static void fill(const char *purpose, unsigned count)
{
	copy_maker_lease(&maker, purpose);
	maker.cursor = 0;
	assert_int_equal(copy_maker_page(&maker, purpose, 1, count, 1), ERR_OK);
}

static struct purge_certificate *certificates;
static size_t count;

static void list(size_t expected)
{
	assert_int_equal(purged_list(maker.store, &arena, &certificates, &count), ERR_OK);
	assert_int_equal(count, expected);
}

static bool is_pending(const char *purpose)
{
	bool pending;

	assert_int_equal(purged_is_pending(maker.store, purpose, &pending), ERR_OK);
	return pending;
}

static bool is_uncertified(const char *purpose)
{
	bool uncertified;

	assert_int_equal(purged_is_uncertified(maker.store, purpose, &uncertified), ERR_OK);
	return uncertified;
}

static void test_oldest_first(void **state)
{
	(void)state;
	list(0);
	fill("a", 1);
	fill("b", 2);
	fill("c", 3);
	assert_int_equal(purged_purge(&maker.replica, "b", ERR_SUSPENDED, 500), ERR_OK);
	assert_int_equal(purged_purge(&maker.replica, "c", ERR_EXPIRED, 400), ERR_OK);
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_EXPIRED, 500), ERR_OK);
	copy_maker_reopen(&maker);
	list(3);
	assert_string_equal(certificates[0].purpose, "c");
	assert_string_equal(certificates[1].purpose, "a");
	assert_string_equal(certificates[2].purpose, "b");
	assert_int_equal(certificates[2].reason, ERR_SUSPENDED);
	assert_int_equal(certificates[2].customers, 2);
	assert_int_equal(certificates[2].waiting, 0);
	assert_int_equal(certificates[2].time_ms, 500);
	struct purge_certificate taken = certificates[1];
	assert_true(is_uncertified("a"));
	assert_int_equal(purged_certified(maker.store, &taken), ERR_OK);
	assert_int_equal(purged_certified(maker.store, &taken), ERR_NOT_FOUND);
	assert_false(is_uncertified("a"));
	list(2);
}

/* Purged again while the certificate was under way: the second one's count is still to be certified. */
static void test_purged_again(void **state)
{
	(void)state;
	fill("a", 5);
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_SUSPENDED, 500), ERR_OK);
	list(1);
	struct purge_certificate sent = certificates[0];
	fill("a", 2);
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_EXPIRED, 700), ERR_OK);
	assert_int_equal(purged_certified(maker.store, &sent), ERR_OK);
	/* answered again after a crash */
	assert_int_equal(purged_certified(maker.store, &sent), ERR_NOT_FOUND);
	list(1);
	assert_int_equal(certificates[0].customers, 2);
	assert_int_equal(certificates[0].reason, ERR_EXPIRED);
	assert_int_equal(certificates[0].time_ms, 700);
	sent = certificates[0];
	/* one of nobody counts too, and one in the same instant is another one */
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_EXPIRED, 700), ERR_OK);
	assert_int_equal(purged_certified(maker.store, &sent), ERR_OK);
	list(1);
	assert_int_equal(certificates[0].customers, 0);
	/* begun and not ended while the one before is taken */
	sent = certificates[0];
	fill("a", 3);
	maker.shelf.code = ERR_IO;
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_SUSPENDED, 950), ERR_IO);
	maker.shelf.code = ERR_OK;
	assert_int_equal(purged_certified(maker.store, &sent), ERR_OK);
	list(0);
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_SUSPENDED, 960), ERR_OK);
	list(1);
	assert_int_equal(certificates[0].customers, 3);
}

static void put_into(struct outbox *outbox, unsigned items)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Roster roster = KLUIS__ROSTER__INIT;
	uint64_t number;

	operation.kind_case = KLUIS__OPERATION__KIND_ROSTER;
	operation.roster = &roster;
	for (unsigned i = 0; i < items; i++)
		assert_int_equal(outbox_add(outbox, &operation, NULL, SLICE_EMPTY, 1, &number), ERR_OK);
}

/* Of no copy: certified under no purpose, and the certificate says so again. */
static void test_outbox(void **state)
{
	struct outbox *outbox CLEANUP(outbox_close) = NULL;
	struct purge_certificate again;
	Kluis__Operation operation;
	Kluis__Purge purge;
	char name[NAME_MAX_ + 1];

	(void)state;
	assert_int_equal(outbox_open(maker.store, maker.key, &outbox, NULL), ERR_OK);
	assert_int_equal(purged_outbox(outbox, ERR_TERMINATED, 400), ERR_OK);
	list(0);
	put_into(outbox, 3);
	assert_int_equal(purged_outbox(outbox, ERR_TERMINATED, 500), ERR_OK);
	put_into(outbox, 2);
	assert_int_equal(purged_outbox(outbox, ERR_TERMINATED, 600), ERR_OK);
	list(1);
	assert_string_equal(certificates[0].purpose, "");
	assert_int_equal(certificates[0].waiting, 5);
	purged_operation(&certificates[0], name, &purge, &operation);
	assert_null(operation.purpose);
	assert_int_equal(purge.waiting, 5);
	assert_int_equal(purge.reason, ERR_TERMINATED);
	purged_of(&operation, &again);
	assert_int_equal(purged_certified(maker.store, &again), ERR_OK);
	list(0);
}

static void test_pending_is_not_certified(void **state)
{
	char **pending;

	(void)state;
	fill("a", 5);
	maker.shelf.code = ERR_IO;
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_SUSPENDED, 500), ERR_IO);
	maker.shelf.code = ERR_OK;
	assert_true(is_pending("a"));
	assert_false(is_pending("b"));
	list(0);
	assert_int_equal(purged_pending(maker.store, &arena, &pending, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_string_equal(pending[0], "a");
	/* what was written down first stands: reason, counts, time */
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_EXPIRED, 900), ERR_OK);
	assert_false(is_pending("a"));
	list(1);
	assert_int_equal(certificates[0].reason, ERR_SUSPENDED);
	assert_int_equal(certificates[0].customers, 5);
	assert_int_equal(certificates[0].waiting, 0);
	assert_int_equal(certificates[0].time_ms, 500);
}

/* Where nothing can be written down the key goes all the same. */
static void test_key_goes_first_of_all(void **state)
{
	(void)state;
	fill("a", 5);
	fail_begin(FAIL_MEMORY, 1);
	enum err err = purged_purge(&maker.replica, "a", ERR_SUSPENDED, 500);
	assert_true(fail_end());
	assert_int_equal(err, ERR_MEMORY);
	assert_false(key_shelf_has(&maker.shelf, "a"));
	/* the next try certifies what there was */
	assert_int_equal(purged_purge(&maker.replica, "a", ERR_SUSPENDED, 600), ERR_OK);
	list(1);
	assert_int_equal(certificates[0].customers, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_oldest_first),
		TEST(test_purged_again),
		TEST(test_outbox),
		TEST(test_pending_is_not_certified),
		TEST(test_key_goes_first_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
