/*
 * The broker's door: one REP socket on any number of addresses, TLS for
 * stores and auditors, a private ipc socket for head office's own commands, the
 * same pipeline behind all of them.
 *
 * Threads: a server belongs to one thread; it serves on nng's and on the committer's.
 */
#ifndef KLUIS_BROKER_SERVER_H
#define KLUIS_BROKER_SERVER_H

#include "server/outside_witness.h"
#include "server/server_core.h"
#include "server/tls.h"

#define SERVER_ADDRESSES_MAX 16

struct server;

struct server_options {
	/* "tls+tcp://host:port" (port 0: any free one) or "ipc:///path"; the latter's folder must be private (mode
	 * 0700), the socket in it gets mode 0600. */
	const char *const *addresses;
	size_t address_count;
	const struct tls_identity *identity;	 /* from tls_load; copied. NULL if all addresses are ipc */
	struct server_core core;		 /* must outlive the server */
	const struct outside_witness *witnesses; /* copied; asked from the start to the end, by the core of outside */
	size_t witness_count;
	struct outside_core outside;
	/* Called by server_run about once a second, in its thread; NULL: nothing. */
	void (*tick)(void *context, struct server *server);
	void *tick_context;
};

/* Listens and serves from now on. ERR_IN_USE, ERR_NETWORK (no such address), ERR_CERTIFICATE, ERR_MODE (the ipc
 * folder), with a fault that names the address. */
enum err server_open(const struct server_options *options, struct server **ret_server, struct fault *fault) MUST_USE;
/* The TCP port that address number i really has; 0 for ipc. */
unsigned server_port(const struct server *server, size_t i);
/* Shows another certificate to whoever connects from now on; the connections that stand go on. ERR_CERTIFICATE. Called
 * by the thread of server_run, in tick. */
enum err server_show(struct server *server, const struct tls_identity *identity, struct fault *fault) MUST_USE;
/* Waits until stop_descriptor is readable (a signalfd, a pipe): nothing of the server runs on the calling thread.
 * ERR_BUSY when the process runs short of descriptors (descriptors.h): close the server and start afresh. */
enum err server_run(struct server *server, int stop_descriptor) MUST_USE;
/* Takes nothing more in, answers what is in, has the last checkpoint signed, closes. */
void server_close(struct server **server);

#endif
