/*
 * The way to a broker over nng: one REQ socket, TLS with exactly the invited
 * certificate, or ipc for head office's commands on the broker's own machine.
 *
 * Threads: a link belongs to one thread, but for what says otherwise; a channel belongs to one.
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
 * A link for a daemon: a thread of its own connects, again and again, with delays that grow from LINK_DELAY_MS_MIN,
 * doubled each time, to LINK_DELAY_MS_MAX and are drawn at random below that, so that a thousand agents do not come
 * back at once. A connection that did not stand for LINK_DELAY_MS_MAX does not begin the delays anew: a broker that
 * drops its agents is not asked all the faster. (nng's own dialer is not left to it: it begins anew with each
 * connection, hides why it fails, and in 1.5.2 gives up for good when the peer closes during the TLS handshake.)
 * Returns at once; whether the broker is there shows in link_is_up and in what channels answer.
 */
#define LINK_PEM_MAX (64 * 1024)
#define LINK_DELAY_MS_MIN 100
#define LINK_DELAY_MS_MAX 10000
enum err link_open_lasting(const char *address, const char *certificate_pem, struct link **ret_link,
			   struct fault *fault) MUST_USE;
/* Whether a connection stands now, and how often one has been made since the start. Any thread. */
bool link_is_up(struct link *link);
unsigned link_connections(struct link *link);
/* Why the last try to connect failed: ERR_CERTIFICATE when the broker showed another one than the pinned, which is not
 * the same as being away; ERR_NETWORK; ERR_OK while a connection stands or none was tried yet. Any thread. */
enum err link_trouble(struct link *link);
/* From the next connection on these certificates are trusted instead. Any thread. */
enum err link_trust(struct link *link, const char *certificate_pem) MUST_USE;
/* True if a connection was given up (see channel_open) and has not gone after_ms later. nng 1.5.2 takes connections
 * away in one thread of the process, which waits for ever for one that was closed between two parts of a message: the
 * link still takes for standing whatever is lost after that, and only another process comes out of it. Any thread. */
bool link_is_stuck(struct link *link, uint64_t after_ms);
/* Waits until a connection stands, at most timeout_ms; whether it does. Ends at once when the link is stopped. */
bool link_wait(struct link *link, uint64_t timeout_ms);
/* All exchanges end with ERR_NETWORK, those under way and later ones: before the threads are joined that use channels,
 * which must be closed before the link is. Any thread. */
void link_stop(struct link *link);

/* A channel: one conversation on the link's one connection (an nng context). Several may be under way at once, each in
 * its own thread. timeout_ms is for one exchange; ERR_NETWORK at once while no connection stands, and when it breaks
 * off. An exchange that ends with ERR_TIMEOUT while nothing at all came over the connection gives the connection up. */
struct channel;
enum err channel_open(struct link *link, uint64_t timeout_ms, struct channel **ret_channel) MUST_USE;
void channel_close(struct channel **channel);
/* send as above; pause as link_exchange's. */
struct exchange channel_exchange(struct channel *channel);
/* Ends an exchange that waits in another thread, with ERR_NETWORK; later ones work again. */
void channel_interrupt(struct channel *channel);

/* From now on timeout_ms is for each half of link_send's exchange. ERR_NETWORK for a link that is closed. */
enum err link_set_timeout(struct link *link, uint64_t timeout_ms) MUST_USE;
/* One request, one reply; ERR_TIMEOUT, ERR_NETWORK, ERR_TOO_LARGE. */
enum err link_send(struct link *link, struct slice message, struct bytes *ret_reply) MUST_USE;
/* The same as an exchange for sessions. */
struct exchange link_exchange(struct link *link);

#endif
