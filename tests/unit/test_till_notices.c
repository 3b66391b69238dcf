/* Requests, incidents and the outbox over the API. */
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

static void test_each_right(void **state)
{
	static const struct {
		const char *name;
		uint32_t article; /* of GDPR, chapter III */
	} rows[] = {{"access", 15},	 {"rectification", 16}, {"erasure", 17},
		    {"restriction", 18}, {"portability", 20},	{"objection", 21}};
	char body[128];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(body, sizeof body, "{\"right\": \"%s\", \"text\": \"please\", \"member\": \"" ID1 "\"}",
			 rows[i].name);
		assert_int_equal(POST("/v1/requests", till_test.anna, body), 202);
		const Kluis__Operation *operation = desk_test_item(&till_test.desk)->operation;
		assert_int_equal(operation->kind_case, KLUIS__OPERATION__KIND_SUBJECT_REQUEST);
		assert_int_equal(operation->subject_request->right, rows[i].article);
		assert_int_equal(operation->subject_request->customer.data[0], 1);
	}
	assert_int_equal(POST("/v1/requests", till_test.anna, "{\"right\": \"erasure\", \"text\": \"please\"}"), 202);
	assert_false(desk_test_item(&till_test.desk)->operation->subject_request->has_customer);
}

static void test_incidents(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/incidents", till_test.bea,
			      "{\"kind\": \"theft\", \"since\": \"2026-11-20T10:00:00Z\", \"text\": \"a till\"}"),
			 202);
	const Kluis__Operation *operation = desk_test_item(&till_test.desk)->operation;
	assert_int_equal(operation->kind_case, KLUIS__OPERATION__KIND_INCIDENT);
	assert_int_equal(operation->incident->kind, 2);
	assert_true(operation->incident->since_ms == 1795168800000); /* date -d 2026-11-20T10:00Z +%s */
}

static void test_what_is_refused(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/requests", till_test.anna, "{\"right\": \"all\", \"text\": \"x\"}"), 400);
	assert_string_equal(till_test_text(&till_test, "text"), "'right' is none of access, rectification, erasure, "
								"restriction, portability, objection");
	assert_int_equal(POST("/v1/requests", till_test.anna, "{\"right\": \"access\", \"text\": \"\"}"), 400);
	assert_int_equal(
		POST("/v1/requests", till_test.anna, "{\"right\": \"access\", \"text\": \"x\", \"member\": \"1\"}"),
		400);
	assert_int_equal(POST("/v1/incidents", till_test.anna, "{\"kind\": \"loss\"}"), 400);
	assert_int_equal(POST("/v1/incidents", till_test.anna, "{\"kind\": \"fun\", \"text\": \"x\"}"), 400);
	assert_string_equal(till_test_text(&till_test, "text"),
			    "'kind' is none of loss, theft, unauthorised-access, wrong-recipient, tampering, other");
	assert_int_equal(
		POST("/v1/incidents", till_test.anna, "{\"kind\": \"loss\", \"text\": \"x\", \"since\": \"then\"}"),
		400);
	assert_int_equal(till_test.desk.fake.item_count, 0);
}

static void test_the_outbox(void **state)
{
	(void)state;
	assert_int_equal(till_test_ask(&till_test, "GET", "/v1/outbox", till_test.anna, NULL), 200);
	assert_int_equal(json_array_size(json_object_get(till_test.answer, "items")), 0);
	assert_int_equal(POST("/v1/incidents", till_test.anna, "{\"kind\": \"loss\", \"text\": \"secret words\"}"),
			 202);
	assert_int_equal(POST("/v1/incidents", till_test.anna, "{\"kind\": \"loss\", \"text\": \"secret words\"}"),
			 202);
	till_test.desk.fake.items[1].state = OUTBOX_REFUSED;
	assert_int_equal(till_test_ask(&till_test, "GET", "/v1/outbox", till_test.anna, NULL), 200);
	assert_int_equal(json_integer_value(json_object_get(till_test.answer, "waiting")), 1);
	assert_int_equal(json_integer_value(json_object_get(till_test.answer, "refused")), 1);
	const json_t *item = json_array_get(json_object_get(till_test.answer, "items"), 0);
	assert_int_equal(json_integer_value(json_object_get(item, "number")), till_test.desk.fake.items[1].number);
	assert_null(strstr(till_test.response.body, "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_right),
		TEST(test_incidents),
		TEST(test_what_is_refused),
		TEST(test_the_outbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
