/* A grant's customers of a day, while many ask at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk/desk_internal.h"
#include "desk_test.h"

/* One till: reads the count for a customer and is allowed or refused by it; the record is not written. */
struct till {
	struct desk_request request;
	struct desk_use use;
};

static enum err ask(struct till *till, uint8_t customer)
{
	uint8_t pseudonym[PSEUDONYM_SIZE];

	memset(till, 0, sizeof *till);
	memset(pseudonym, customer, sizeof pseudonym);
	assert_int_equal(desk_begin(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), OPERATION_LOOKUP, "service",
				    &till->request, NULL),
			 ERR_OK);
	assert_int_equal(desk_use_begin(&till->request, pseudonym, &till->use), ERR_OK);
	assert_int_equal(pthread_mutex_trylock(&desk_test.fake.desk->count_lock) == 0, false);
	till->request.facts = (struct customer_facts){.is_registered_here = true};
	enum err err = desk_decide_on(&till->request);
	desk_use_decided(&till->use, &till->request, pseudonym);
	return err;
}

/* What cannot be counted is not shown. */
static void test_count_that_cannot_be_read(void **state)
{
	struct desk_member member = {.version = 0};
	uint8_t pseudonym[PSEUDONYM_SIZE] = {1};
	struct till till = {.use.held = NULL};

	(void)state;
	assert_int_equal(desk_begin(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), OPERATION_LOOKUP, "service",
				    &till.request, NULL),
			 ERR_OK);
	desk_test.fake.use_code = ERR_CORRUPT;
	assert_int_equal(desk_use_begin(&till.request, pseudonym, &till.use), ERR_CORRUPT);
	desk_use_end(&till.use);
	assert_int_equal(desk_lookup(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), "service", "card", "4711",
				     &desk_test.arena, &member, NULL),
			 ERR_CORRUPT);
	assert_int_equal(member.value_count, 0);
	assert_int_equal(fake_shop_record(&desk_test.fake)->access.code, ERR_CORRUPT);
	assert_false(fake_shop_record(&desk_test.fake)->access.has_disclosure);
	desk_test.fake.use_code = ERR_OK;
	assert_int_equal(desk_lookup(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), "service", "card", "4711",
				     &desk_test.arena, &member, NULL),
			 ERR_OK);
}

static void record(uint8_t customer)
{
	struct journal_access access = {.purpose = "service", .count_grant = 0, .count_day = 20777};
	uint64_t number;

	memset(access.customer, customer, PSEUDONYM_SIZE);
	assert_int_equal(journal_append(desk_test.fake.shop.journal, &access, &number), ERR_OK);
}

/* The limit is two. */
static void test_places_count(void **state)
{
	struct till one, two, three, again;

	(void)state;
	assert_int_equal(ask(&one, 1), ERR_OK);
	assert_int_equal(ask(&again, 1), ERR_OK); /* the same customer takes no second place */
	assert_int_equal(ask(&two, 2), ERR_OK);
	assert_int_equal(ask(&three, 3), ERR_PER_DAY);
	desk_use_end(&three.use);
	/* recorded: it counts once, not twice, while its place is still held */
	record(1);
	assert_int_equal(ask(&three, 3), ERR_PER_DAY);
	desk_use_end(&one.use);
	desk_use_end(&again.use);
	/* not recorded after all: the place is free again */
	desk_use_end(&two.use);
	assert_int_equal(ask(&three, 3), ERR_OK);
	desk_use_end(&three.use);
	record(3);
	assert_int_equal(ask(&two, 2), ERR_PER_DAY);
	desk_use_end(&two.use);
	assert_int_equal(ask(&one, 1), ERR_OK);
	desk_use_end(&one.use);
}

static void test_recorded_while_held_counts_once(void **state)
{
	struct till one, two;

	(void)state;
	assert_int_equal(ask(&one, 1), ERR_OK);
	record(1);
	assert_int_equal(ask(&two, 2), ERR_OK);
	desk_use_end(&one.use);
	desk_use_end(&two.use);
}

static bool is_locked(void)
{
	if (pthread_mutex_trylock(&desk_test.fake.desk->count_lock) != 0)
		return true;
	pthread_mutex_unlock(&desk_test.fake.desk->count_lock);
	return false;
}

/* With all places held the next one keeps the others waiting instead. */
static void test_when_all_places_are_held(void **state)
{
	static struct till tills[DESK_PLACES + 1];

	(void)state;
	for (size_t i = 0; i < DESK_PLACES; i++) {
		assert_int_equal(ask(&tills[i], 1), ERR_OK);
		assert_false(is_locked());
	}
	assert_int_equal(ask(&tills[DESK_PLACES], 1), ERR_OK);
	assert_true(is_locked());
	desk_use_end(&tills[DESK_PLACES].use);
	assert_false(is_locked());
	for (size_t i = 0; i < DESK_PLACES; i++)
		desk_use_end(&tills[i].use);
	for (size_t i = 0; i < DESK_PLACES; i++)
		assert_false(desk_test.fake.desk->places[i].is_held);
}

static void test_nothing_is_held_without_a_limit(void **state)
{
	struct till till;
	uint8_t customer[PSEUDONYM_SIZE] = {1};
	struct desk_use none = {.held = NULL};

	(void)state;
	desk_use_end(&none);
	desk_test.fake.papers.agreement.grants[0].per_day = 0;
	memset(&till, 0, sizeof till);
	assert_int_equal(desk_begin(desk_test.fake.desk, SLICE_ARRAY(desk_test.anna), OPERATION_LOOKUP, "service",
				    &till.request, NULL),
			 ERR_OK);
	assert_int_equal(desk_use_begin(&till.request, customer, &till.use), ERR_OK);
	assert_false(is_locked());
	desk_use_decided(&till.use, &till.request, customer);
	assert_null(till.use.place);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_test_set_up, desk_test_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_count_that_cannot_be_read),	    TEST(test_places_count),
		TEST(test_recorded_while_held_counts_once), TEST(test_when_all_places_are_held),
		TEST(test_nothing_is_held_without_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
