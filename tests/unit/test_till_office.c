/* The office's calls over the API: by name, with the folder's token. */
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

static void test_by_name(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/admin/echo", till_test.admin, "{\"text\": \"hallo\"}"), 200);
	assert_string_equal(till_test_text(&till_test, "text"), "hallo");
	assert_int_equal(POST("/v1/admin/quiet", till_test.admin, "{}"), 204);
	assert_null(till_test.answer);
	assert_int_equal(POST("/v1/admin/ech", till_test.admin, "{}"), 404);
	assert_int_equal(POST("/v1/admin/echo/x", till_test.admin, "{}"), 404);
	assert_int_equal(POST("/v1/admin/echo", till_test.admin, "{}"), 400);
	assert_string_equal(till_test_text(&till_test, "text"), "'text' is missing");
}

static void test_only_known_members(void **state)
{
	(void)state;
	assert_int_equal(POST("/v1/admin/echo", till_test.admin, "{\"text\": \"x\", \"other\": 1}"), 200);
	assert_int_equal(POST("/v1/admin/echo", till_test.admin, "{\"text\": \"x\", \"tex\": 1}"), 400);
	assert_int_equal(POST("/v1/admin/echo", till_test.admin, "{\"text\": \"x\", \"\": 1}"), 400);
	assert_int_equal(POST("/v1/admin/echo", till_test.admin, "{\"text\": \"x\", \"other text\": 1}"), 400);
	assert_int_equal(POST("/v1/admin/quiet", till_test.admin, "{\"text\": \"x\"}"), 400);
	assert_int_equal(POST("/v1/admin/quiet", till_test.admin, "[]"), 400);
}

static void test_without_a_token_of_its_own_nobody_may(void **state)
{
	(void)state;
	till_test.options.admin_token = NULL;
	assert_int_equal(POST("/v1/admin/quiet", till_test.admin, "{}"), 401);
	till_test.options.admin_token = "";
	assert_int_equal(POST("/v1/admin/quiet", till_test.admin, "{}"), 401);
	assert_int_equal(POST("/v1/admin/quiet", "Bearer ", "{}"), 401);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_name),
		TEST(test_only_known_members),
		TEST(test_without_a_token_of_its_own_nobody_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
