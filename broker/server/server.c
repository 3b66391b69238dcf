#include "server/server.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/tls/tls.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/limits.h"
#include "kluis/log.h"
#include "kluis/sendmsg.h"
#include "server/descriptors.h"
#include "server/turns.h"

/* What nng puts before a request's body on a direct connection: its number. */
#define REQUEST_HEADER_SIZE 4
/* For nng to write out what it has been handed, once everything is answered. */
#define LINGER_MS 50
/* nng 1.5.2 may wait for ever for a TLS connection that broke off while it was closed. */
#define CLOSE_MS 3000
#define WATCH_INTERVAL_MS 5000 /* between looks at the open descriptors */
#define TICK_INTERVAL_MS 1000  /* the same, and between calls of tick */
#define IPC_SCHEME "ipc://"
#define TLS_SCHEME "tls+tcp://"
#define PATH_SIZE 512

struct door {
	nng_listener listener;
	bool is_local;
};

struct server {
	struct server_core core;
	struct guard *guard;
	struct turns *turns;
	struct outside_witnesses *outside;
	nng_socket socket;
	atomic_bool is_socket_closed;
	nng_tls_config *tls;
	struct door doors[SERVER_ADDRESSES_MAX];
	size_t door_count;
	void (*tick)(void *context, struct server *server);
	void *tick_context;
};

static struct log_topic full_topic = LOG_TOPIC("connection");

static enum err server_error(int number)
{
	static const struct {
		int number;
		enum err err;
	} table[] = {
		{0, ERR_OK},
		{NNG_ENOMEM, ERR_MEMORY},
		{NNG_EADDRINUSE, ERR_IN_USE},
		{NNG_ECRYPTO, ERR_CERTIFICATE},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].number == number)
			return table[i].err;
	}
	return ERR_NETWORK;
}

/* ---- connections ---- */

static bool is_local(const struct server *server, nng_pipe pipe)
{
	int listener = nng_listener_id(nng_pipe_listener(pipe));
	for (size_t i = 0; i < server->door_count; i++) {
		if (nng_listener_id(server->doors[i].listener) == listener)
			return server->doors[i].is_local;
	}
	return false;
}

static void on_connect(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	(void)event;
	struct server *server = argument;
	uint32_t evicted = 0;
	if (!guard_connect(server->guard, (uint32_t)nng_pipe_id(pipe), is_local(server, pipe), &evicted)) {
		log_event(&full_topic, "turned away: there are %d already", CONNECTIONS_MAX);
		nng_pipe_close(pipe);
	}
	if (evicted != 0) {
		log_event(&full_topic, "closed: the oldest stranger made room for a new connection");
		nng_pipe_close((nng_pipe){.id = evicted});
	}
}

static void on_disconnect(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	(void)event;
	struct server *server = argument;
	guard_disconnect(server->guard, (uint32_t)nng_pipe_id(pipe));
	turns_forget(server->turns, (uint32_t)nng_pipe_id(pipe));
}

/* ---- listening ---- */

static bool has_scheme(const char *address, const char *scheme)
{
	return strncmp(address, scheme, strlen(scheme)) == 0;
}

static enum err make_tls(const struct tls_identity *identity, nng_tls_config **ret_tls, struct fault *fault)
{
	nng_tls_config *tls;

	if (identity == NULL)
		return fault_set(fault, ERR_CERTIFICATE, "a tls+tcp address needs a certificate");
	TRY(server_error(nng_tls_config_alloc(&tls, NNG_TLS_MODE_SERVER)));
	int number = nng_tls_config_own_cert(tls, (const char *)identity->certificate.data,
					     (const char *)identity->key.data, NULL);
	if (number == 0)
		number = nng_tls_config_version(tls, NNG_TLS_1_2, NNG_TLS_1_3);
	if (number != 0) {
		nng_tls_config_free(tls);
		return fault_set(fault, ERR_CERTIFICATE, "the certificate cannot be used: %s", nng_strerror(number));
	}
	*ret_tls = tls;
	return ERR_OK;
}

/* The system's form of a listener's address; of "any" the loopback. 0 if it is none of the internet's. */
static socklen_t system_address(const nng_sockaddr *address, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (address->s_family == NNG_AF_INET) {
		four->sin_family = AF_INET;
		four->sin_port = address->s_in.sa_port;
		four->sin_addr.s_addr = address->s_in.sa_addr == 0 ? htonl(INADDR_LOOPBACK) : address->s_in.sa_addr;
		return sizeof(*four);
	}
	if (address->s_family != NNG_AF_INET6)
		return 0;
	six->sin6_family = AF_INET6;
	six->sin6_port = address->s_in6.sa_port;
	memcpy(&six->sin6_addr, address->s_in6.sa_addr, sizeof(six->sin6_addr));
	if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
		six->sin6_addr = in6addr_loopback;
	return sizeof(*six);
}

