/*
 * One POST over HTTP, by somebody who does not trust who answers: bounded
 * headers (nng's 8 KiB), a body no longer than the caller's room, one deadline
 * for all of it. Redirects are not followed.
 *
 * Threads: one at a time posts; cancel comes from any.
 */
#ifndef KLUIS_BROKER_HTTP_POST_H
#define KLUIS_BROKER_HTTP_POST_H

#include "kluis/bytes.h"

#define HTTP_POST_TIMEOUT_MS 10000

struct http_post;

enum err http_post_new(struct http_post **ret_post) MUST_USE;
void http_post_free(struct http_post **post);

/* Sends body as text/plain to url ("http://..." or "https://...", whose certificate must be of one of the authorities
 * in ca_file and for its host). Appends the answer's body to ret_answer, whose maximum bounds it. ERR_TIMEOUT,
 * ERR_NETWORK, ERR_CERTIFICATE, ERR_TOO_LARGE; ERR_INPUT for an answer whose length cannot be known; ERR_STATE after
 * http_post_cancel. */
enum err http_post(struct http_post *post, const char *url, const char *ca_file, struct slice body,
		   unsigned *ret_status, struct bytes *ret_answer) MUST_USE;
/* Ends the post that is under way and all later ones. */
void http_post_cancel(struct http_post *post);

#endif
