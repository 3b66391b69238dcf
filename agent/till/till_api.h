/*
 * The local API without its sockets: a request as the HTTP server read it in, status and JSON out.
 *
 * Threads: any; an api is read-only.
 */
#ifndef KLUIS_AGENT_TILL_API_H
#define KLUIS_AGENT_TILL_API_H

#include "till/till_server.h"

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
	_Atomic unsigned port; /* that tills really reach it by; known once it listens */
};

/* Answers; always sets a status. */
void till_api_answer(const struct till_api *api, const struct till_request *request,
		     struct till_response *ret_response);
/* Requests that take long queue apart, so that they hold up nobody else: a PIN by intent (Argon2id), the office's
 * because they may wait for the broker. */
enum till_lane { TILL_LANE_DESK, TILL_LANE_PIN, TILL_LANE_OFFICE, TILL_LANES };
enum till_lane till_api_lane(const struct till_request *request);

#endif
