/* What a hostile page, or a name that points here, would send: each refused, and a till let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "till/door.h"

#define PORT 7411

static struct till_request till_says(void)
{
	return (struct till_request){.method = "POST",
				     .uri = "/v1/members/lookup",
				     .host = "127.0.0.1:7411",
				     .type = "application/json",
				     .body = SLICE("{}", 2)};
}

static unsigned judged(const struct till_request *request)
{
	const char *why = NULL;
	unsigned status = door_judge(request, PORT, &why);

	assert_true((status == 0) == (why == NULL));
	return status;
}

static void test_tills_get_in(void **state)
{
	static const char *const hosts[] = {"127.0.0.1:7411", "localhost:7411", "LOCALHOST:7411", "[::1]:7411"};
	static const char *const types[] = {"application/json", "Application/JSON", "application/json; charset=utf-8",
					    "application/json;charset=UTF-8"};
	struct till_request request;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		request = till_says();
		request.host = hosts[i];
		request.type = types[i];
		assert_int_equal(judged(&request), 0);
	}
	request = till_says();
	request.method = "GET";
	request.type = NULL;
	request.body = SLICE_EMPTY;
	assert_int_equal(judged(&request), 0);
	request.fetch_site = "none"; /* typed into a browser by whoever sits there */
	assert_int_equal(judged(&request), 0);
}

static void test_names_that_point_here_are_refused(void **state)
{
	static const char *const hosts[] = {
		NULL,
		"",
		"evil.example",
		"evil.example:7411",
		"127.0.0.1",
		"127.0.0.1:80",
		"127.0.0.1:74110",
		"127.0.0.1:7411 ",
		"127.0.0.2:7411",
		"localhost",
		"localhost.:7411",
		"localhost.evil.example:7411",
		"0.0.0.0:7411",
		"::1:7411",
		"127.0.0.1:7411, x",
		"2130706433:7411",
	};

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		struct till_request request = till_says();
		request.host = hosts[i];
		assert_int_equal(judged(&request), 421);
	}
}

static void test_pages_are_refused(void **state)
{
	static const char *const origins[] = {"http://evil.example", "null", "", "http://127.0.0.1:7411",
					      "http://localhost:7411"};
	static const char *const sites[] = {"cross-site", "same-site", "same-origin", ""};
	struct till_request request;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		request = till_says();
		request.origin = origins[i];
		assert_int_equal(judged(&request), 403);
	}
	for (size_t i = 0; i < 4; i++) {
		request = till_says();
		request.fetch_site = sites[i];
		assert_int_equal(judged(&request), 403);
	}
}

/* What a form can send without asking first, and what looks like JSON and is not. */
static void test_other_types_are_refused(void **state)
{
	static const char *const types[] = {NULL,
					    "",
					    "text/plain",
					    "application/x-www-form-urlencoded",
					    "multipart/form-data; boundary=x",
					    "text/plain; application/json",
					    "application/json; charset=utf-16",
					    "application/jsonp",
					    " application/json"};

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct till_request request = till_says();
		request.type = types[i];
		assert_int_equal(judged(&request), 415);
	}
	struct till_request request = till_says();
	request.method = "GET"; /* with a body */
	request.type = "text/plain";
	assert_int_equal(judged(&request), 415);
}

static void test_other_methods_are_refused(void **state)
{
	static const char *const methods[] = {NULL, "", "OPTIONS", "HEAD", "PUT", "PATCH", "TRACE", "CONNECT", "post"};

	(void)state;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		struct till_request request = till_says();
		request.method = methods[i];
		assert_int_equal(judged(&request), 405);
	}
}

static void test_odd_paths_are_refused(void **state)
{
	static char long_path[200];
	const char *const paths[] = {NULL,
				     "",
				     "v1/status",
				     "http://127.0.0.1:7411/v1/status",
				     "//v1/status",
				     "/v1//status",
				     "/v1/./status",
				     "/v1/../v1/status",
				     "/v1/status?x=1",
				     "/v1/status#x",
				     "/v1/status%2f",
				     "/v1/%73tatus",
				     "/v1/status;x",
				     "/v1/Status",
				     "/v1\\status",
				     "/v1/status\n",
				     "*",
				     long_path};

	(void)state;
	memset(long_path, 'a', sizeof long_path - 1);
	long_path[0] = '/';
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct till_request request = till_says();
		request.uri = paths[i];
		assert_int_equal(judged(&request), 400);
	}
}

static void test_bodies_are_bounded_and_have_a_length(void **state)
{
	static uint8_t body[TILL_BODY_MAX + 1];
	struct till_request request = till_says();

	(void)state;
	request.body = SLICE(body, TILL_BODY_MAX);
	assert_int_equal(judged(&request), 0);
	request.body = SLICE_ARRAY(body);
	assert_int_equal(judged(&request), 413);
	request = till_says();
	request.encoding = "chunked";
	assert_int_equal(judged(&request), 411);
}

/* Who may not ask learns nothing of what it asked. */
static void test_who_comes_before_what(void **state)
{
	struct till_request request = {.method = "FOO", .uri = "?", .host = "evil.example", .origin = "x", .type = "y"};

	(void)state;
	assert_int_equal(judged(&request), 421);
	request.host = "localhost:7411";
	assert_int_equal(judged(&request), 403);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tills_get_in),
		cmocka_unit_test(test_names_that_point_here_are_refused),
		cmocka_unit_test(test_pages_are_refused),
		cmocka_unit_test(test_other_types_are_refused),
		cmocka_unit_test(test_other_methods_are_refused),
		cmocka_unit_test(test_odd_paths_are_refused),
		cmocka_unit_test(test_bodies_are_bounded_and_have_a_length),
		cmocka_unit_test(test_who_comes_before_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
