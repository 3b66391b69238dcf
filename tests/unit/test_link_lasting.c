/* A daemon's link: it comes back by itself, not in step with others, and says why it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "scratch.h"

static void open_link(struct fake_place *place, const char *address, const char *certificate)
{
	struct fault fault = {0};
	if (link_open_lasting(address, certificate, &place->link, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
}

static void open_invited(struct fake_place *place)
{
	open_link(place, place->server.tls_address, (const char *)place->server.identity.certificate.data);
}

static void reopen_server(struct fake_place *place, const struct tls_identity *identity)
{
	struct fault fault = {0};
	const char *address = place->server.tls_address;
	struct server_options options = {.addresses = &address,
					 .address_count = 1,
					 .identity = identity,
					 .core = fake_core_table(&place->server.core)};
	if (server_open(&options, &place->server.server, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
}

static enum err ask(struct link *link)
{
	struct channel *channel = NULL;
	struct bytes reply;
	bytes_init(&reply, 100);
	assert_int_equal(channel_open(link, FAKE_PATIENCE_MS, &channel), ERR_OK);
	struct exchange exchange = channel_exchange(channel);
	enum err err = exchange.send(exchange.context, slice_text("a"), &reply);
	if (err == ERR_OK && !slice_equal(bytes_slice(&reply), slice_text("a")))
		err = ERR_MISMATCH;
	bytes_fini(&reply);
	channel_close(&channel);
	return err;
}

static void wait_trouble(struct link *link, enum err expected)
{
	uint64_t until_ms = clock_steady_ms() + FAKE_PATIENCE_MS;
	while (link_trouble(link) != expected && clock_steady_ms() < until_ms)
		clock_sleep_ms(5);
	assert_int_equal(link_trouble(link), expected);
}

static void wait_down(struct link *link)
{
	uint64_t until_ms = clock_steady_ms() + FAKE_PATIENCE_MS;
	while (link_is_up(link) && clock_steady_ms() < until_ms)
		clock_sleep_ms(5);
	assert_false(link_is_up(link));
}

static void test_open_lasting_returns_at_once_and_connects_later(void **state)
{
	struct fake_place *place = *state;
	server_close(&place->server.server);
	open_invited(place);
	assert_false(link_is_up(place->link));
	assert_int_equal(ask(place->link), ERR_NETWORK);
	wait_trouble(place->link, ERR_NETWORK);
	assert_int_equal(link_connections(place->link), 0);
	reopen_server(place, &place->server.identity);
	assert_true(link_wait(place->link, FAKE_PATIENCE_MS));
	assert_int_equal(link_trouble(place->link), ERR_OK);
	assert_int_equal(link_connections(place->link), 1);
	assert_int_equal(ask(place->link), ERR_OK);
}

static void test_open_lasting_comes_back_after_each_restart(void **state)
{
	struct fake_place *place = *state;
	open_invited(place);
	for (unsigned round = 1; round <= 3; round++) {
		assert_true(link_wait(place->link, FAKE_PATIENCE_MS));
		assert_int_equal(link_connections(place->link), round);
		assert_int_equal(ask(place->link), ERR_OK);
		server_close(&place->server.server);
		wait_down(place->link);
		reopen_server(place, &place->server.identity);
	}
}

static void test_trouble_tells_another_certificate_from_nobody(void **state)
{
	struct fake_place *place = *state;
	char certificate[300];
	char key[300];
	struct tls_identity other;
	snprintf(certificate, sizeof(certificate), "%s/other.crt", place->folder);
	snprintf(key, sizeof(key), "%s/other.key", place->folder);
	assert_int_equal(tls_create(certificate, key, clock_now_ms(), NULL), ERR_OK);
	assert_int_equal(tls_load(certificate, key, &other, NULL), ERR_OK);
	open_invited(place);
	assert_true(link_wait(place->link, FAKE_PATIENCE_MS));
	assert_int_equal(ask(place->link), ERR_OK);
	server_close(&place->server.server);
	wait_trouble(place->link, ERR_NETWORK);
	reopen_server(place, &other);
	wait_trouble(place->link, ERR_CERTIFICATE);
	assert_false(link_is_up(place->link));
	/* Both are trusted while a broker changes from one to the other. */
	struct bytes both CLEANUP(bytes_fini) = {0};
	bytes_init(&both, LINK_PEM_MAX);
	assert_int_equal(bytes_printf(&both, "%s%s%c", (const char *)place->server.identity.certificate.data,
				      (const char *)other.certificate.data, 0),
			 ERR_OK);
	assert_int_equal(link_trust(place->link, (const char *)both.data), ERR_OK);
	assert_true(link_wait(place->link, FAKE_PATIENCE_MS));
	assert_int_equal(ask(place->link), ERR_OK);
	link_close(&place->link);
	server_close(&place->server.server);
	tls_identity_fini(&other);
	reopen_server(place, &place->server.identity);
}

