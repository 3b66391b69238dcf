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

/*
 * A link for a daemon: connects by itself, again and again, with delays that grow from RECONNECT_MS_MIN to
 * RECONNECT_MS_MAX and are drawn at random below that (nng's), so that a thousand agents do not come back at once.
 * Returns at once; whether the broker is there shows in link_is_up and in what channels answer.
 */
enum err link_open_lasting(const char *address, const char *certificate_pem, struct link **ret_link,
			   struct fault *fault) MUST_USE;
/* Whether a connection stands now, and how often one has been made since the start. */
bool link_is_up(struct link *link);
unsigned link_connections(struct link *link);

/* A channel: one conversation on the link's one connection (an nng context). Several may be under way at once, each in
 * its own thread. timeout_ms is for one exchange; ERR_NETWORK at once while no connection stands. */
struct channel;
enum err channel_open(struct link *link, uint64_t timeout_ms, struct channel **ret_channel) MUST_USE;
void channel_close(struct channel **channel);
struct exchange channel_exchange(struct channel *channel);
/* Ends an exchange that waits in another thread, with ERR_NETWORK; later ones work again. */
void channel_interrupt(struct channel *channel);

/* One request, one reply; ERR_TIMEOUT, ERR_NETWORK, ERR_TOO_LARGE. */
enum err link_send(struct link *link, struct slice message, struct bytes *ret_reply) MUST_USE;
/* The same as an exchange for sessions. */
struct exchange link_exchange(struct link *link);

#endif
