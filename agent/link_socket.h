/*
 * What the files of the link share; nng's types are seen in these alone.
 *
 *     link.c          options, one dial, one exchange after the other
 *     link_lasting.c  dials again and again, in a thread
 *     link_channel.c  several exchanges at a time
 *
 * Locks: lasting->mutex is taken before anything in nng, which calls back without locks of its own.
 */
#ifndef KLUIS_AGENT_LINK_SOCKET_H
#define KLUIS_AGENT_LINK_SOCKET_H

#include <nng/nng.h>
#include <pthread.h>

#include "kluis/link.h"

struct lasting {
	nng_socket socket;
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* of the next five */
	bool is_stopped;	/* no more exchanges */
	bool is_closing;	/* no more dialling either */
	bool is_up;
	unsigned connections;
	enum err trouble;
	nng_dialer dialing;	  /* while a dial is under way */
	nng_pipe pipe;		  /* while up */
	uint64_t received;	  /* messages, ever */
	unsigned silent;	  /* exchanges in a row that ended without one */
	uint64_t given_up_ms;	  /* steady: when the connection that stands was; 0: it was not */
	struct bytes address;	  /* with a zero */
	struct bytes certificate; /* likewise; empty with ipc */
	struct channel *channels;
	pthread_t thread;
	bool has_thread;
};

struct link {
	nng_socket socket;
	struct lasting *lasting; /* NULL: of link_open */
};

struct channel {
	struct lasting *lasting;
	struct channel *next;
	nng_ctx ctx;
	nng_aio *aio;
	nng_duration timeout;
	bool is_interrupted;
};

enum err link_error(int number);
enum err link_new(const char *address, const char *certificate_pem, uint64_t timeout_ms, struct link **ret_link,
		  struct fault *fault) MUST_USE;
/* A dialer for one try that trusts the pinned certificate and nothing else; the caller's to close. */
enum err link_dialer(nng_socket socket, const char *address, const char *certificate_pem, nng_dialer *ret_dialer,
		     struct fault *fault) MUST_USE;
/* Dials once. */
enum err link_dial(nng_dialer dialer, const char *address, uint64_t timeout_ms, struct fault *fault) MUST_USE;
/* Frees the message. */
enum err link_take(nng_msg *message, struct bytes *ret_reply) MUST_USE;
void link_pause(void *context, unsigned attempt);

void lasting_stop(struct lasting *lasting);
void lasting_free(struct lasting **lasting);
/* Interrupts what waits on a channel. Under the mutex. */
void channel_abort(struct channel *channel);

#endif
