#include "till/till_server.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "till/connections.h"
#include "till/pool.h"
#include "till/till_api.h"

/* Twice what a body may have: up to there till_api.c refuses it with a reason, beyond it nng does. */
#define COLLECT_MAX (2 * TILL_BODY_MAX)

static const struct {
	size_t threads, queue;
} lanes[TILL_LANES] = {
	/* each may wait for the journal's fsync, which they share; as many as that may wait for the broker */
	[TILL_LANE_DESK] = {8 + DESK_ASKING_MAX, 256},
	[TILL_LANE_PIN] = {1, 16}, /* a PIN costs 64 MiB and a tenth of a second: one at a time */
	[TILL_LANE_OFFICE] = {1, 16},
};

struct till_server {
	struct till_api api;
	nng_http_server *http;
	struct pool *pools[TILL_LANES];
	struct connections *connections;
	bool is_started;
};

/* ---- nng's requests and answers ---- */

static struct till_request request_of(nng_http_req *from)
{
	struct till_request request = {
		.method = nng_http_req_get_method(from),
		.uri = nng_http_req_get_uri(from),
		.host = nng_http_req_get_header(from, "Host"),
		.origin = nng_http_req_get_header(from, "Origin"),
		.fetch_site = nng_http_req_get_header(from, "Sec-Fetch-Site"),
		.type = nng_http_req_get_header(from, "Content-Type"),
		.encoding = nng_http_req_get_header(from, "Transfer-Encoding"),
		.authorization = nng_http_req_get_header(from, "Authorization"),
	};
	void *data = NULL;
	size_t length = 0;

	nng_http_req_get_data(from, &data, &length);
	request.body = SLICE(data, length);
	return request;
}

static int set_headers(nng_http_res *to, const struct till_response *response)
{
	char seconds[24];
	const char *const headers[][2] = {
		{"Content-Type", "application/json"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
	};
	int number = 0;

	for (size_t i = 0; number == 0 && i < sizeof headers / sizeof headers[0]; i++)
		number = nng_http_res_set_header(to, headers[i][0], headers[i][1]);
	if (number == 0 && response->allow != NULL)
		number = nng_http_res_set_header(to, "Allow", response->allow);
	if (number == 0 && response->retry_after_s > 0) {
		snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)response->retry_after_s);
		number = nng_http_res_set_header(to, "Retry-After", seconds);
	}
	return number;
}