static void test_open_lasting_refuses_what_proves_nothing(void **state)
{
	struct fake_place *place = *state;
	struct fault fault = {0};
	struct link *link = NULL;
	assert_int_equal(link_open_lasting(place->server.tls_address, NULL, &link, &fault), ERR_CERTIFICATE);
	assert_int_equal(link_open_lasting("tcp://127.0.0.1:1", NULL, &link, &fault), ERR_NETWORK);
	assert_null(link);
}

static void test_close_ends_a_dial_that_nobody_answers(void **state)
{
	struct fake_place *place = *state;
	struct sockaddr_in silent = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(silent);
	char address[64];
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&silent, size), 0);
	assert_int_equal(listen(descriptor, 5), 0);
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&silent, &size), 0);
	snprintf(address, sizeof(address), "tls+tcp://127.0.0.1:%u", ntohs(silent.sin_port));
	open_link(place, address, (const char *)place->server.identity.certificate.data);
	assert_false(link_wait(place->link, 100));
	uint64_t began_ms = clock_steady_ms();
	link_close(&place->link);
	assert_true(clock_steady_ms() - began_ms < 10000); /* its own patience is 15 s */
	close(descriptor);
}

/* Connections that are cut in the handshake, over and over: it goes on, and slower each time. In nng 1.5.2 a dialer
 * may take a peer's closing for its own and never dial again. */
static void test_dialling_slows_down_and_never_ends(void **state)
{
	struct fake_place *place = *state;
	struct sockaddr_in place_in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(place_in);
	char address[64];
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&place_in, size), 0);
	assert_int_equal(listen(descriptor, 5), 0);
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&place_in, &size), 0);
	snprintf(address, sizeof(address), "tls+tcp://127.0.0.1:%u", ntohs(place_in.sin_port));
	open_link(place, address, (const char *)place->server.identity.certificate.data);
	unsigned tries = 0;
	uint64_t until_ms = clock_steady_ms() + 2000;
	while (clock_steady_ms() < until_ms) {
		struct pollfd ready = {.fd = descriptor, .events = POLLIN};
		if (poll(&ready, 1, 50) == 1) {
			close(accept(descriptor, NULL, NULL));
			tries++;
		}
	}
	/* 100, 200 ... ms at most before each: at least some, and not the hundreds of one that does not wait */
	if (tries < 2 || tries > 30)
		fail_msg("%u tries", tries);
	close(descriptor);
}

static void test_stop_ends_waiting(void **state)
{
	struct fake_place *place = *state;
	open_invited(place);
	assert_true(link_wait(place->link, FAKE_PATIENCE_MS));
	assert_int_equal(ask(place->link), ERR_OK);
	link_stop(place->link);
	assert_int_equal(ask(place->link), ERR_NETWORK);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, fake_place_set_up, fake_place_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_open_lasting_returns_at_once_and_connects_later),
		WITH_PLACE(test_open_lasting_comes_back_after_each_restart),
		WITH_PLACE(test_trouble_tells_another_certificate_from_nobody),
		WITH_PLACE(test_open_lasting_refuses_what_proves_nothing),
		WITH_PLACE(test_close_ends_a_dial_that_nobody_answers),
		WITH_PLACE(test_dialling_slows_down_and_never_ends),
		WITH_PLACE(test_stop_ends_waiting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
