/*
 * The local API that tills use: HTTP with JSON on loopback (agent/till/openapi.json has every call).
 *
 *     nng's HTTP server ─▶ door (Host, Origin, type, size, path) ─▶ route ─▶ desk or office ─▶ JSON
 *
 * A page in a browser on the till can reach loopback too: the door refuses whatever a browser adds or leaves out, and
 * every call but GET /v1/status and signing in needs a token that no page has.
 *
 * Threads: a server belongs to one thread; it serves on its own and calls desk, status and office from them.
 */
#ifndef KLUIS_AGENT_TILL_SERVER_H
#define KLUIS_AGENT_TILL_SERVER_H

#include <jansson.h>

#include "desk/desk.h"

#define TILL_PORT 7411
#define TILL_BODY_MAX (64 * 1024)
#define TILL_CONNECTIONS_MAX 256 /* a store has a few tills; the rest of the descriptors is the agent's own */
#define TILL_SILENT_MS_MAX 60000 /* longer than any answer takes */

/*
 * What the folder's owner may have the daemon do, with the token of the folder's admin.token: each takes a JSON object
 * (no other members than its row names; their types are the call's to check) and gives one back in *ret_answer (a new
 * reference; may stay NULL for nothing). The fault goes into the answer's text. Implemented by run/office.c.
 */
typedef enum err till_office_fn(void *context, const json_t *body, json_t **ret_answer, struct fault *fault);

struct till_office_call {
	const char *name; /* "staff/add": POST /v1/admin/staff/add */
	till_office_fn *call;
	const char *members; /* that the body may have: "handle name"; NULL: none */
};
/* The calls: staff/add {handle, name, role}, staff/remove {handle}, staff/pin {handle, pin}, staff/list {},
 * agreement/offered {}, agreement/sign {hash}, alarms/list {}, alarms/seen {number}, outbox/list {}, outbox/retry
 * {number}, outbox/discard {number}, prove {index}, key/rotate {}. */

struct till_server_options {
	const char *address; /* "127.0.0.1" or "::1" and nothing else: ERR_INPUT */
	unsigned port;	     /* 0: any free one */
	struct desk *desk;
	struct outbox *outbox;
	/* What GET /v1/status answers: nothing personal, no secret. A new reference; NULL when memory is short. */
	json_t *(*status)(void *context);
	void *status_context;
	const char *admin_token; /* 64 hex digits; NULL: no admin calls */
	const struct till_office_call *office;
	size_t office_count;
	void *office_context;
};

struct till_server;
/* Listens and serves from now on. ERR_IN_USE, ERR_INPUT, with a fault that names the address. The options' pointers
 * must outlive the server. */
enum err till_server_open(const struct till_server_options *options, struct till_server **ret_server,
			  struct fault *fault) MUST_USE;
unsigned till_server_port(const struct till_server *server);
/* Once a second: ends connections in which nothing was said for TILL_SILENT_MS_MAX, and beyond TILL_CONNECTIONS_MAX
 * those that are silent longest. */
void till_server_tick(struct till_server *server);
/* Takes nothing more in, answers what is in, ends its threads. */
void till_server_close(struct till_server **server);

#endif