/* RFC 9110's names of what nng has none for. */
static int set_status(nng_http_res *to, unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {{413, "Content Too Large"}, {421, "Misdirected Request"}};
	int number = nng_http_res_set_status(to, (uint16_t)status);

	for (size_t i = 0; number == 0 && i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			number = nng_http_res_set_reason(to, reasons[i].reason);
	return number;
}

static void finish(nng_aio *aio, const struct till_response *response)
{
	nng_http_res *to = NULL;
	int number = nng_http_res_alloc(&to);

	if (number == 0)
		number = set_status(to, response->status);
	if (number == 0)
		number = set_headers(to, response);
	if (number == 0 && response->body != NULL)
		number = nng_http_res_copy_data(to, response->body, strlen(response->body));
	if (number == 0)
		nng_aio_set_output(aio, 0, to);
	else if (to != NULL)
		nng_http_res_free(to);
	nng_aio_finish(aio, number);
}

/* ---- the pools ---- */

/* On a worker's thread. */
static void serve(void *context, void *job)
{
	const struct till_server *server = context;
	nng_aio *aio = job;
	struct till_request request = request_of(nng_aio_get_input(aio, 0));
	struct till_response response;

	till_api_answer(&server->api, &request, &response);
	finish(aio, &response);
	till_response_fini(&response);
}

/* On nng's thread: only hands on. */
static void on_request(nng_aio *aio)
{
	nng_http_handler *handler = nng_aio_get_input(aio, 1);
	struct till_server *server = nng_http_handler_get_data(handler);
	struct till_request request = request_of(nng_aio_get_input(aio, 0));
	struct pool *pool = server->pools[till_api_lane(&request)];
	struct till_response busy = {.status = 503, .retry_after_s = 1};

	if (!pool_push(pool, aio))
		finish(aio, &busy);
}

/* ---- opening and closing ---- */

static enum err add_handler(struct till_server *server)
{
	nng_http_handler *handler;

	if (nng_http_handler_alloc(&handler, "/", on_request) != 0)
		return ERR_MEMORY;
	int number = nng_http_handler_set_method(handler, NULL);
	if (number == 0)
		number = nng_http_handler_set_tree(handler);
	if (number == 0)
		number = nng_http_handler_collect_body(handler, true, COLLECT_MAX);
	if (number == 0)
		number = nng_http_handler_set_data(handler, server, NULL);
	if (number == 0)
		number = nng_http_server_add_handler(server->http, handler);
	if (number == 0)
		return ERR_OK;
	nng_http_handler_free(handler);
	/* nng has one server for an address in a process */
	return number == NNG_EADDRINUSE ? ERR_IN_USE : ERR_MEMORY;
}

static enum err listen(struct till_server *server, const struct till_server_options *options, struct fault *fault)
{
	bool is_six = strcmp(options->address, "::1") == 0;
	char text[64];
	nng_url *url;
	nng_sockaddr address;

	snprintf(text, sizeof text, is_six ? "http://[%s]:%u" : "http://%s:%u", options->address, options->port);
	if (nng_url_parse(&url, text) != 0)
		return ERR_MEMORY;
	int number = nng_http_server_hold(&server->http, url);
	nng_url_free(url);
	if (number != 0)
		return ERR_MEMORY;
	enum err err = add_handler(server);
	if (err != ERR_OK)
		return fault_set(fault, err, "'%s' cannot be listened on: %s", text, error_text(err));
	number = nng_http_server_start(server->http);
	if (number != 0)
		return fault_set(fault, ERR_IN_USE, "'%s' cannot be listened on: %s", text, nng_strerror(number));
	server->is_started = true;
	server->api.port = options->port;
	if (nng_http_server_get_addr(server->http, &address) == 0)
		server->api.port = is_six ? (unsigned)get_u16((const uint8_t *)&address.s_in6.sa_port)
					  : (unsigned)get_u16((const uint8_t *)&address.s_in.sa_port);
	return ERR_OK;
}

enum err till_server_open(const struct till_server_options *options, struct till_server **ret_server,
			  struct fault *fault)
{
	struct till_server *server CLEANUP(till_server_close) = NULL;
	bool is_loopback = strcmp(options->address, "127.0.0.1") == 0 || strcmp(options->address, "::1") == 0;

	if (!is_loopback)
		return fault_set(fault, ERR_INPUT, "'%.64s': tills are served on 127.0.0.1 or ::1 only",
				 options->address);
	server = calloc(1, sizeof *server);
	if (server == NULL)
		return ERR_MEMORY;
	server->api.options = options;
	TRY(connections_new(&server->connections));
	for (size_t i = 0; i < TILL_LANES; i++)
		TRY(pool_new(lanes[i].threads, lanes[i].queue, serve, server, &server->pools[i]));
	TRY(listen(server, options, fault));
	*ret_server = server;
	server = NULL;
	return ERR_OK;
}

unsigned till_server_port(const struct till_server *server)
{
	return server->api.port;
}

void till_server_tick(struct till_server *server)
{
	connections_trim(server->connections, server->api.port, TILL_SILENT_MS_MAX, TILL_CONNECTIONS_MAX);
}

void till_server_close(struct till_server **server)
{
	if (*server == NULL)
		return;
	if ((*server)->is_started)
		nng_http_server_stop((*server)->http);
	for (size_t i = 0; i < TILL_LANES; i++)
		pool_free(&(*server)->pools[i]);
	if ((*server)->http != NULL)
		nng_http_server_release((*server)->http);
	connections_free(&(*server)->connections);
	free(*server);
	*server = NULL;
}
