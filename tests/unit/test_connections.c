/* Which connections are ended: those of the port alone, the longest silent first. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "till/connections.h"

#define LONG 1000000

static struct connections *connections;
static unsigned port;
static int listener;

/* One connection's two ends. */
struct pair {
	int till, agent;
};

static int set_up(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		return -1;
	port = ntohs(address.sin_port);
	return connections_new(&connections) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	connections_free(&connections);
	close(listener);
	return 0;
}

static struct pair make(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct pair pair = {.till = socket(AF_INET, SOCK_STREAM, 0)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(pair.till, (struct sockaddr *)&address, sizeof address), 0);
	pair.agent = accept(listener, NULL, NULL);
	assert_true(pair.agent >= 0);
	return pair;
}

static bool is_ended(struct pair pair)
{
	char byte;

	return recv(pair.till, &byte, 1, MSG_DONTWAIT) == 0;
}

static void end(struct pair pair)
{
	close(pair.till);
	close(pair.agent);
}

static void test_a_silent_one(void **state)
{
	struct pair silent = make(), told = make(), heard = make();

	(void)state;
	clock_sleep_ms(400);
	assert_int_equal(send(told.agent, "x", 1, 0), 1);
	assert_int_equal(send(heard.till, "x", 1, 0), 1);
	assert_int_equal(connections_trim(connections, port, LONG, 3), 0);
	assert_int_equal(connections_trim(connections, port, 300, 3), 1);
	assert_true(is_ended(silent));
	assert_int_equal(send(heard.agent, "y", 1, 0), 1); /* the others go on */
	assert_false(is_ended(heard));
	assert_int_equal(recv(told.till, (char[1]){0}, 1, 0), 1);
	assert_false(is_ended(told));
	end(silent);
	end(told);
	end(heard);
}

static void test_one_too_many(void **state)
{
	struct pair pairs[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		pairs[i] = make();
		clock_sleep_ms(20);
	}
	assert_int_equal(send(pairs[0].till, "x", 1, 0), 1);
	assert_int_equal(connections_trim(connections, port, LONG, 2), 1);
	assert_false(is_ended(pairs[0]));
	assert_true(is_ended(pairs[1]));
	assert_false(is_ended(pairs[2]));
	for (size_t i = 0; i < 3; i++)
		end(pairs[i]);
}

/* Not the listener, not the side that dialled, not another port, not files. */
static void test_what_is_not_the_ports(void **state)
{
	struct pair pair = make();
	int file = dup(0), local[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
	assert_int_equal(connections_trim(connections, port + 1, 0, 0), 0);
	assert_int_equal(connections_trim(connections, port, 0, 0), 1);
	assert_int_equal(send(local[0], "x", 1, MSG_NOSIGNAL), 1);
	end(pair);
	pair = make(); /* it listens still */
	end(pair);
	close(file);
	close(local[0]);
	close(local[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_a_silent_one), TEST(test_one_too_many),
					   TEST(test_what_is_not_the_ports)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