/* nng waits for the next connection with the configuration of before: that connection is this one, which ends at once.
 */
static void use_up_accept(nng_listener listener)
{
	nng_sockaddr address;
	struct sockaddr_storage to;

	if (nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &address) != 0)
		return;
	socklen_t length = system_address(&address, &to);
	int descriptor = length == 0 ? -1 : socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return;
	if (connect(descriptor, (struct sockaddr *)&to, length) != 0)
		log_event(&full_topic, "one may still be shown the certificate of before");
	close(descriptor);
}

/* A listener hands its configuration to each connection that it takes from then on; the others hold their own. */
enum err server_show(struct server *server, const struct tls_identity *identity, struct fault *fault)
{
	nng_tls_config *tls;

	TRY(make_tls(identity, &tls, fault));
	for (size_t i = 0; i < server->door_count; i++) {
		int number = server->doors[i].is_local
				     ? 0
				     : nng_listener_set_ptr(server->doors[i].listener, NNG_OPT_TLS_CONFIG, tls);
		if (number != 0) {
			nng_tls_config_free(tls);
			return fault_set(fault, ERR_CERTIFICATE, "the certificate cannot be shown: %s",
					 nng_strerror(number));
		}
	}
	for (size_t i = 0; i < server->door_count; i++)
		if (!server->doors[i].is_local)
			use_up_accept(server->doors[i].listener);
	if (server->tls != NULL)
		nng_tls_config_free(server->tls);
	server->tls = tls;
	return ERR_OK;
}

/* The folder keeps others from the socket, also in the instant before its mode is set. */
static enum err check_ipc_folder(const char *address, struct fault *fault)
{
	const char *path = address + strlen(IPC_SCHEME);
	const char *slash = strrchr(path, '/');
	char folder[PATH_SIZE];
	if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(folder))
		return fault_set(fault, ERR_NETWORK, "'%s' is not an ipc address with a folder", address);
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	return file_check_private(folder, true, fault);
}

static enum err check_ipc_socket(const char *address, struct fault *fault)
{
	struct stat status;
	const char *path = address + strlen(IPC_SCHEME);
	if (lstat(path, &status) != 0)
		return fault_set(fault, file_error(errno), "'%s' cannot be looked at", path);
	if (!S_ISSOCK(status.st_mode) || (status.st_mode & 0177) != 0)
		return fault_set(fault, ERR_MODE, "'%s' is open to others than the broker's user", path);
	return ERR_OK;
}

static enum err prepare_door(struct server *server, const struct server_options *options, struct door *door,
			     const char *address, struct fault *fault)
{
	door->is_local = has_scheme(address, IPC_SCHEME);
	if (door->is_local) {
		TRY(check_ipc_folder(address, fault));
		return server_error(nng_listener_set_int(door->listener, NNG_OPT_IPC_PERMISSIONS, 0600));
	}
	if (server->tls == NULL)
		TRY(make_tls(options->identity, &server->tls, fault));
	TRY(server_error(nng_listener_set_bool(door->listener, NNG_OPT_TCP_KEEPALIVE, true)));
	return server_error(nng_listener_set_ptr(door->listener, NNG_OPT_TLS_CONFIG, server->tls));
}

static enum err open_door(struct server *server, const struct server_options *options, const char *address,
			  struct fault *fault)
{
	/* Nothing is served in clear over a network. */
	if (!has_scheme(address, IPC_SCHEME) && !has_scheme(address, TLS_SCHEME))
		return fault_set(fault, ERR_NETWORK, "'%s' is neither a tls+tcp:// nor an ipc:// address", address);
	struct door *door = &server->doors[server->door_count];
	int number = nng_listener_create(&door->listener, server->socket, address);
	if (number != 0)
		return fault_set(fault, ERR_NETWORK, "'%s' is not an address: %s", address, nng_strerror(number));
	TRY(prepare_door(server, options, door, address, fault));
	/* Counted before it opens: on_connect looks for it. */
	server->door_count++;
	number = nng_listener_start(door->listener, 0);
	if (number == NNG_EADDRINUSE)
		return fault_set(fault, ERR_IN_USE, "'%s' is in use by another program", address);
	if (number != 0)
		return fault_set(fault, server_error(number), "'%s' cannot be listened on: %s", address,
				 nng_strerror(number));
	return door->is_local ? check_ipc_socket(address, fault) : ERR_OK;
}

