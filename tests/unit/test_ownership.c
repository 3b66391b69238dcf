#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/ownership.h"
#include "random.h"

static struct charter charter;

static void use_rule(enum ownership_rule rule, uint32_t window_days)
{
	charter.ownership = rule;
	charter.ownership_window_days = window_days;
}

/* The owner, or -1 for nobody. */
static long owner_at(const struct history *history, int32_t today)
{
	uint32_t store = 4711;
	bool is_owned = ownership_owner(&charter, history, today, &store);

	assert_true(is_owned || store == 4711);
	return is_owned ? (long)store : -1;
}

static void test_history_add_receipt(void **state)
{
	struct history history = {0};

	(void)state;
	assert_true(history_add_receipt(&history, 7, 100));
	assert_false(history_add_receipt(&history, 7, 100));
	assert_false(history_add_receipt(&history, 8, 100)); /* same day, higher number */
	assert_true(history_add_receipt(&history, 6, 100));  /* same day, lower number */
	assert_int_equal(history.first.store, 6);
	assert_int_equal(history.latest.store, 6);
	assert_true(history_add_receipt(&history, 9, 102));
	assert_false(history_add_receipt(&history, 1, 101)); /* in between */
	assert_int_equal(history.latest.store, 9);
	assert_true(history_add_receipt(&history, 9, 99));
	assert_int_equal(history.first.store, 9);
	assert_int_equal(history.first.day, 99);
	assert_int_equal(history.latest.day, 102);
	assert_false(history.registered.is_known);
}

static void test_history_add_receipt_before_1970(void **state)
{
	struct history history = {0};

	(void)state;
	assert_true(history_add_receipt(&history, 3, -5));
	assert_true(history_add_receipt(&history, 0, -6));
	assert_int_equal(history.first.store, 0);
	assert_int_equal(history.latest.store, 3);
}

static void test_ownership_owner(void **state)
{
	static const struct store_day none = {false, 0, 0}, at5 = {true, 5, 50}, at6 = {true, 6, 60},
				      at7 = {true, 7, 100};
	const struct {
		enum ownership_rule rule;
		uint32_t window;
		struct history history; /* registered, first, latest */
		int32_t today;
		long owner;
	} rows[] = {
		{OWNERSHIP_FIRST_REGISTRATION, 0, {none, none, none}, 100, -1},
		{OWNERSHIP_FIRST_REGISTRATION, 0, {at5, none, none}, 100, 5},
		{OWNERSHIP_FIRST_REGISTRATION, 0, {none, at6, at7}, 100, 6},
		{OWNERSHIP_FIRST_REGISTRATION, 0, {at5, at6, at7}, 100, 5},
		{OWNERSHIP_FIRST_REGISTRATION, 10, {at5, at6, at7}, 100, 5},
		{OWNERSHIP_LATEST_TRANSACTION, 0, {none, none, none}, 100, -1},
		{OWNERSHIP_LATEST_TRANSACTION, 0, {at5, none, none}, 100, 5},
		{OWNERSHIP_LATEST_TRANSACTION, 0, {at5, at6, at7}, 100000, 7},
		/* the window's last day, and the day after it */
		{OWNERSHIP_LATEST_TRANSACTION, 30, {at5, at6, at7}, 130, 7},
		{OWNERSHIP_LATEST_TRANSACTION, 30, {at5, at6, at7}, 131, 5},
		{OWNERSHIP_LATEST_TRANSACTION, 30, {none, at6, at7}, 131, 6},
		/* a receipt of tomorrow */
		{OWNERSHIP_LATEST_TRANSACTION, 30, {at5, at6, at7}, 99, 7},
		{OWNERSHIP_LATEST_TRANSACTION, 30, {at5, at6, at7}, INT32_MIN, 7},
		{OWNERSHIP_LATEST_TRANSACTION, 30, {at5, at6, at7}, INT32_MAX, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		use_rule(rows[i].rule, rows[i].window);
		assert_int_equal(owner_at(&rows[i].history, rows[i].today), rows[i].owner);
	}
}

struct receipt {
	uint32_t store;
	int32_t day;
};

/* R70 to R72 read off a whole list at once, without folding: the minimum of (day, store), and the lowest store of the
 * last day. */
static long brute_force(const struct receipt *receipts, size_t count, const struct store_day *registered, int32_t today)
{
	int32_t first_day = INT32_MAX, last_day = INT32_MIN;
	long first = -1, last = -1;

	for (size_t i = 0; i < count; i++) {
		first_day = receipts[i].day < first_day ? receipts[i].day : first_day;
		last_day = receipts[i].day > last_day ? receipts[i].day : last_day;
	}
	for (long store = 9; store >= 0; store--)
		for (size_t i = 0; i < count; i++) {
			first = receipts[i].store == store && receipts[i].day == first_day ? store : first;
			last = receipts[i].store == store && receipts[i].day == last_day ? store : last;
		}
	uint32_t window = charter.ownership_window_days;
	if (charter.ownership == OWNERSHIP_LATEST_TRANSACTION && count > 0 &&
	    (window == 0 || last_day + (int32_t)window >= today))
		return last;
	return registered->is_known ? (long)registered->store : first;
}

static void shuffle(struct receipt *receipts, size_t count, struct random *random)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = (size_t)random_below(random, i);
		struct receipt receipt = receipts[i - 1];
		receipts[i - 1] = receipts[other];
		receipts[other] = receipt;
	}
}

/* R73: any order gives the owner that the list as a whole gives. */
static void test_ownership_does_not_depend_on_order(void **state)
{
	struct random random = {.state = 1};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct receipt receipts[8];
		size_t count = (uint32_t)random_below(&random, 9);
		struct store_day registered = {(uint32_t)random_below(&random, 2) == 1,
					       (uint32_t)random_below(&random, 10), 0};
		int32_t today = 15 + (int32_t)random_below(&random, 20);
		use_rule((uint32_t)random_below(&random, 2) ? OWNERSHIP_LATEST_TRANSACTION
							    : OWNERSHIP_FIRST_REGISTRATION,
			 (uint32_t)random_below(&random, 3) * 7);
		for (size_t i = 0; i < count; i++)
			receipts[i] = (struct receipt){(uint32_t)random_below(&random, 10),
						       (int32_t)random_below(&random, 12) + 5};
		long wanted = brute_force(receipts, count, &registered, today);
		for (int order = 0; order < 10; order++) {
			struct history history = {.registered = registered};
			shuffle(receipts, count, &random);
			for (size_t i = 0; i < count; i++)
				history_add_receipt(&history, receipts[i].store, receipts[i].day);
			assert_int_equal(owner_at(&history, today), wanted);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history_add_receipt),
		cmocka_unit_test(test_history_add_receipt_before_1970),
		cmocka_unit_test(test_ownership_owner),
		cmocka_unit_test(test_ownership_does_not_depend_on_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
