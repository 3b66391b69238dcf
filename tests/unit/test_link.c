/* The way to a broker: only to the invited one, and each failure by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/limits.h"
#include "kluis/link.h"
#include "scratch.h"

static const char *invited(const struct fake_place *place)
{
	return (const char *)place->server.identity.certificate.data;
}

static void expect_open(const char *address, const char *certificate, enum err expected)
{
	struct link *link = NULL;
	struct fault fault = {0};
	enum err err = link_open(address, certificate, FAKE_PATIENCE_MS, &link, &fault);
	assert_int_equal(err, expected);
	assert_int_equal(link != NULL, expected == ERR_OK);
	if (expected != ERR_OK && strstr(fault.text, address) == NULL)
		fail_msg("'%s' is not in '%s'", address, fault.text);
	/* A connection that the listener was not yet handed when it closes is lost in nng 1.5.2, memory and all. */
	if (expected == ERR_OK)
		assert_int_equal(fake_ask(link, "a"), ERR_OK);
	link_close(&link);
	assert_null(link);
}

static void test_open_takes_the_invited_certificate_alone(void **state)
{
	struct fake_place *place = *state;
	char certificate[300];
	char key[300];
	struct tls_identity other;
	snprintf(certificate, sizeof(certificate), "%s/other.crt", place->folder);
	snprintf(key, sizeof(key), "%s/other.key", place->folder);
	/* The same name, made the same way, only not the same key. */
	assert_int_equal(tls_create(certificate, key, clock_now_ms(), NULL), ERR_OK);
	assert_int_equal(tls_load(certificate, key, &other, NULL), ERR_OK);
	expect_open(place->server.tls_address, (const char *)other.certificate.data, ERR_CERTIFICATE);
	expect_open(place->server.tls_address, invited(place), ERR_OK);
	tls_identity_fini(&other);
}

static void test_open_refuses_what_proves_nothing(void **state)
{
	struct fake_place *place = *state;
	expect_open(place->server.tls_address, NULL, ERR_CERTIFICATE);
	expect_open(place->server.ipc_address, invited(place), ERR_CERTIFICATE);
	expect_open("tcp://127.0.0.1:1", NULL, ERR_NETWORK);
	expect_open("", NULL, ERR_NETWORK);
	struct fault fault = {0};
	struct link *link = NULL;
	assert_int_equal(link_open(place->server.tls_address, "not PEM", FAKE_PATIENCE_MS, &link, &fault),
			 ERR_CERTIFICATE);
	assert_non_null(strstr(fault.text, "cannot be read"));
}

static void test_open_says_that_nobody_is_there(void **state)
{
	struct fake_place *place = *state;
	char address[64];
	snprintf(address, sizeof(address), "%s", place->server.tls_address);
	server_close(&place->server.server);
	expect_open(address, invited(place), ERR_NETWORK);
	expect_open(place->server.ipc_address, NULL, ERR_NETWORK);
	expect_open("tls+tcp://host.invalid:4433", invited(place), ERR_NETWORK); /* RFC 6761: never resolves */
}

/* The connection stands, the other end says nothing: nng itself would wait for 10 s. */
static void test_open_gives_up_in_time(void **state)
{
	struct fake_place *place = *state;
	struct sockaddr_in silent = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(silent);
	char address[64];
	struct link *link = NULL;
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&silent, size), 0);
	assert_int_equal(listen(descriptor, 5), 0);
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&silent, &size), 0);
	snprintf(address, sizeof(address), "tls+tcp://127.0.0.1:%u", ntohs(silent.sin_port));
	uint64_t began_ms = clock_steady_ms();
	assert_int_equal(link_open(address, invited(place), 200, &link, NULL), ERR_NETWORK);
	assert_true(clock_steady_ms() - began_ms < 8000); /* 40 times its patience */
	close(descriptor);
}

static void test_send_gives_up_in_time(void **state)
{
	struct fake_place *place = *state;
	struct core *core = &place->server.core;
	struct link *link = fake_connect_hasty(&place->server, 100);
	fake_core_hold(core);
	assert_int_equal(fake_ask(link, "c"), ERR_TIMEOUT);
	fake_core_release(core);
	/* A late answer is not taken for the next one's. */
	assert_int_equal(fake_ask_again(link, "c later"), ERR_OK);
	link_close(&link);
}

