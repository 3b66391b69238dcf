/*
 * The way to a broker over nng: one REQ socket, TLS with exactly the invited
 * certificate, or ipc for head office's commands on the broker's own machine.
 *
 * Threads: a link belongs to one thread.
 */
#ifndef KLUIS_LINK_H
#define KLUIS_LINK_H

#include "kluis/session.h"

#define TLS_SERVER_NAME                                                                                                \
	"kluis-broker" /* common name of every broker's certificate: it is pinned, its name says nothing */

struct link;

/* Connects to "tls+tcp://host:port", trusting certificate_pem alone, or to "ipc:///path" (certificate_pem is NULL).
 * timeout_ms is for connecting, and then for each half of an exchange. ERR_NETWORK, ERR_CERTIFICATE, with a fault that
 * names the address. */
enum err link_open(const char *address, const char *certificate_pem, uint64_t timeout_ms, struct link **ret_link,
		   struct fault *fault) MUST_USE;
void link_close(struct link **link);

/* One request, one reply; ERR_TIMEOUT, ERR_NETWORK, ERR_TOO_LARGE. */
enum err link_send(struct link *link, struct slice message, struct bytes *ret_reply) MUST_USE;
/* The same as an exchange for sessions. */
struct exchange link_exchange(struct link *link);

#endif
