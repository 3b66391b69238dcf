/*
 * Leases: kept sealed, with the key of the copy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "copy_maker.h"
#include "fail.h"

static struct replica_lease lease_of(const char *purpose)
{
	struct replica_lease lease = {0};

	assert_int_equal(replica_lease(&maker.replica, purpose, &lease), ERR_OK);
	return lease;
}

static void test_given_and_renewed(void **state)
{
	struct replica_lease lease;
	uint8_t before[KEY_SIZE], after[KEY_SIZE];

	(void)state;
	assert_int_equal(replica_lease(&maker.replica, "service", &lease), ERR_NOT_FOUND);
	copy_maker_lease(&maker, "service");
	lease = lease_of("service");
	assert_int_equal(lease.until_ms, 2000);
	assert_int_equal(lease.entry_ms, 1000);
	assert_true(lease.has_key);
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", before), ERR_OK);
	assert_int_equal(replica_lease(&maker.replica, "serv", &lease), ERR_NOT_FOUND);
	assert_int_equal(replica_set_lease(&maker.replica, "service", 9000, 8000, SLICE_ARRAY(maker.handle_key)),
			 ERR_OK);
	copy_maker_reopen(&maker);
	lease = lease_of("service");
	assert_int_equal(lease.until_ms, 9000);
	/* renewing keeps the key: the copy goes on */
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", after), ERR_OK);
	assert_memory_equal(before, after, KEY_SIZE);
	assert_int_equal(maker.shelf.made, 1);
	assert_int_equal(replica_set_lease(&maker.replica, "service", 9000, 8000, SLICE(maker.handle_key, 31)),
			 ERR_INPUT);
}

static enum err copy_row(struct store_txn *txn, void *context)
{
	const char *const *names = context;
	uint8_t copy[256];
	struct slice value;

	TRY(store_get(txn, REPLICA_LEASE, slice_text(names[0]), &value));
	memcpy(copy, value.data, value.length);
	copy[20] ^= (uint8_t)(names[0] == names[1]);
	store_put(txn, REPLICA_LEASE, slice_text(names[1]), SLICE(copy, value.length));
	return ERR_OK;
}

/* A lease is its own purpose's, and nobody changes it unseen. */
static void test_altered(void **state)
{
	const char *moved[] = {"service", "other"}, *spoilt[] = {"service", "service"};
	struct replica_lease lease;

	(void)state;
	spoilt[1] = spoilt[0];
	copy_maker_lease(&maker, "service");
	assert_int_equal(store_update(maker.store, copy_row, moved), ERR_OK);
	assert_int_equal(replica_lease(&maker.replica, "other", &lease), ERR_CRYPTO);
	assert_int_equal(store_update(maker.store, copy_row, spoilt), ERR_OK);
	assert_int_equal(replica_lease(&maker.replica, "service", &lease), ERR_CRYPTO);
}

/* Over what a purge left there is no new lease: it is to be ended first. */
static void test_not_over_remains(void **state)
{
	uint64_t customers;

	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 3, 1), ERR_OK);
	assert_int_equal(maker.replica.keys.destroy(&maker.shelf, "service"), ERR_OK);
	assert_false(lease_of("service").has_key);
	assert_int_equal(replica_set_lease(&maker.replica, "service", 9000, 8000, SLICE_ARRAY(maker.handle_key)),
			 ERR_STATE);
	assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
	copy_maker_lease(&maker, "service");
	assert_true(lease_of("service").has_key);
}

static enum err set_once(void *context)
{
	(void)context;
	return replica_set_lease(&maker.replica, "service", 9000, 8000, SLICE_ARRAY(maker.handle_key));
}

static void test_when_memory_fails(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, set_once, NULL);
	assert_int_equal(lease_of("service").until_ms, 9000);
}

static void put_key_back(const char *purpose, const uint8_t key[static KEY_SIZE])
{
	for (size_t i = 0; i < KEY_SHELF_PLACES; i++)
		if (strcmp(maker.shelf.places[i].purpose, purpose) == 0)
			memcpy(maker.shelf.places[i].key, key, KEY_SIZE);
}

static void check_found(const char *purpose, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		char card[16];
		unsigned customer = 0;

		snprintf(card, sizeof card, "card %u", i);
		assert_int_equal(copy_maker_find(&maker, purpose, 1, card, &customer), ERR_OK);
		assert_int_equal(customer, i);
	}
}

/* Under another key all is there as it was; the one before opens none of it, and another purpose's stays as it is. */
static void test_sealed_anew(void **state)
{
	uint8_t before[KEY_SIZE], others[KEY_SIZE], after[KEY_SIZE];
	unsigned customer;

	(void)state;
	assert_int_equal(replica_reseal(&maker.replica, "service"), ERR_EXPIRED);
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 5, 1), ERR_OK);
	maker.cursor = 0;
	copy_maker_lease(&maker, "service-plus");
	assert_int_equal(copy_maker_page(&maker, "service-plus", 7, 9, 1), ERR_OK);
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", before), ERR_OK);
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service-plus", others), ERR_OK);
	assert_int_equal(replica_reseal(&maker.replica, "service"), ERR_OK);
	copy_maker_reopen(&maker);
	check_found("service", 1, 5);
	check_found("service-plus", 7, 9);
	assert_int_equal(lease_of("service").until_ms, 2000);
	assert_int_equal(copy_maker_rows(&maker, REPLICA_CUSTOMER), 8);
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service", after), ERR_OK);
	assert_memory_not_equal(before, after, KEY_SIZE);
	assert_int_equal(maker.replica.keys.load(&maker.shelf, "service-plus", after), ERR_OK);
	assert_memory_equal(others, after, KEY_SIZE);
	put_key_back("service", before);
	assert_int_equal(copy_maker_find(&maker, "service", 1, "card 1", &customer), ERR_CRYPTO);
}

/* Memory runs short at any call: all is as it was, or the copy is stale. */
static void test_sealing_anew_without_memory(void **state)
{
	bool has_failed = true, is_stale;

	(void)state;
	copy_maker_lease(&maker, "service");
	assert_int_equal(copy_maker_page(&maker, "service", 1, 5, 1), ERR_OK);
	for (unsigned n = 1; has_failed; n++) {
		fail_begin(FAIL_MEMORY, n);
		enum err err = replica_reseal(&maker.replica, "service");
		has_failed = fail_end();
		assert_int_equal(replica_is_stale(&maker.replica, "service", &is_stale), ERR_OK);
		assert_true(!is_stale || err != ERR_OK);
		if (is_stale) {
			uint64_t customers = 0;

			assert_int_equal(replica_purge(&maker.replica, "service", &customers), ERR_OK);
			assert_int_equal(customers, 5);
			copy_maker_lease(&maker, "service");
			maker.cursor = 0;
			assert_int_equal(copy_maker_page(&maker, "service", 1, 5, 1), ERR_OK);
		}
		check_found("service", 1, 5);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, copy_maker_set_up, copy_maker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_given_and_renewed), TEST(test_altered),     TEST(test_not_over_remains),
		TEST(test_when_memory_fails), TEST(test_sealed_anew), TEST(test_sealing_anew_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
