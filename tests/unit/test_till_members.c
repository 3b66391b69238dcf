/* Members over the API: found, registered, changed, consents. */
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

#define LOOKUP(token, field, value)                                                                                    \
	POST("/v1/members/lookup", token,                                                                              \
	     "{\"purpose\": \"service\", \"field\": \"" field "\", \"value\": \"" value "\"}")

static const char *value_of(const char *field)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(till_test.answer, "values"), i,
			   item) if (strcmp(json_string_value(json_object_get(item, "field")), field) ==
				     0) return json_string_value(json_object_get(item, "value"));
	return "";
}

static void test_found_in_the_copy(void **state)
{
	(void)state;
	till_test.desk.fake.rows[0].lost_phone = "0699990000";
	assert_int_equal(LOOKUP(till_test.anna, "card", "4711"), 200);
	assert_string_equal(till_test_text(&till_test, "id"), ID1);
	assert_string_equal(till_test_text(&till_test, "source"), "copy");
	assert_string_equal(value_of("name"), "Ann Smith");
	assert_null(strstr(till_test.response.body, "0612345678")); /* masked: last four */
	assert_null(strstr(till_test.response.body, "ann@example.org"));
	assert_non_null(strstr(value_of("phone"), "5678"));
	const json_t *lost = json_array_get(json_object_get(till_test.answer, "superseded"), 0);
	assert_string_equal(json_string_value(json_object_get(lost, "field")), "phone");
	assert_null(strstr(till_test.response.body, "0699990000"));
	assert_int_equal(till_test.desk.fake.record_count, 1);
	assert_int_equal(POST("/v1/members/lookup", till_test.anna, "{\"purpose\": \"service\", \"id\": \"" ID1 "\"}"),
			 200);
	assert_string_equal(value_of("card"), "4711");
}

static void test_not_found_and_refused(void **state)
{
	(void)state;
	till_test.desk.fake.line_code = ERR_NETWORK;
	assert_int_equal(LOOKUP(till_test.anna, "card", "9999"), 503);
	till_test.desk.fake.line_code = ERR_NOT_FOUND;
	assert_int_equal(LOOKUP(till_test.anna, "card", "9999"), 404);
	assert_int_equal(LOOKUP(till_test.anna, "colour", "red"), 400);
	assert_int_equal(POST("/v1/members/lookup", till_test.anna,
			      "{\"purpose\": \"direct-marketing\", \"field\": \"card\", \"value\": \"4711\"}"),
			 403);
	assert_string_equal(till_test_text(&till_test, "error"), "role");
	assert_null(strstr(till_test.response.body, "4711"));
}

static void test_what_a_lookup_may_not_say(void **state)
{
	static const char *const bodies[] = {
		"{\"purpose\": \"service\"}",
		"{\"purpose\": \"service\", \"field\": \"card\"}",
		"{\"purpose\": \"service\", \"value\": \"4711\"}",
		"{\"purpose\": \"service\", \"field\": \"card\", \"value\": \"4711\", \"id\": \"" ID1 "\"}",
		"{\"field\": \"card\", \"value\": \"4711\"}",
		"{\"purpose\": \"service\", \"field\": \"card\", \"value\": 4711}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		assert_int_equal(POST("/v1/members/lookup", till_test.anna, bodies[i]), 400);
		assert_null(strstr(till_test.response.body, "4711"));
	}
	assert_int_equal(till_test.desk.fake.record_count, 0);
}

static void test_registered(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/members", till_test.anna,
			      "{\"purpose\": \"service\", \"values\": [{\"field\": \"card\", \"value\": \"5001\"}, "
			      "{\"field\": \"name\", \"value\": \"Dirk\"}], "
			      "\"consents\": [{\"to\": \"direct-marketing\", \"status\": \"given\"}]}"),
			 202);
	const struct fake_item *item = desk_test_item(&till_test.desk);
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_REGISTRATION);
	assert_int_equal(json_integer_value(json_object_get(till_test.answer, "outbox")), item->number);
	assert_int_equal(strlen(till_test_text(&till_test, "id")), 32);
}

static void test_changed(void **state)
{
	(void)state;
	assert_int_equal(
		POST("/v1/members/" ID1 "/changes", till_test.anna,
		     "{\"purpose\": \"service\", \"values\": [{\"field\": \"name\", \"value\": \"Ann Jansen\"}]}"),
		202);
	const struct fake_item *item = desk_test_item(&till_test.desk);
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_UPDATE);
	assert_int_equal(item->operation->update->customer.data[0], 1);
	assert_string_equal(fake_shop_values(&till_test.desk.fake, item->part), "2=Ann Jansen");
}

static void test_consents(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/members/" ID1 "/consents", till_test.anna,
			      "{\"purpose\": \"service\", \"to\": \"direct-marketing\", \"status\": \"withdrawn\"}"),
			 202);
	const struct fake_item *item = desk_test_item(&till_test.desk);
	assert_int_equal(item->operation->kind_case, KLUIS__OPERATION__KIND_CONSENT);
	assert_int_equal(item->operation->consent->state->status, 7); /* DPV's withdrawn, FORMAT.md R115 */
	assert_int_equal(POST("/v1/members/" ID1 "/consents", till_test.anna,
			      "{\"purpose\": \"service\", \"to\": \"direct-marketing\", \"status\": \"perhaps\"}"),
			 400);
}

static void test_lists_that_are_none(void **state)
{
	static const char *const bodies[] = {
		"{\"purpose\": \"service\", \"values\": {}}",
		"{\"purpose\": \"service\", \"values\": [1]}",
		"{\"purpose\": \"service\", \"values\": [{\"field\": \"name\"}]}",
		"{\"purpose\": \"service\", \"values\": [{\"field\": \"name\", \"value\": null}]}",
		"{\"purpose\": \"service\", \"values\": [{\"field\": \"name\", \"value\": \"x\", \"more\": 1}]}",
	};
	static char many[8192] = "{\"purpose\": \"service\", \"values\": [";

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		assert_int_equal(POST("/v1/members", till_test.anna, bodies[i]), 400);
		assert_int_equal(POST("/v1/members/" ID1 "/changes", till_test.anna, bodies[i]), 400);
	}
	for (size_t i = 0; i <= FIELDS_MAX; i++)
		snprintf(many + strlen(many), 64, "%s{\"field\": \"name\", \"value\": \"x\"}", i == 0 ? "" : ",");
	snprintf(many + strlen(many), 8, "]}");
	assert_int_equal(POST("/v1/members", till_test.anna, many), 400);
	assert_int_equal(POST("/v1/members/"
			      "0101010101010101010101010101010X"
			      "/changes",
			      till_test.anna, "{}"),
			 400);
	assert_int_equal(till_test.desk.fake.item_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found_in_the_copy),
		TEST(test_not_found_and_refused),
		TEST(test_what_a_lookup_may_not_say),
		TEST(test_registered),
		TEST(test_changed),
		TEST(test_consents),
		TEST(test_lists_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
