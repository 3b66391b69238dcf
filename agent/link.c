#include "link_socket.h"

#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>

#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"

/* What nng adds before a message's body on the wire: the request's number. */
#define REQUEST_HEADER_SIZE 4
/* An answer is taken in a little over the limit, so that it can be refused by name; nng closes the connection past it.
 */
#define RECEIVE_MAX (MESSAGE_MAX + REQUEST_HEADER_SIZE + 4096)

#define RECONNECT_MS_MIN 20
#define RECONNECT_MS_MAX 1000

enum err link_error(int number)
{
	static const struct {
		int number;
		enum err err;
	} table[] = {
		{0, ERR_OK},
		{NNG_ENOMEM, ERR_MEMORY},
		{NNG_ETIMEDOUT, ERR_TIMEOUT},
		{NNG_EMSGSIZE, ERR_TOO_LARGE},
		{NNG_EPEERAUTH, ERR_CERTIFICATE},
		{NNG_ECRYPTO, ERR_CERTIFICATE},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].number == number)
			return table[i].err;
	}
	return ERR_NETWORK;
}

/* Trusts the pinned certificate and nothing else. */
static int pin_certificate(nng_dialer dialer, const char *certificate_pem)
{
	nng_tls_config *config;
	int number = nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT);
	if (number != 0)
		return number;
	number = nng_tls_config_ca_chain(config, certificate_pem, NULL);
	if (number == 0)
		number = nng_tls_config_server_name(config, TLS_SERVER_NAME);
	if (number == 0)
		number = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED);
	if (number == 0)
		number = nng_tls_config_version(config, NNG_TLS_1_2, NNG_TLS_1_3);
	if (number == 0)
		number = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
	nng_tls_config_free(config);
	return number;
}

static nng_duration duration(uint64_t ms)
{
	return ms > INT32_MAX ? INT32_MAX : (nng_duration)ms;
}

static int set_options(nng_socket socket, uint64_t timeout_ms)
{
	const struct {
		const char *name;
		nng_duration value;
	} durations[] = {
		/* Repeating is the session's to decide: nng itself never sends twice. */
		{NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE}, {NNG_OPT_SENDTIMEO, duration(timeout_ms)},
		{NNG_OPT_RECVTIMEO, duration(timeout_ms)},	 {NNG_OPT_RECONNMINT, RECONNECT_MS_MIN},
		{NNG_OPT_RECONNMAXT, RECONNECT_MS_MAX},
	};
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		int number = nng_socket_set_ms(socket, durations[i].name, durations[i].value);
		if (number != 0)
			return number;
	}
	return nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, RECEIVE_MAX);
}

struct patience {
	nng_aio *alarm;
	nng_dialer dialer;
	pthread_t closer;
	bool has_closer;
};

static void *close_dialer(void *argument)
{
	const struct patience *patience = argument;
	nng_dialer_close(patience->dialer);
	return NULL;
}

/* On one of nng's few task threads: closing waits for the dial to end, and that takes such a thread. Where many links
 * of a process give up at a time, all of them would wait for ever. */
static void on_alarm(void *argument)
{
	struct patience *patience = argument;
	if (nng_aio_result(patience->alarm) != 0)
		return;
	patience->has_closer = pthread_create(&patience->closer, NULL, close_dialer, patience) == 0;
	if (!patience->has_closer)
		nng_dialer_close(patience->dialer);
}

/* nng has no limit of its own for it: the system tries a silent address for minutes. */
static int start_in_time(nng_dialer dialer, uint64_t timeout_ms)
{
	struct patience patience = {.dialer = dialer};
	int number = nng_aio_alloc(&patience.alarm, on_alarm, &patience);
	if (number != 0)
		return number;
	nng_sleep_aio(duration(timeout_ms), patience.alarm);
	number = nng_dialer_start(dialer, 0);
	nng_aio_stop(patience.alarm); /* and waits for on_alarm */
	if (patience.has_closer)
		pthread_join(patience.closer, NULL);
	/* An alarm in the same instant as a success has closed what was dialled. */
	if (nng_aio_result(patience.alarm) == 0)
		number = NNG_ETIMEDOUT;
	nng_aio_free(patience.alarm);
	return number;
}

enum err link_dialer(nng_socket socket, const char *address, const char *certificate_pem, nng_dialer *ret_dialer,
		     struct fault *fault)
{
	nng_dialer dialer;
	int number = nng_dialer_create(&dialer, socket, address);
	if (number != 0)
		return fault_set(fault, ERR_NETWORK, "'%s' is not an address that can be reached: %s", address,
				 nng_strerror(number));
	if (certificate_pem != NULL && pin_certificate(dialer, certificate_pem) != 0) {
		nng_dialer_close(dialer);
		return fault_set(fault, ERR_CERTIFICATE, "the broker's certificate in the invitation cannot be read");
	}
	*ret_dialer = dialer;
	return ERR_OK;
}

