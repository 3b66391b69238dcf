/*
 * Distinct customers of a grant on a day, counted with the record of the access.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "journal.h"
#include "kluis/keys.h"
#include "replica.h"
#include "scratch.h"

static char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
static const uint8_t key[KEY_SIZE] = {7};
static struct store *store;
static struct journal *journal;

static int set_up(void **state)
{
	struct fault fault = {""};

	(void)state;
	assert_int_equal(keys_init(), ERR_OK);
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	assert_int_equal(store_open(path, &replica_layout, true, &store, &fault), ERR_OK);
	assert_int_equal(journal_open(store, key, &journal, &fault), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	journal_close(&journal);
	store_close(&store);
	scratch_remove(folder);
	return 0;
}

static struct journal_access access_of(uint8_t agreement, int grant, int32_t day, uint8_t customer)
{
	struct journal_access access = {.time_ms = 5,
					.purpose = "service",
					.has_customer = true,
					.has_disclosure = true,
					.version = 1,
					.grant = 1,
					.count_grant = grant,
					.count_day = day};

	memset(access.agreement, agreement, HASH_SIZE);
	memset(access.customer, customer, PSEUDONYM_SIZE);
	return access;
}

static void look(uint8_t agreement, int grant, int32_t day, uint8_t customer)
{
	struct journal_access access = access_of(agreement, grant, day, customer);
	uint64_t number;

	assert_int_equal(journal_append(journal, &access, &number), ERR_OK);
}

/* "3*": three so far, the customer among them. */
static const char *use(uint8_t agreement, uint32_t grant, int32_t day, uint8_t customer)
{
	struct journal_access who = access_of(agreement, 0, day, customer);
	static char text[32];
	uint32_t count = 99;
	bool is_counted;

	assert_int_equal(
		journal_use(journal, who.agreement, grant, day, SLICE_ARRAY(who.customer), &count, &is_counted),
		ERR_OK);
	snprintf(text, sizeof(text), "%u%s", count, is_counted ? "*" : "");
	return text;
}

static uint64_t rows(void)
{
	struct store_txn *txn = NULL;

	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	uint64_t count = store_count(txn, REPLICA_USE);
	store_end_read(&txn);
	return count;
}

static void test_distinct_customers(void **state)
{
	(void)state;
	assert_string_equal(use(1, 2, 20000, 7), "0");
	look(1, 2, 20000, 7);
	look(1, 2, 20000, 7);
	look(1, 2, 20000, 8);
	look(1, -1, 20000, 9); /* not counted */
	assert_string_equal(use(1, 2, 20000, 7), "2*");
	assert_string_equal(use(1, 2, 20000, 9), "2");
	assert_string_equal(use(1, 3, 20000, 7), "0");
	assert_string_equal(use(2, 2, 20000, 7), "0");
	assert_string_equal(use(1, 2, 20001, 7), "0");
	look(1, 3, 20000, 7);
	look(2, 2, 20000, 7);
	look(1, 2, 20001, 7);
	assert_string_equal(use(1, 2, 20000, 7), "2*");
	assert_string_equal(use(1, 3, 20000, 7), "1*");
	assert_string_equal(use(1, 2, 20001, 7), "1*");
}

/* A refused record takes its count with it. */
static void test_counted_with_its_record_only(void **state)
{
	struct journal_access access = access_of(1, 2, 20000, 7);
	uint64_t number;

	(void)state;
	access.version = 0;
	assert_int_equal(journal_append(journal, &access, &number), ERR_INPUT);
	assert_string_equal(use(1, 2, 20000, 7), "0");
	assert_int_equal(rows(), 0);
}

/* Who was looked up the day before yesterday is nobody's business any more, whatever agreement it was under. */
static void test_old_days_are_forgotten(void **state)
{
	(void)state;
	for (int32_t day = 20000; day < 20010; day++)
		for (uint8_t customer = 1; customer <= 5; customer++)
			look((uint8_t)(day % 2), 2, day, customer);
	assert_int_equal(rows(), 2 * 6);
	assert_string_equal(use(1, 2, 20009, 1), "5*");
	assert_string_equal(use(0, 2, 20008, 1), "5*");
	assert_string_equal(use(1, 2, 20007, 1), "0");
	/* days before 1970 too are in order */
	look(1, 2, -5, 1);
	assert_int_equal(rows(), 2 * 6 + 2);
	look(1, 3, 20009, 1);
	assert_int_equal(rows(), 2 * 6 + 2);
}

/* What the broker disclosed counts as well, and leaves no record. */
static void test_counted_elsewhere(void **state)
{
	struct journal_access access = access_of(1, 2, 100, 7);

	(void)state;
	look(1, 2, 100, 5);
	assert_int_equal(journal_count_elsewhere(journal, &access), ERR_OK);
	assert_int_equal(journal_count_elsewhere(journal, &access), ERR_OK);
	assert_string_equal(use(1, 2, 100, 7), "2*");
	assert_string_equal(use(1, 2, 101, 7), "0");
	look(1, 2, 100, 7);
	assert_string_equal(use(1, 2, 100, 5), "2*");
	assert_int_equal(journal_waiting(journal), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_distinct_customers),
		TEST(test_counted_with_its_record_only),
		TEST(test_old_days_are_forgotten),
		TEST(test_counted_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
