/* One POST against a server that answers anything: what is sent, what is taken, and that nothing of it hurts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "server/http_post.h"
#include "web_server.h"

static struct web_server server;
static struct http_post *post;
static const char *scripted;
static char url[64];

static const char *say_scripted(void *context, const char *request, unsigned number)
{
	(void)context, (void)request, (void)number;
	return scripted;
}

static int set_up(void **state)
{
	(void)state;
	server.answer = say_scripted;
	web_server_start(&server);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/prefix/add-checkpoint", server.port);
	return http_post_new(&post) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	http_post_free(&post);
	web_server_stop(&server);
	return 0;
}

static enum err send(const char *answer, size_t room, unsigned *ret_status, struct bytes *ret_body)
{
	bytes_init(ret_body, room);
	scripted = answer;
	enum err err = http_post(post, url, "/nowhere", slice_text("old 0\n\nnote\n"), ret_status, ret_body);
	web_server_settle(&server);
	return err;
}

static void test_request_and_answer(void **state)
{
	struct bytes body CLEANUP(bytes_fini) = {0};
	unsigned status = 0;

	(void)state;
	assert_int_equal(send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello more", 100, &status, &body), ERR_OK);
	assert_int_equal(status, 200);
	assert_true(slice_equal(bytes_slice(&body), slice_text("hello")));
	assert_memory_equal(server.request, "POST /prefix/add-checkpoint HTTP/1.0\r\n", 38);
	assert_non_null(strstr(server.request, "\r\n\r\nold 0\n\nnote\n"));
	assert_non_null(strstr(server.request, "Host: 127.0.0.1:"));
}

static void test_statuses_are_handed_up(void **state)
{
	static const unsigned statuses[] = {400, 403, 404, 409, 422, 500, 503};
	static char answers[7][128]; /* the server may still be reading the one before */

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		struct bytes body CLEANUP(bytes_fini) = {0};
		unsigned status = 0;
		snprintf(answers[i], sizeof answers[i], "HTTP/1.0 %u Hm\r\nContent-Type: text/x.tlog.size\r\n\r\n7\n",
			 statuses[i]);
		assert_int_equal(send(answers[i], 100, &status, &body), ERR_OK);
		assert_int_equal(status, statuses[i]);
		assert_true(slice_equal(bytes_slice(&body), slice_text("7\n")));
	}
}

static void test_hostile_answers_are_refused(void **state)
{
	static const struct {
		const char *answer;
		enum err err;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nx", ERR_TOO_LARGE},
		{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", ERR_INPUT},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx", ERR_INPUT},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello", ERR_INPUT},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ERR_INPUT},
		{"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello", ERR_NETWORK},
		{"HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789", ERR_TOO_LARGE},
		{"SSH-2.0-OpenSSH\r\n", ERR_NETWORK},
		{"", ERR_NETWORK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bytes body CLEANUP(bytes_fini) = {0};
		unsigned status = 0;
		enum err err = send(rows[i].answer, 32, &status, &body);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].answer, error_text(err));
	}
}

/* Headers without end. */
static void test_headers_have_their_bound(void **state)
{
	char *answer = calloc(1, 300000);
	struct bytes body CLEANUP(bytes_fini) = {0};
	unsigned status = 0;

	(void)state;
	strncpy(answer, "HTTP/1.1 200 OK\r\nX: ", 30);
	memset(answer + strlen(answer), 'x', 290000);
	assert_int_not_equal(send(answer, 32, &status, &body), ERR_OK);
	free(answer);
}

static void test_nobody_there(void **state)
{
	struct bytes body CLEANUP(bytes_fini) = {0};
	unsigned status = 0;

	(void)state;
	snprintf(url, sizeof url, "http://127.0.0.1:1/x");
	assert_int_equal(send("", 32, &status, &body), ERR_NETWORK);
}

/* A server that speaks no TLS, and authorities that are not there. */
static void test_https_needs_its_authorities(void **state)
{
	struct bytes body CLEANUP(bytes_fini) = {0};
	unsigned status = 0;

	(void)state;
	snprintf(url, sizeof url, "https://127.0.0.1:%u/x", server.port);
	assert_int_equal(send("HTTP/1.1 200 OK\r\n\r\n", 32, &status, &body), ERR_CERTIFICATE);
}

static void *cancel_soon(void *argument)
{
	(void)argument;
	clock_sleep_ms(200);
	http_post_cancel(post);
	return NULL;
}

static void test_cancel_ends_what_waits(void **state)
{
	struct bytes body CLEANUP(bytes_fini) = {0}, again CLEANUP(bytes_fini) = {0};
	unsigned status = 0;
	pthread_t thread;

	(void)state;
	uint64_t began_ms = clock_steady_ms();
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	assert_int_equal(send(NULL, 32, &status, &body), ERR_STATE);
	assert_true(clock_steady_ms() - began_ms < HTTP_POST_TIMEOUT_MS);
	pthread_join(thread, NULL);
	assert_int_equal(send("HTTP/1.1 200 OK\r\n\r\n", 32, &status, &again), ERR_STATE);
}

static void test_silence_ends_by_the_deadline(void **state)
{
	struct bytes body CLEANUP(bytes_fini) = {0};
	unsigned status = 0;

	(void)state;
	uint64_t began_ms = clock_steady_ms();
	assert_int_equal(send(NULL, 32, &status, &body), ERR_TIMEOUT);
	assert_true(clock_steady_ms() - began_ms >= HTTP_POST_TIMEOUT_MS - 100);
	assert_true(clock_steady_ms() - began_ms < 3 * HTTP_POST_TIMEOUT_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request_and_answer),
		TEST(test_statuses_are_handed_up),
		TEST(test_hostile_answers_are_refused),
		TEST(test_headers_have_their_bound),
		TEST(test_nobody_there),
		TEST(test_https_needs_its_authorities),
		TEST(test_cancel_ends_what_waits),
		TEST(test_silence_ends_by_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
