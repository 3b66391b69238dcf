/* The API over real sockets: what is on the wire, whatever a client sends. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "kluis/hash.h"
#include "till_test.h"

static struct till_server *server;

static int set_up(void **state)
{
	(void)state;
	till_test_begin(&till_test);
	assert_int_equal(till_server_open(&till_test.options, &server, NULL), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	till_server_close(&server);
	till_test_end(&till_test);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static char got[8192];

static int dial(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)till_server_port(server))};
	struct timeval wait = {.tv_sec = 5};
	int line = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(line, (struct sockaddr *)&address, sizeof address), 0);
	setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return line;
}

/* Until the text, the end, or 5 s. */
static void receive(int line, const char *until)
{
	size_t length = 0;
	ssize_t more;

	got[0] = '\0';
	while (length < sizeof got - 1 && strstr(got, until) == NULL &&
	       (more = recv(line, got + length, sizeof got - 1 - length, 0)) > 0) {
		length += (size_t)more;
		got[length] = '\0';
	}
}

/* "@" in the text stands for the port. */
static void say(int line, const char *text)
{
	char full[2048], *to = full;

	for (; *text != '\0'; text++)
		to += *text == '@' ? snprintf(to, 8, "%u", till_server_port(server)) : snprintf(to, 2, "%c", *text);
	assert_int_equal(send(line, full, (size_t)(to - full), MSG_NOSIGNAL), to - full);
}

static void ask(const char *text, const char *until)
{
	int line = dial();

	say(line, text);
	receive(line, until);
	close(line);
}

#define HOST "Host: 127.0.0.1:@\r\n"

