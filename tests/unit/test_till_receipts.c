/* Receipts over the API: amounts are text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "till_test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, till_test_set_up, till_test_tear_down)
#define POST(path, token, body) till_test_ask(&till_test, "POST", path, token, body)
#define ID1 "01010101010101010101010101010101"

#define LINE "{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3.98\"}"
#define RECEIPT(who, lines) "{\"purpose\": \"service\", " who ", \"day\": \"2026-11-20\", \"lines\": [" lines "]}"
#define BY_CARD "\"field\": \"card\", \"value\": \"4711\""
#define BY_ID "\"member\": \"" ID1 "\""

static void test_rung_up(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/receipts", till_test.anna, RECEIPT(BY_CARD, LINE)), 202);
	const struct fake_item *item = desk_test_item(&till_test.desk);
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_RECEIPT);
	assert_int_equal(item->operation->receipt->day, 20777); /* 2026-11-20 in days since 1970 */
	assert_int_equal(json_integer_value(json_object_get(till_test.answer, "outbox")), item->number);
	assert_int_equal(POST("/v1/receipts", till_test.anna, RECEIPT(BY_ID, LINE)), 202);
	assert_int_equal(till_test.desk.fake.item_count, 2);
}

static void test_with_an_id_of_the_tills_own(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/receipts", till_test.anna,
			      RECEIPT("\"id\": \"000102030405060708090a0b0c0d0e0f\", " BY_ID, LINE)),
			 202);
	assert_int_equal(desk_test_item(&till_test.desk)->operation->receipt->id.data[15], 15);
	json_int_t number = json_integer_value(json_object_get(till_test.answer, "outbox"));
	assert_int_equal(POST("/v1/receipts", till_test.anna,
			      RECEIPT("\"id\": \"000102030405060708090a0b0c0d0e0f\", " BY_ID, LINE)),
			 202);
	assert_int_equal(json_integer_value(json_object_get(till_test.answer, "outbox")), number);
	assert_int_equal(till_test.desk.fake.item_count, 1);
}

static void test_what_is_refused(void **state)
{
	static const char *const bodies[] = {
		RECEIPT(BY_CARD ", " BY_ID, LINE),
		RECEIPT("\"field\": \"card\"", LINE),
		RECEIPT("\"id\": \"00\", " BY_ID, LINE),
		RECEIPT(BY_ID, "{\"product\": \"7\", \"units\": \"2\"}"),
		RECEIPT(BY_ID, "{\"product\": \"7\", \"units\": 2, \"amount\": \"3.98\"}"),
		RECEIPT(BY_ID, "{\"product\": \"7\", \"units\": \"2\", \"amount\": \"3,98\"}"),
		RECEIPT(BY_ID, "{\"product\": \"7\", \"units\": \"2\", \"amount\": \"1e3\"}"),
		RECEIPT(BY_ID, "{\"product\": \"7\", \"units\": \"2\", \"amount\": \"1\", \"cost\": \"-\"}"),
		RECEIPT(BY_ID, "{\"product\": \"7\", \"units\": \"2\", \"amount\": \"1\", \"tax\": \"0\"}"),
		RECEIPT(BY_ID, "7"),
		RECEIPT(BY_ID, ""),
		"{\"purpose\": \"service\", " BY_ID ", \"day\": \"2026-02-30\", \"lines\": [" LINE "]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		assert_int_equal(POST("/v1/receipts", till_test.anna, bodies[i]), 400);
	assert_int_equal(till_test.desk.fake.item_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rung_up),
		TEST(test_with_an_id_of_the_tills_own),
		TEST(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
