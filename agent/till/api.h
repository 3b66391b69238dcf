/*
 * The local API without its sockets: a request as the HTTP server read it in, status and JSON out.
 *
 * Threads: any; an api is read-only.
 */
#ifndef KLUIS_AGENT_TILL_API_H
#define KLUIS_AGENT_TILL_API_H

#include "till/server.h"

/* Zero-terminated texts, NULL where the header is absent; nothing is believed. */
struct till_request {
	const char *method;
	const char *uri; /* as it was sent */
	const char *host, *origin, *fetch_site, *type, *encoding, *authorization;
	struct slice body;
};

struct till_response {
	unsigned status;
	char *body;		/* JSON text, from malloc: json_dumps's; NULL for 204 */
	uint64_t retry_after_s; /* with 429, 503; 0: none */
	const char *allow;	/* with 405 */
};
/* Wipes and frees the body. */
void till_response_fini(struct till_response *response);

struct till_api {
	const struct till_server_options *options;
	unsigned port; /* that tills really reach it by */
};

/* Answers; always sets a status. */
void till_api_answer(const struct till_api *api, const struct till_request *request,
		     struct till_response *ret_response);
/* Whether answering takes long by intent (Argon2id): such requests queue apart, so that they hold up nobody else. */
bool till_api_is_slow(const struct till_request *request);

#endif
