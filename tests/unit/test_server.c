/* The broker's door with real sockets, before a core that says what it is told (fake_core.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "kluis/limits.h"
#include "kluis/link.h"
#include "scratch.h"

static void test_answers_over_tls_and_ipc(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	assert_int_equal(fake_ask(link, "a over tls"), ERR_OK);
	assert_int_equal(fake_ask(link, "c over tls"), ERR_OK);
	link_close(&link);
	assert_int_equal(link_open(place->server.ipc_address, NULL, FAKE_PATIENCE_MS, &link, NULL), ERR_OK);
	assert_int_equal(fake_ask(link, "a over ipc"), ERR_OK);
	assert_int_equal(fake_ask(link, "c over ipc"), ERR_OK);
	link_close(&link);
	assert_int_equal(fake_core_count(&place->server.core, &place->server.core.committed), 2);
}

static void test_control_socket_is_the_users_own(void **state)
{
	struct fake_place *place = *state;
	struct stat status;
	assert_int_equal(stat(place->server.ipc_address + strlen("ipc://"), &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 0777, 0600);
}

/* ---- hostile peers ---- */

static int raw_tcp(const struct fake_place *place)
{
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)server_port(place->server.server, 0)),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	assert_true(descriptor >= 0);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	return descriptor;
}

static void push(int descriptor, const void *bytes, size_t length)
{
	assert_int_equal(send(descriptor, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static void expect_served(struct fake_place *place)
{
	struct link *link = fake_connect(&place->server);
	assert_int_equal(fake_ask(link, "c"), ERR_OK);
	link_close(&link);
}

/* Each way in which a handshake breaks off. A listener that takes one for its own end would never accept again. */
static void test_broken_handshakes_leave_the_door_open(void **state)
{
	struct fake_place *place = *state;
	static const uint8_t hello[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03};
	static const uint8_t close_notify[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x01, 0x00};
	static const uint8_t fatal_alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28};
	static const struct {
		const void *bytes;
		size_t length;
	} starts[] = {
		{"", 0},
		{"GET / HTTP/1.0\r\n\r\n", 18},
		{hello, sizeof(hello)},
		{close_notify, sizeof(close_notify)},
		{fatal_alert, sizeof(fatal_alert)},
	};
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		for (int is_reset = 0; is_reset < 2; is_reset++) {
			int descriptor = raw_tcp(place);
			struct linger linger = {.l_onoff = is_reset, .l_linger = 0};
			assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
			push(descriptor, starts[i].bytes, starts[i].length);
			clock_sleep_ms(20);
			close(descriptor);
			expect_served(place);
		}
	}
}

/* What a client says first: to somebody who does not answer. */
static size_t record_hello(const struct fake_place *place, uint8_t *ret_hello, size_t size)
{
	struct sockaddr_in silent = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(silent);
	char address[64];
	struct link *link = NULL;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&silent, length), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&silent, &length), 0);
	snprintf(address, sizeof(address), "tls+tcp://127.0.0.1:%u", ntohs(silent.sin_port));
	const char *certificate = (const char *)place->server.identity.certificate.data;
	assert_int_equal(link_open(address, certificate, 500, &link, NULL), ERR_NETWORK);
	int descriptor = accept(listener, NULL, NULL);
	assert_true(descriptor >= 0);
	ssize_t count = recv(descriptor, ret_hello, size, 0);
	assert_true(count > 0);
	close(descriptor);
	close(listener);
	return (size_t)count;
}

/* Who says hello and hangs up: the server's answer breaks the pipe (kluis/sendmsg.h). */
static void test_who_hangs_up_on_the_answer_leaves_the_door_open(void **state)
{
	struct fake_place *place = *state;
	uint8_t hello[2048];
	size_t length = record_hello(place, hello, sizeof(hello));
	for (unsigned i = 0; i < 400; i++) {
		int descriptor = raw_tcp(place);
		struct linger linger = {.l_onoff = i % 2, .l_linger = 0};
		assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
		push(descriptor, hello, length);
		usleep(i * 10);
		close(descriptor);
	}
	expect_served(place);
}

/* The same after the handshake, which takes another implementation of TLS: openssl's command, if it is there. */
static void test_broken_negotiations_leave_the_door_open(void **state)
{
	struct fake_place *place = *state;
	static const char *const inputs[] = {"printf ''", "printf 'no SP header at all'",
					     "printf '\\0SP\\0\\0\\60\\0\\0\\377\\377'"};
	if (system("command -v openssl >/dev/null") != 0)
		skip();
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		char command[300];
		snprintf(command, sizeof(command),
			 "%s | timeout 1 openssl s_client -quiet -connect 127.0.0.1:%u >/dev/null 2>&1", inputs[i],
			 server_port(place->server.server, 0));
		/* Its exit status says nothing: some of these are refused. */
		if (system(command) == -1)
			fail();
		expect_served(place);
	}
}

static void test_idle_strangers_do_not_hold_the_door(void **state)
{
	struct fake_place *place = *state;
	int descriptors[100];
	for (size_t i = 0; i < 100; i++)
		descriptors[i] = raw_tcp(place);
	expect_served(place);
	for (size_t i = 0; i < 100; i++)
		close(descriptors[i]);
}

/* ---- opening and closing ---- */

static enum err open_at(struct fake_place *place, const char *address, struct fault *fault)
{
	struct server *server = NULL;
	struct server_options options = {.addresses = &address,
					 .address_count = 1,
					 .identity = &place->server.identity,
					 .core = fake_core_table(&place->server.core)};
	enum err err = server_open(&options, &server, fault);
	server_close(&server);
	return err;
}