/* Each connection is a descriptor; systemd's and the shell's soft limit of 1024 is for programs that use select. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_event(&full_topic, "the limit of open files stays where it is");
}

static enum err open_socket(struct server *server)
{
	TRY(server_error(nng_rep0_open(&server->socket)));
	TRY(server_error(nng_socket_set_size(server->socket, NNG_OPT_RECVMAXSZ, MESSAGE_MAX + REQUEST_HEADER_SIZE)));
	/* A request from beyond a relay would look as if the relay had sent it. */
	TRY(server_error(nng_socket_set_int(server->socket, NNG_OPT_MAXTTL, 1)));
	TRY(server_error(nng_pipe_notify(server->socket, NNG_PIPE_EV_ADD_PRE, on_connect, server)));
	return server_error(nng_pipe_notify(server->socket, NNG_PIPE_EV_REM_POST, on_disconnect, server));
}

enum err server_open(const struct server_options *options, struct server **ret_server, struct fault *fault)
{
	if (options->address_count == 0 || options->address_count > SERVER_ADDRESSES_MAX)
		return fault_set(fault, ERR_USAGE, "give 1 to %d addresses to listen on", SERVER_ADDRESSES_MAX);
	assert(sendmsg_is_ours()); /* else a stranger can close the door for good */
	raise_descriptor_limit();
	CLEANUP(server_close) struct server *server = calloc(1, sizeof(*server));
	if (server == NULL)
		return ERR_MEMORY;
	server->core = options->core;
	server->tick = options->tick;
	server->tick_context = options->tick_context;
	TRY(guard_new(&server->guard));
	TRY(open_socket(server));
	TRY(turns_new(server->socket, &server->core, server->guard, &server->turns));
	for (size_t i = 0; i < options->address_count; i++)
		TRY(open_door(server, options, options->addresses[i], fault));
	if (options->witness_count > 0)
		TRY(outside_witnesses_new(options->witnesses, options->witness_count, &options->outside,
					  &server->outside));
	turns_start(server->turns);
	*ret_server = server;
	server = NULL;
	return ERR_OK;
}

unsigned server_port(const struct server *server, size_t i)
{
	int port = 0;
	if (i >= server->door_count || server->doors[i].is_local)
		return 0;
	if (nng_listener_get_int(server->doors[i].listener, NNG_OPT_TCP_BOUND_PORT, &port) != 0)
		return 0;
	return (unsigned)port;
}

enum err server_run(struct server *server, int stop_descriptor)
{
	struct pollfd stop = {.fd = stop_descriptor, .events = POLLIN};

	for (;;) {
		int ready = poll(&stop, 1, server->tick == NULL ? WATCH_INTERVAL_MS : TICK_INTERVAL_MS);
		if (ready > 0)
			return ERR_OK;
		if (ready < 0 && errno != EINTR)
			return ERR_IO;
		if (descriptors_are_short())
			return ERR_BUSY;
		if (server->tick != NULL)
			server->tick(server->tick_context, server);
	}
}

static void *close_socket(void *argument)
{
	struct server *server = argument;
	nng_close(server->socket);
	atomic_store(&server->is_socket_closed, true);
	return NULL;
}

/* False if nng does not come to an end: then a thread of its own still waits in it, with the server's memory. */
static bool close_socket_in_time(struct server *server)
{
	pthread_t thread;

	if (server->socket.id == 0)
		return true;
	if (pthread_create(&thread, NULL, close_socket, server) != 0) {
		(void)close_socket(server);
		return true;
	}
	uint64_t until_ms = clock_steady_ms() + CLOSE_MS;
	while (!atomic_load(&server->is_socket_closed) && clock_steady_ms() < until_ms)
		clock_sleep_ms(1);
	if (!atomic_load(&server->is_socket_closed)) {
		pthread_detach(thread);
		return false;
	}
	pthread_join(thread, NULL);
	return true;
}

/* All is answered and durable before the socket is closed: a connection that cannot be closed holds up nothing. */
void server_close(struct server **server)
{
	if (*server == NULL)
		return;
	outside_witnesses_free(&(*server)->outside);
	if ((*server)->turns != NULL) {
		turns_drain((*server)->turns);
		clock_sleep_ms(LINGER_MS);
	}
	if (!close_socket_in_time(*server)) {
		log_event(&full_topic, "some could not be closed; they end with the process");
		*server = NULL;
		return;
	}
	turns_free(&(*server)->turns);
	guard_free(&(*server)->guard);
	if ((*server)->tls != NULL)
		nng_tls_config_free((*server)->tls);
	free(*server);
	*server = NULL;
}
