/* Each call of nng, and each allocation, made to fail once: it is told, nothing leaks, and the server serves on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "fail.h"
#include "fake_core.h"
#include "kluis/clock.h"
#include "kluis/limits.h"
#include "scratch.h"

/* ---- the linker sends the calls of server and link here (fixture/tests.cmake) ---- */

/* clang-format off */
#define WRAP(name, parameters, arguments)                                                                              \
	int __real_##name parameters;                                                                                  \
	int __wrap_##name parameters;                                                                                  \
	int __wrap_##name parameters                                                                                   \
	{                                                                                                              \
		return fail_now(FAIL_NET) ? NNG_ENOMEM : __real_##name arguments;                                      \
	}

WRAP(nng_rep0_open, (nng_socket *socket), (socket))
WRAP(nng_req0_open, (nng_socket *socket), (socket))
WRAP(nng_socket_set_size, (nng_socket socket, const char *name, size_t value), (socket, name, value))
WRAP(nng_socket_set_int, (nng_socket socket, const char *name, int value), (socket, name, value))
WRAP(nng_socket_set_ms, (nng_socket socket, const char *name, nng_duration value), (socket, name, value))
WRAP(nng_pipe_notify, (nng_socket socket, nng_pipe_ev event, nng_pipe_cb callback, void *argument), (socket, event, callback, argument))
WRAP(nng_aio_alloc, (nng_aio **aio, void (*callback)(void *), void *argument), (aio, callback, argument))
WRAP(nng_ctx_open, (nng_ctx *context, nng_socket socket), (context, socket))
WRAP(nng_listener_create, (nng_listener *listener, nng_socket socket, const char *address), (listener, socket, address))
WRAP(nng_listener_set_int, (nng_listener listener, const char *name, int value), (listener, name, value))
WRAP(nng_listener_set_bool, (nng_listener listener, const char *name, bool value), (listener, name, value))
WRAP(nng_listener_set_ptr, (nng_listener listener, const char *name, void *value), (listener, name, value))
WRAP(nng_listener_start, (nng_listener listener, int flags), (listener, flags))
WRAP(nng_dialer_create, (nng_dialer *dialer, nng_socket socket, const char *address), (dialer, socket, address))
WRAP(nng_dialer_set_ptr, (nng_dialer dialer, const char *name, void *value), (dialer, name, value))
WRAP(nng_dialer_start, (nng_dialer dialer, int flags), (dialer, flags))
WRAP(nng_tls_config_alloc, (nng_tls_config **config, nng_tls_mode mode), (config, mode))
WRAP(nng_tls_config_own_cert, (nng_tls_config *config, const char *certificate, const char *key, const char *password), (config, certificate, key, password))
WRAP(nng_tls_config_ca_chain, (nng_tls_config *config, const char *chain, const char *revoked), (config, chain, revoked))
WRAP(nng_tls_config_server_name, (nng_tls_config *config, const char *name), (config, name))
WRAP(nng_tls_config_auth_mode, (nng_tls_config *config, nng_tls_auth_mode mode), (config, mode))
WRAP(nng_tls_config_version, (nng_tls_config *config, nng_tls_version least, nng_tls_version most), (config, least, most))
WRAP(nng_msg_alloc, (nng_msg **message, size_t size), (message, size))
WRAP(nng_msg_append, (nng_msg *message, const void *bytes, size_t size), (message, bytes, size))
WRAP(nng_sendmsg, (nng_socket socket, nng_msg *message, int flags), (socket, message, flags))
WRAP(nng_recvmsg, (nng_socket socket, nng_msg **message, int flags), (socket, message, flags))
/* clang-format on */

/* ---- what is tried ---- */

static enum err open_and_close(void *context)
{
	struct fake_place *place = context;
	struct server *server = NULL;
	char ipc_address[SCRATCH_MAX + 32];
	snprintf(ipc_address, sizeof(ipc_address), "ipc://%s/second.sock", place->folder);
	const char *addresses[] = {"tls+tcp://127.0.0.1:0", ipc_address};
	struct server_options options = {.addresses = addresses,
					 .address_count = 2,
					 .identity = &place->server.identity,
					 .core = fake_core_table(&place->server.core)};
	enum err err = server_open(&options, &server, NULL);
	server_close(&server);
	return err;
}

static void test_open_fails_whole(void **state)
{
	/* two calls for each of the contexts; before them and after them is what opens a server */
	fail_sweep_alike(FAIL_NET | FAIL_MEMORY, 40, 2 * REQUESTS_IN_SERVER - 100, open_and_close, *state);
}

static enum err connect_and_close(void *context)
{
	struct fake_place *place = context;
	struct link *link = NULL;
	const char *certificate = (const char *)place->server.identity.certificate.data;
	enum err err = link_open(place->server.tls_address, certificate, FAKE_PATIENCE_MS, &link, NULL);
	link_close(&link);
	return err;
}

static void test_link_open_fails_whole(void **state)
{
	fail_sweep(FAIL_NET, connect_and_close, *state);
}

/* A failure on either side: perhaps an answer less, never a server or a link that is stuck. */
static void test_exchange_goes_on_after_a_failure(void **state)
{
	struct fake_place *place = *state;
	bool is_more = true;
	for (unsigned n = 1; is_more; n++) {
		struct link *link = fake_connect_hasty(&place->server, 300);
		assert_true(n < 100);
		fail_begin(FAIL_NET | FAIL_MEMORY, n);
		enum err err = fake_ask(link, n % 2 == 0 ? "a" : "c");
		/* a slow machine may not have got as far as the n-th call */
		is_more = fail_end() || err == ERR_TIMEOUT;
		if (!is_more)
			assert_int_equal(err, ERR_OK);
		/* An answer that was given up is not coming; the next request is answered. */
		assert_int_equal(link_set_timeout(link, FAKE_PATIENCE_MS), ERR_OK);
		assert_int_equal(fake_ask(link, "a"), ERR_OK);
		link_close(&link);
	}
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, fake_place_set_up, fake_place_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_open_fails_whole),
		WITH_PLACE(test_link_open_fails_whole),
		WITH_PLACE(test_exchange_goes_on_after_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