static void test_an_answer_on_the_wire(void **state)
{
	(void)state;
	ask("GET /v1/status HTTP/1.1\r\n" HOST "\r\n", "}");
	assert_int_equal(strncmp(got, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(got, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(got, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(got, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(got, "{\"running\":true}"));
	assert_null(strstr(got, "Access-Control"));
}

static void test_several_on_one_connection(void **state)
{
	int line = dial();

	(void)state;
	for (int i = 0; i < 3; i++) {
		say(line, "GET /v1/status HTTP/1.1\r\n" HOST "\r\n");
		receive(line, "}");
		assert_non_null(strstr(got, "200"));
	}
	say(line, "GET /v1/status HTTP/1.1\r\n" HOST "\r\nGET /v1/outbox HTTP/1.1\r\n" HOST "\r\nGARBAGE\r\n\r\n");
	receive(line, "no such text");
	assert_non_null(strstr(got, " 200 "));
	assert_non_null(strstr(got, " 401 "));
	close(line);
}

static void test_signing_in(void **state)
{
	(void)state;
	ask("POST /v1/sessions HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 31\r\n\r\n"
	    "{\"name\": \"anna\", \"pin\": \"" FAKE_CLERK_PIN "\"}",
	    "}");
	assert_int_equal(strncmp(got, "HTTP/1.1 201 ", 13), 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *request, *line;
	} rows[] = {
		{"GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 421 Misdirected Request\r\n"},
		{"GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n" HOST "\r\n",
		 "HTTP/1.1 421 Misdirected Request\r\n"},
		{"GET /v1/status HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"GET /v1/status HTTP/1.1\r\n" HOST "Origin: null\r\n\r\n", "HTTP/1.1 403 "},
		{"OPTIONS /v1/status HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 "},
		{"HEAD /v1/status HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405 "},
		{"GET /v1/%73tatus HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
		{"GET /v1/../v1/status HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
		{"GET http://x/v1/status HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 "},
		{"POST /v1/sessions HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
		 "HTTP/1.1 415 "},
		{"POST /v1/sessions HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 411 "},
		{"POST /v1/sessions HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n{}", "HTTP/1.1 400 "},
		{"POST /v1/sessions HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n{}",
		 "HTTP/1.1 400 "},
		{"POST /v1/sessions HTTP/1.1\r\n" HOST "Content-Length: 140000\r\n\r\n{}", "HTTP/1.1 400 "},
		{"nonsense\r\n\r\n", ""},
		{"\x16\x03\x01\x02\r\n\r\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ask(rows[i].request, "\r\n\r\n");
		assert_int_equal(strncmp(got, rows[i].line, strlen(rows[i].line)), 0);
		assert_true(rows[i].line[0] != '\0' || got[0] == '\0');
	}
}

static void test_headers_are_bounded(void **state)
{
	int line = dial();
	char chunk[1000];

	(void)state;
	memset(chunk, 'x', sizeof chunk);
	say(line, "GET /v1/status HTTP/1.1\r\n" HOST "X: ");
	for (int i = 0; i < 1000 && send(line, chunk, sizeof chunk, MSG_NOSIGNAL) > 0; i++)
		;
	receive(line, "}");
	assert_null(strstr(got, " 200 "));
	close(line);
}

static void test_silent_connections_keep_nobody_out(void **state)
{
	int lines[100];

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		lines[i] = dial();
		say(lines[i], "POST /v1/sessions HT");
	}
	ask("GET /v1/status HTTP/1.1\r\n" HOST "\r\n", "}");
	assert_non_null(strstr(got, " 200 "));
	till_server_close(&server); /* nor does it wait for them */
	for (size_t i = 0; i < 100; i++)
		close(lines[i]);
}

/* Is it ended within two seconds? */
static bool is_ended(int line)
{
	struct timeval wait = {.tv_sec = 2};
	char byte;

	setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return recv(line, &byte, 1, 0) == 0;
}

static void test_more_connections_than_tills_have(void **state)
{
	enum { MORE = 20, ALL = TILL_CONNECTIONS_MAX + MORE };
	int lines[ALL];

	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		lines[i] = dial();
		say(lines[i], "POST /v1/sessions HT");
		if (i == MORE - 1)
			clock_sleep_ms(50); /* these are silent longest */
	}
	ask("GET /v1/status HTTP/1.1\r\n" HOST "\r\n", "}"); /* which is accepted after all those */
	till_server_tick(server);
	for (size_t i = 0; i < MORE; i++)
		assert_true(is_ended(lines[i]));
	say(lines[ALL - 1], "TP/1.1\r\n" HOST "\r\n");
	receive(lines[ALL - 1], "}");
	assert_non_null(strstr(got, " 415 "));
	ask("GET /v1/status HTTP/1.1\r\n" HOST "\r\n", "}");
	assert_non_null(strstr(got, " 200 "));
	for (size_t i = 0; i < ALL; i++)
		close(lines[i]);
}

/* A broker that says nothing until it may. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned asked;

static enum err ask_slow_broker(void *context, const Kluis__Operation *operation, const Kluis__Part *part,
				struct slice employee, struct arena *arena, const Kluis__Result **ret_result,
				const Kluis__Part **ret_part, uint64_t *ret_index, struct fault *fault)
{
	(void)context, (void)operation, (void)part, (void)employee, (void)arena;
	(void)ret_result, (void)ret_part, (void)ret_index, (void)fault;
	asked++;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return ERR_NETWORK;
}

static void say_lookup(int line, const char *token, const char *card)
{
	char request[512], body[80];

	snprintf(body, sizeof body, "{\"purpose\":\"service\",\"field\":\"card\",\"value\":\"%s\"}", card);
	snprintf(request, sizeof request,
		 "POST /v1/members/lookup HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\n"
		 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		 token, strlen(body), body);
	say(line, request);
}

static void begin_with_slow_broker(struct desk **ret_desk, char ret_token[static 2 * DESK_TOKEN_SIZE + 1])
{
	uint8_t token[DESK_TOKEN_SIZE];
	char role[NAME_MAX_ + 1];

	till_server_close(&server);
	assert_int_equal(desk_new(&till_test.desk.fake.shop, (struct desk_line){.lookup = ask_slow_broker}, ret_desk),
			 ERR_OK);
	assert_int_equal(desk_open(*ret_desk, "anna", slice_text(FAKE_CLERK_PIN), token, role, NULL), ERR_OK);
	hex_print(SLICE_ARRAY(token), ret_token);
	till_test.options.desk = *ret_desk;
	assert_int_equal(till_server_open(&till_test.options, &server, NULL), ERR_OK);
}

static void test_a_slow_broker_holds_up_nobody_in_the_copy(void **state)
{
	enum { MANY = DESK_ASKING_MAX + 20 };
	struct desk *desk = NULL;
	char token[2 * DESK_TOKEN_SIZE + 1];
	int lines[MANY];
	unsigned busy = 0;

	(void)state;
	begin_with_slow_broker(&desk, token);
	pthread_mutex_lock(&gate);
	for (size_t i = 0; i < MANY; i++)
		say_lookup(lines[i] = dial(), token, "9999");
	int line = dial();
	say_lookup(line, token, "4711");
	receive(line, "}]");
	pthread_mutex_unlock(&gate);
	assert_non_null(strstr(got, " 200 "));
	close(line);
	for (size_t i = 0; i < MANY; i++) {
		receive(lines[i], "}");
		assert_non_null(strstr(got, " 503 "));
		busy += strstr(got, "others wait for the broker") != NULL;
		close(lines[i]);
	}
	assert_true(asked >= DESK_ASKING_MAX);
	assert_int_equal(asked + busy, MANY);
	till_server_close(&server);
	desk_free(&desk);
}

static void test_where_it_may_listen(void **state)
{
	static const char *const addresses[] = {"0.0.0.0", "192.0.2.1", "::", "localhost", "127.0.0.1 ", ""};
	struct till_server *second = NULL;
	struct till_server_options options = till_test.options;
	struct fault fault = {""};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		options.address = addresses[i];
		assert_int_equal(till_server_open(&options, &second, NULL), ERR_INPUT);
	}
	options.address = "127.0.0.1";
	options.port = till_server_port(server);
	assert_int_equal(till_server_open(&options, &second, &fault), ERR_IN_USE);
	assert_non_null(strstr(fault.text, "127.0.0.1"));
	assert_null(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_answer_on_the_wire),
		TEST(test_several_on_one_connection),
		TEST(test_signing_in),
		TEST(test_refused),
		TEST(test_headers_are_bounded),
		TEST(test_silent_connections_keep_nobody_out),
		TEST(test_more_connections_than_tills_have),
		TEST(test_a_slow_broker_holds_up_nobody_in_the_copy),
		TEST(test_where_it_may_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