static void test_send_sends_once(void **state)
{
	struct fake_place *place = *state;
	struct core *core = &place->server.core;
	/* longer than anything that nng might do by itself on a broken connection */
	struct link *link = fake_connect_hasty(&place->server, 1000);
	fake_core_hold(core);
	assert_int_equal(fake_ask(link, "c"), ERR_TIMEOUT);
	fake_core_release(core);
	assert_true(fake_core_wait(core, &core->committed, 1));
	assert_int_equal(fake_core_count(core, &core->prepared), 1);
	/* nng 1.5.2 may never give back a pipe that is closed while an answer is written to it: the late one is written
	 * out before that of a later commit */
	assert_int_equal(fake_ask_again(link, "c"), ERR_OK);
	link_close(&link);
}

static enum err send_size(struct link *link, size_t size)
{
	struct bytes message;
	struct bytes reply;
	uint8_t *body;
	bytes_init(&message, 2 * MESSAGE_MAX);
	bytes_init(&reply, MESSAGE_MAX);
	assert_int_equal(bytes_reserve(&message, size, &body), ERR_OK);
	memset(body, 'a', size);
	message.length = size;
	enum err err = link_send(link, bytes_slice(&message), &reply);
	if (err == ERR_OK && !slice_equal(bytes_slice(&message), bytes_slice(&reply)))
		err = ERR_MISMATCH;
	bytes_fini(&message);
	bytes_fini(&reply);
	return err;
}

static void test_send_keeps_the_limit_both_ways(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	assert_int_equal(send_size(link, 1), ERR_OK);
	assert_int_equal(send_size(link, MESSAGE_MAX), ERR_OK);
	assert_int_equal(send_size(link, MESSAGE_MAX + 1), ERR_TOO_LARGE);
	assert_int_equal(fake_ask(link, "t"), ERR_TOO_LARGE);
	assert_int_equal(fake_ask(link, "a still there"), ERR_OK);
	link_close(&link);
}

static void test_send_keeps_the_callers_limit(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	struct bytes reply;
	bytes_init(&reply, 4);
	assert_int_equal(link_send(link, slice_text("a longer"), &reply), ERR_TOO_LARGE);
	assert_int_equal(reply.length, 0);
	bytes_fini(&reply);
	link_close(&link);
}

static void reopen(struct fake_place *place)
{
	struct fault fault = {0};
	const char *address = place->server.tls_address;
	struct server_options options = {.addresses = &address,
					 .address_count = 1,
					 .identity = &place->server.identity,
					 .core = fake_core_table(&place->server.core)};
	if (server_open(&options, &place->server.server, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
}

static void test_send_outlives_a_broker_that_restarts(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect_hasty(&place->server, 300);
	assert_int_equal(fake_ask_again(link, "a"), ERR_OK);
	server_close(&place->server.server);
	assert_int_not_equal(fake_ask(link, "a"), ERR_OK);
	reopen(place);
	assert_int_equal(fake_ask_again(link, "a"), ERR_OK);
	link_close(&link);
}

static void test_exchange_is_the_link(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	struct exchange exchange = link_exchange(link);
	struct bytes reply;
	bytes_init(&reply, 100);
	assert_int_equal(exchange.send(exchange.context, slice_text("a"), &reply), ERR_OK);
	assert_true(slice_equal(bytes_slice(&reply), slice_text("a")));
	uint64_t began_ms = clock_steady_ms();
	exchange.pause(exchange.context, 0);
	assert_true(clock_steady_ms() > began_ms);
	bytes_fini(&reply);
	link_close(&link);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, fake_place_set_up, fake_place_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_open_takes_the_invited_certificate_alone),
		WITH_PLACE(test_open_refuses_what_proves_nothing),
		WITH_PLACE(test_open_says_that_nobody_is_there),
		WITH_PLACE(test_open_gives_up_in_time),
		WITH_PLACE(test_send_gives_up_in_time),
		WITH_PLACE(test_send_sends_once),
		WITH_PLACE(test_send_keeps_the_limit_both_ways),
		WITH_PLACE(test_send_keeps_the_callers_limit),
		WITH_PLACE(test_send_outlives_a_broker_that_restarts),
		WITH_PLACE(test_exchange_is_the_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
