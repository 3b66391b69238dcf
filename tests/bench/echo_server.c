#include "echo.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/tls/tls.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"
#include "kluis/keys.h"
#include "kluis/limits.h"
#include "server/tls.h"

struct echo {
	nng_ctx context;
	nng_aio *aio;
	bool is_sending;
};

static size_t fixed_size;

static void must(int number, const char *what)
{
	if (number == 0)
		return;
	fprintf(stderr, "bench-echo: %s: %s\n", what, nng_strerror(number));
	exit(1);
}

/* What comes in goes back, or as much as was asked for. */
static nng_msg *answer_to(nng_msg *message)
{
	size_t length = nng_msg_len(message);
	if (fixed_size == 0 || fixed_size == length)
		return message;
	if (fixed_size < length) {
		must(nng_msg_chop(message, length - fixed_size), "shortening");
		return message;
	}
	nng_msg *reply;
	must(nng_msg_alloc(&reply, fixed_size), "an answer");
	nng_msg_free(message);
	return reply;
}

static void step(void *argument)
{
	struct echo *echo = argument;
	int number = nng_aio_result(echo->aio);
	if (number == NNG_ECLOSED || number == NNG_ECANCELED)
		return;
	if (echo->is_sending || number != 0) {
		if (number != 0 && echo->is_sending)
			nng_msg_free(nng_aio_get_msg(echo->aio));
		echo->is_sending = false;
		nng_ctx_recv(echo->context, echo->aio);
		return;
	}
	nng_aio_set_msg(echo->aio, answer_to(nng_aio_get_msg(echo->aio)));
	echo->is_sending = true;
	nng_ctx_send(echo->context, echo->aio);
}

static nng_tls_config *make_tls(const char *folder)
{
	char certificate[512];
	char key[512];
	struct tls_identity identity;
	struct fault fault = {0};
	snprintf(certificate, sizeof(certificate), "%s/tls.crt", folder);
	snprintf(key, sizeof(key), "%s/tls.key", folder);
	if (keys_init() != ERR_OK || tls_create(certificate, key, clock_now_ms(), &fault) != ERR_OK ||
	    tls_load(certificate, key, &identity, &fault) != ERR_OK) {
		fprintf(stderr, "bench-echo: %s\n", fault.text);
		exit(1);
	}
	nng_tls_config *config;
	must(nng_tls_config_alloc(&config, NNG_TLS_MODE_SERVER), "TLS");
	must(nng_tls_config_own_cert(config, (const char *)identity.certificate.data, (const char *)identity.key.data,
				     NULL),
	     "the certificate");
	tls_identity_fini(&identity);
	return config;
}

int echo_serve(const char *folder, size_t reply_size)
{
	static struct echo echoes[REQUESTS_IN_SERVER];
	nng_socket socket;
	nng_listener listener;
	int port = 0;
	fixed_size = reply_size;
	nng_tls_config *config = make_tls(folder);
	must(nng_rep0_open(&socket), "a socket");
	must(nng_listener_create(&listener, socket, "tls+tcp://127.0.0.1:0"), "an address");
	must(nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, config), "TLS");
	must(nng_listener_start(listener, 0), "listening");
	must(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), "the port");
	for (size_t i = 0; i < REQUESTS_IN_SERVER; i++) {
		must(nng_ctx_open(&echoes[i].context, socket), "a context");
		must(nng_aio_alloc(&echoes[i].aio, step, &echoes[i]), "a context");
		nng_ctx_recv(echoes[i].context, echoes[i].aio);
	}
	printf("port %d\n", port);
	fflush(stdout);
	char line[64];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		printf("%llu\n", (unsigned long long)clock_cpu_ns());
		fflush(stdout);
	}
	return 0; /* the process ends with all that it holds */
}