static void expect_refused(struct fake_place *place, const char *address, enum err expected)
{
	struct fault fault = {0};
	assert_int_equal(open_at(place, address, &fault), expected);
	assert_true(fault.text[0] != '\0');
}

static void test_open_names_the_address_that_it_cannot_have(void **state)
{
	struct fake_place *place = *state;
	struct fault fault = {0};
	assert_int_equal(open_at(place, place->server.tls_address, &fault), ERR_IN_USE);
	assert_non_null(strstr(fault.text, place->server.tls_address));
	expect_refused(place, place->server.ipc_address, ERR_IN_USE);
	expect_refused(place, "tls+tcp://256.1.1.1:70000", ERR_NETWORK);
	expect_refused(place, "tls+tcp://192.0.2.1:4433", ERR_NETWORK); /* not this machine's: RFC 5737 */
	expect_refused(place, "tcp://127.0.0.1:0", ERR_NETWORK);	/* in clear */
	expect_refused(place, "nonsense", ERR_NETWORK);
	expect_refused(place, "ipc://nofolder", ERR_NETWORK);
	/* And the one that is there still serves. */
	expect_served(place);
}

static void test_open_refuses_an_open_folder(void **state)
{
	struct fake_place *place = *state;
	char folder[300];
	char address[330];
	snprintf(folder, sizeof(folder), "%s/open", place->folder);
	snprintf(address, sizeof(address), "ipc://%s/control.sock", folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	expect_refused(place, address, ERR_MODE);
}

static void test_open_needs_a_certificate_for_tls(void **state)
{
	struct fake_place *place = *state;
	struct server *server = NULL;
	const char *address = "tls+tcp://127.0.0.1:0";
	struct server_options options = {
		.addresses = &address, .address_count = 1, .core = fake_core_table(&place->server.core)};
	assert_int_equal(server_open(&options, &server, NULL), ERR_CERTIFICATE);
}

static void test_a_socket_left_by_a_killed_server_is_taken_over(void **state)
{
	struct fake_place *place = *state;
	char path[300];
	char address[330];
	snprintf(path, sizeof(path), "%s/left.sock", place->folder);
	snprintf(address, sizeof(address), "ipc://%s", path);
	struct sockaddr_un left = {.sun_family = AF_UNIX};
	snprintf(left.sun_path, sizeof(left.sun_path), "%.90s/left.sock", place->folder);
	int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&left, sizeof(left)), 0);
	close(descriptor);
	assert_int_equal(open_at(place, address, NULL), ERR_OK);
}

static void *stop_soon(void *argument)
{
	int *descriptor = argument;
	clock_sleep_ms(50);
	if (write(*descriptor, "x", 1) != 1)
		abort();
	return NULL;
}

static void test_run_ends_when_told(void **state)
{
	struct fake_place *place = *state;
	int ends[2];
	pthread_t thread;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &ends[1]), 0);
	assert_int_equal(server_run(place->server.server, ends[0]), ERR_OK);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(ends[0]);
	close(ends[1]);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, fake_place_set_up, fake_place_tear_down)

/* ---- another certificate ---- */

static void make_identity(const struct fake_place *place, struct tls_identity *ret_identity)
{
	char certificate[SCRATCH_MAX + 16], key[SCRATCH_MAX + 16];

	snprintf(certificate, sizeof(certificate), "%s/tls-2.crt", place->folder);
	snprintf(key, sizeof(key), "%s/tls-2.key", place->folder);
	assert_int_equal(tls_create(certificate, key, clock_now_ms(), NULL), ERR_OK);
	assert_int_equal(tls_load(certificate, key, ret_identity, NULL), ERR_OK);
}

static void test_another_certificate_while_serving(void **state)
{
	struct fake_place *place = *state;
	struct link *before = fake_connect(&place->server), *after = NULL;
	struct tls_identity second CLEANUP(tls_identity_fini) = {0};
	char address[64];

	make_identity(place, &second);
	snprintf(address, sizeof(address), "tls+tcp://127.0.0.1:%u", server_port(place->server.server, 0));
	assert_int_equal(fake_ask(before, "a before"), ERR_OK);
	assert_int_equal(server_show(place->server.server, &second, NULL), ERR_OK);
	assert_int_equal(fake_ask(before, "a connection that stands goes on"), ERR_OK);
	assert_int_equal(link_open(address, (const char *)second.certificate.data, FAKE_PATIENCE_MS, &after, NULL),
			 ERR_OK);
	assert_int_equal(fake_ask(after, "a new one by the new certificate"), ERR_OK);
	link_close(&after);
	/* who has only the old one is not led to believe the new */
	assert_int_not_equal(link_open(address, (const char *)place->server.identity.certificate.data, FAKE_PATIENCE_MS,
				       &after, NULL),
			     ERR_OK);
	assert_int_equal(fake_ask(before, "a still"), ERR_OK);
	link_close(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_answers_over_tls_and_ipc),
		WITH_PLACE(test_another_certificate_while_serving),
		WITH_PLACE(test_control_socket_is_the_users_own),
		WITH_PLACE(test_broken_handshakes_leave_the_door_open),
		WITH_PLACE(test_who_hangs_up_on_the_answer_leaves_the_door_open),
		WITH_PLACE(test_broken_negotiations_leave_the_door_open),
		WITH_PLACE(test_idle_strangers_do_not_hold_the_door),
		WITH_PLACE(test_open_names_the_address_that_it_cannot_have),
		WITH_PLACE(test_open_refuses_an_open_folder),
		WITH_PLACE(test_open_needs_a_certificate_for_tls),
		WITH_PLACE(test_a_socket_left_by_a_killed_server_is_taken_over),
		WITH_PLACE(test_run_ends_when_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