enum err link_dial(nng_dialer dialer, const char *address, uint64_t timeout_ms, struct fault *fault)
{
	enum err err = link_error(start_in_time(dialer, timeout_ms));
	if (err == ERR_CERTIFICATE)
		return fault_set(
			fault, err,
			"'%s' did not show the invited certificate, or it is not valid yet by this machine's clock",
			address);
	if (err != ERR_OK)
		return fault_set(fault, ERR_NETWORK, "'%s' cannot be reached: is the broker running?", address);
	return ERR_OK;
}

enum err link_new(const char *address, const char *certificate_pem, uint64_t timeout_ms, struct link **ret_link,
		  struct fault *fault)
{
	bool is_tls = strncmp(address, "tls+tcp://", strlen("tls+tcp://")) == 0;
	bool is_ipc = strncmp(address, "ipc://", strlen("ipc://")) == 0;
	/* Fail closed: nothing goes over a connection whose other end is not proved. */
	if (!is_tls && !is_ipc)
		return fault_set(fault, ERR_NETWORK, "'%s' is neither a tls+tcp:// nor an ipc:// address", address);
	if (is_tls != (certificate_pem != NULL))
		return fault_set(fault, ERR_CERTIFICATE, "'%s' needs %s certificate", address, is_tls ? "a" : "no");

	CLEANUP(link_close) struct link *link = calloc(1, sizeof(*link));
	if (link == NULL)
		return ERR_MEMORY;
	TRY(link_error(nng_req0_open(&link->socket)));
	TRY(link_error(set_options(link->socket, timeout_ms)));
	*ret_link = link;
	link = NULL;
	return ERR_OK;
}

enum err link_open(const char *address, const char *certificate_pem, uint64_t timeout_ms, struct link **ret_link,
		   struct fault *fault)
{
	CLEANUP(link_close) struct link *link = NULL;
	nng_dialer dialer;
	TRY(link_new(address, certificate_pem, timeout_ms, &link, fault));
	TRY(link_dialer(link->socket, address, certificate_pem, &dialer, fault));
	TRY(link_dial(dialer, address, timeout_ms, fault));
	*ret_link = link;
	link = NULL;
	return ERR_OK;
}

void link_close(struct link **link)
{
	if (*link == NULL)
		return;
	/* Its thread has ended before the socket is closed: nng 1.5.2 does not bear two that close at a time. */
	if ((*link)->lasting != NULL)
		lasting_stop((*link)->lasting);
	if ((*link)->socket.id != 0)
		nng_close((*link)->socket);
	lasting_free(&(*link)->lasting);
	free(*link);
	*link = NULL;
}

enum err link_take(nng_msg *message, struct bytes *ret_reply)
{
	enum err err = ERR_TOO_LARGE;
	if (nng_msg_len(message) <= MESSAGE_MAX)
		err = bytes_append(ret_reply, SLICE(nng_msg_body(message), nng_msg_len(message)));
	nng_msg_free(message);
	return err;
}

enum err link_set_timeout(struct link *link, uint64_t timeout_ms)
{
	TRY(link_error(nng_socket_set_ms(link->socket, NNG_OPT_SENDTIMEO, duration(timeout_ms))));
	return link_error(nng_socket_set_ms(link->socket, NNG_OPT_RECVTIMEO, duration(timeout_ms)));
}

static enum err send_bytes(struct link *link, struct slice bytes)
{
	nng_msg *message;
	TRY(link_error(nng_msg_alloc(&message, 0)));
	int number = nng_msg_append(message, bytes.data, bytes.length);
	if (number == 0)
		number = nng_sendmsg(link->socket, message, 0);
	if (number != 0)
		nng_msg_free(message); /* it is nng's only after success */
	return link_error(number);
}

enum err link_send(struct link *link, struct slice message, struct bytes *ret_reply)
{
	if (message.length > MESSAGE_MAX)
		return ERR_TOO_LARGE;
	TRY(send_bytes(link, message));
	nng_msg *reply;
	TRY(link_error(nng_recvmsg(link->socket, &reply, 0)));
	return link_take(reply, ret_reply);
}

static enum err exchange_send(void *context, struct slice message, struct bytes *ret_reply)
{
	return link_send(context, message, ret_reply);
}

/* 20 ms, doubled each time, at most about a second. */
void link_pause(void *context, unsigned attempt)
{
	(void)context;
	clock_sleep_ms((uint64_t)RECONNECT_MS_MIN << (attempt > 5 ? 5 : attempt));
}

struct exchange link_exchange(struct link *link)
{
	return (struct exchange){.context = link, .send = exchange_send, .pause = link_pause};
}
