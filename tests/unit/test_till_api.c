/* The API without its sockets: which route, who may, which status. */
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

static const struct {
	const char *method, *path;
	bool is_open, is_admin;
} routes[] = {
	{"POST", "/v1/sessions", true, false},
	{"DELETE", "/v1/sessions/current", false, false},
	{"POST", "/v1/members/lookup", false, false},
	{"POST", "/v1/members", false, false},
	{"POST", "/v1/members/" ID1 "/changes", false, false},
	{"POST", "/v1/members/" ID1 "/consents", false, false},
	{"POST", "/v1/receipts", false, false},
	{"POST", "/v1/requests", false, false},
	{"POST", "/v1/incidents", false, false},
	{"GET", "/v1/outbox", false, false},
	{"GET", "/v1/status", true, false},
	{"POST", "/v1/admin/echo", false, true},
};
#define ROUTES (sizeof routes / sizeof routes[0])

static bool is_post(size_t i)
{
	return strcmp(routes[i].method, "POST") == 0;
}

static void test_each_route_wants_its_token(void **state)
{
	static const char *const wrong[] = {NULL,
					    "",
					    "Bearer",
					    "Bearer ",
					    "Bearer 00",
					    "Basic " TILL_TEST_ADMIN,
					    TILL_TEST_ADMIN,
					    "Bearer " TILL_TEST_ADMIN "00"};

	(void)state;
	for (size_t i = 0; i < ROUTES; i++) {
		if (routes[i].is_open)
			continue;
		for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
			/* whatever the body is */
			assert_int_equal(till_test_ask(&till_test, routes[i].method, routes[i].path, wrong[j],
						       is_post(i) ? "{" : NULL),
					 401);
			assert_string_equal(till_test_text(&till_test, "error"), "principal");
		}
		assert_int_equal(till_test_ask(&till_test, routes[i].method, routes[i].path,
					       routes[i].is_admin ? till_test.anna : till_test.admin,
					       is_post(i) ? "{" : NULL),
				 401);
	}
}

static void test_each_route_has_one_method(void **state)
{
	static const char *const methods[] = {"GET", "POST", "DELETE"};

	(void)state;
	for (size_t i = 0; i < ROUTES; i++) {
		for (size_t j = 0; j < 3; j++) {
			if (strcmp(methods[j], routes[i].method) == 0)
				continue;
			assert_int_equal(till_test_ask(&till_test, methods[j], routes[i].path, till_test.anna, "{}"),
					 405);
			assert_string_equal(till_test.response.allow, routes[i].method);
		}
	}
}

static void test_bodies_that_are_none(void **state)
{
	static const char *const bodies[] = {"{",
					     "[]",
					     "\"text\"",
					     "null",
					     "{} {}",
					     "{\"unknown\": 1}",
					     "{\"purpose\": 1, \"purpose\": 1}",
					     "{'a': 1}",
					     "{\"text\": \"\\u0000\"}",
					     "{\"text\": \"\xff\"}"};

	(void)state;
	for (size_t i = 0; i < ROUTES; i++) {
		for (size_t j = 0; is_post(i) && j < sizeof bodies / sizeof bodies[0]; j++) {
			assert_int_equal(till_test_ask(&till_test, "POST", routes[i].path,
						       routes[i].is_admin ? till_test.admin : till_test.anna,
						       bodies[j]),
					 400);
			assert_string_equal(till_test_text(&till_test, "error"), "input");
		}
	}
}

static void test_no_such_path(void **state)
{
	static const char *const paths[] = {"/",
					    "/v1",
					    "/v1/",
					    "/v1/status/",
					    "/v1/statu",
					    "/v1/admin/",
					    "/v1/members/" ID1,
					    "/v1/members/" ID1 "0/changes",
					    "/v1/members/" ID1 "/changes/",
					    "/v1/members/0101/consents"};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		assert_int_equal(POST(paths[i], till_test.anna, "{}"), 404);
}

static void test_the_door_comes_first(void **state)
{
	struct till_request request = {.method = "GET", .uri = "/v1/status", .host = "evil.example"};

	(void)state;
	assert_int_equal(till_test_send(&till_test, &request), 421);
	assert_string_equal(till_test_text(&till_test, "error"), "forbidden");
	request.host = "localhost:7411";
	assert_int_equal(till_test_send(&till_test, &request), 200);
	request.method = "OPTIONS";
	assert_int_equal(till_test_send(&till_test, &request), 405);
	assert_string_equal(till_test.response.allow, "GET, POST, DELETE");
	request = (struct till_request){0};
	assert_int_equal(till_test_send(&till_test, &request), 421);
}

static void test_lanes(void **state)
{
	static const struct {
		const char *method, *uri;
		enum till_lane lane;
	} rows[] = {{"POST", "/v1/sessions", TILL_LANE_PIN},   {"GET", "/v1/sessions", TILL_LANE_DESK},
		    {"POST", "/v1/admin/x", TILL_LANE_OFFICE}, {"POST", "/v1/members/lookup", TILL_LANE_DESK},
		    {"POST", "/nowhere", TILL_LANE_DESK},      {NULL, NULL, TILL_LANE_DESK}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct till_request request = {.method = rows[i].method, .uri = rows[i].uri};
		assert_int_equal(till_api_lane(&request), rows[i].lane);
	}
}

static void test_what_the_desk_says_becomes_a_status(void **state)
{
	static const struct {
		enum err err;
		unsigned status;
	} rows[] = {{ERR_DISK_FULL, 507}, {ERR_IO, 500},      {ERR_BUSY, 503},	    {ERR_CORRUPT, 500},
		    {ERR_EXISTS, 409},	  {ERR_NETWORK, 503}, {ERR_TOO_LARGE, 413}, {ERR_MISMATCH, 500}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		till_test.desk.fake.outbox_code = rows[i].err;
		assert_int_equal(POST("/v1/incidents", till_test.anna, "{\"kind\": \"loss\", \"text\": \"x\"}"),
				 rows[i].status);
		assert_string_equal(till_test_text(&till_test, "error"), error_name(rows[i].err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_route_wants_its_token),
		TEST(test_each_route_has_one_method),
		TEST(test_bodies_that_are_none),
		TEST(test_no_such_path),
		TEST(test_the_door_comes_first),
		TEST(test_lanes),
		TEST(test_what_the_desk_says_becomes_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
