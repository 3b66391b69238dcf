/* Signing in and out over the API, and the status. */
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

static unsigned sign_in(const char *name, const char *pin)
{
	char body[128];

	snprintf(body, sizeof body, "{\"name\": \"%s\", \"pin\": \"%s\"}", name, pin);
	return POST("/v1/sessions", NULL, body);
}

static void test_a_session_from_name_and_pin(void **state)
{
	char bearer[TILL_TEST_BEARER_SIZE];

	(void)state;
	assert_int_equal(sign_in("bea", FAKE_CLERK_PIN), 201);
	assert_string_equal(till_test_text(&till_test, "role"), "manager");
	assert_int_equal(strlen(till_test_text(&till_test, "token")), 2 * DESK_TOKEN_SIZE);
	snprintf(bearer, sizeof bearer, "Bearer %s", till_test_text(&till_test, "token"));
	assert_int_equal(till_test_ask(&till_test, "GET", "/v1/outbox", bearer, NULL), 200);
	assert_int_equal(till_test_ask(&till_test, "DELETE", "/v1/sessions/current", bearer, NULL), 204);
	assert_null(till_test.answer);
	assert_int_equal(till_test_ask(&till_test, "GET", "/v1/outbox", bearer, NULL), 401);
	assert_int_equal(till_test_ask(&till_test, "GET", "/v1/outbox", till_test.bea, NULL), 200);
}

static void test_wrong_pins_have_to_wait(void **state)
{
	char first[256];

	(void)state;
	assert_int_equal(sign_in("nobody", "1234"), 401);
	snprintf(first, sizeof first, "%s", till_test.response.body);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sign_in("anna", "1234"), 401);
		assert_string_equal(till_test.response.body, first); /* not who is on the roster */
	}
	assert_int_equal(sign_in("anna", FAKE_CLERK_PIN), 429);
	assert_true(till_test.response.retry_after_s >= 30);
	assert_int_equal(sign_in("bea", FAKE_CLERK_PIN), 201);
}

static void test_the_body(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/sessions", NULL, "{\"name\": \"anna\"}"), 400);
	assert_int_equal(POST("/v1/sessions", NULL, "{\"name\": \"anna\", \"pin\": 4711}"), 400);
	assert_null(strstr(till_test.response.body, "4711"));
}

static void test_the_status_is_open(void **state)
{
	(void)state;
	assert_int_equal(till_test_ask(&till_test, "GET", "/v1/status", NULL, NULL), 200);
	assert_true(json_is_true(json_object_get(till_test.answer, "running")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_session_from_name_and_pin),
		TEST(test_wrong_pins_have_to_wait),
		TEST(test_the_body),
		TEST(test_the_status_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
