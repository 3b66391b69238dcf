/* The client of the local API, against the real server and against what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/http_client.h"
#include "till_test.h"
#include "web_server.h"

static struct till_server *server;
static struct http_client *client;
static json_t *answer;
static unsigned status;

static int set_up(void **state)
{
	(void)state;
	till_test_begin(&till_test);
	assert_int_equal(till_server_open(&till_test.options, &server, NULL), ERR_OK);
	client = http_client_new("127.0.0.1", till_server_port(server));
	assert_non_null(client);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(answer);
	answer = NULL;
	http_client_free(&client);
	assert_null(client);
	till_server_close(&server);
	till_test_end(&till_test);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static enum err call(const char *method, const char *path, json_t *body)
{
	json_decref(answer);
	answer = NULL;
	enum err err = http_client_call(client, method, path, body, &status, &answer, NULL);
	json_decref(body);
	return err;
}

static void test_calls_with_and_without_a_body(void **state)
{
	(void)state;
	assert_int_equal(call("GET", "/v1/status", NULL), ERR_OK);
	assert_int_equal(status, 200);
	assert_true(json_is_true(json_object_get(answer, "running")));
	assert_int_equal(http_client_authorize(client, TILL_TEST_ADMIN), ERR_OK);
	assert_int_equal(call("POST", "/v1/admin/echo", json_pack("{s:s}", "text", "h\xc3\xa9")), ERR_OK);
	assert_int_equal(status, 200);
	assert_string_equal(json_string_value(json_object_get(answer, "text")), "h\xc3\xa9");
	assert_int_equal(call("POST", "/v1/admin/quiet", json_object()), ERR_OK);
	assert_int_equal(status, 204);
	assert_null(answer);
	assert_int_equal(http_client_authorize(client, NULL), ERR_OK);
	assert_int_equal(call("POST", "/v1/admin/quiet", json_object()), ERR_OK);
	assert_int_equal(status, 401);
}

static void test_goes_on_after_the_server_was_away(void **state)
{
	(void)state;
	assert_int_equal(call("GET", "/v1/status", NULL), ERR_OK);
	till_test.options.port = till_server_port(server);
	till_server_close(&server);
	assert_int_equal(call("GET", "/v1/status", NULL), ERR_NETWORK);
	assert_int_equal(till_server_open(&till_test.options, &server, NULL), ERR_OK);
	assert_int_equal(call("GET", "/v1/status", NULL), ERR_OK);
	assert_int_equal(status, 200);
}

static void test_a_token_that_is_too_long(void **state)
{
	char token[200];

	(void)state;
	memset(token, '0', sizeof token);
	token[sizeof token - 1] = '\0';
	assert_int_equal(http_client_authorize(client, token), ERR_TOO_LARGE);
}

static const char *nonsense(void *context, const char *request, unsigned number)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
		"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"a\":1, \"a\":2}",
		"hello\r\n\r\n",
		"",
	};

	(void)context, (void)request;
	return answers[number % (sizeof answers / sizeof answers[0])];
}

static void test_what_is_no_agent(void **state)
{
	static struct web_server other = {.answer = nonsense};

	(void)state;
	web_server_start(&other);
	for (int i = 0; i < 5; i++) {
		struct http_client *lost CLEANUP(http_client_free) = http_client_new("127.0.0.1", other.port);
		json_t *none = NULL;
		enum err err = http_client_call(lost, "GET", "/v1/status", NULL, &status, &none, NULL);
		if (err != ERR_INPUT && err != ERR_NETWORK)
			fail_msg("answer %d: %s", i, error_text(err));
		assert_null(none);
	}
	web_server_stop(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls_with_and_without_a_body),
		TEST(test_goes_on_after_the_server_was_away),
		TEST(test_a_token_that_is_too_long),
		TEST(test_what_is_no_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
