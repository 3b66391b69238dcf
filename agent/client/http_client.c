#include "client/http_client.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"

#define TIMEOUT_MS 30000 /* a lookup may have to ask the broker */
#define ANSWER_MAX (1024 * 1024)
#define BEARER "Bearer "

struct http_client {
	nng_url *url;
	nng_http_client *client;
	nng_http_conn *connection; /* NULL: none stands */
	nng_aio *aio;
	char host[64];
	char authorization[128]; /* empty: none */
};

__attribute__((noinline)) static void disconnect(struct http_client *client)
{
	if (client->connection != NULL)
		nng_http_conn_close(client->connection);
	client->connection = NULL;
}

__attribute__((noinline)) static void release(struct http_client *client)
{
	if (client->connection != NULL)
		nng_http_conn_close(client->connection);
	if (client->client != NULL)
		nng_http_client_free(client->client);
	if (client->aio != NULL)
		nng_aio_free(client->aio);
	if (client->url != NULL)
		nng_url_free(client->url);
}

void http_client_free(struct http_client **client)
{
	struct http_client *old = *client;

	*client = NULL;
	if (old == NULL)
		return;
	release(old);
	wipe(old, sizeof *old);
	free(old);
}

struct http_client *http_client_new(const char *address, unsigned port)
{
	struct http_client *client CLEANUP(http_client_free) = calloc(1, sizeof *client);
	char text[80];

	if (client == NULL)
		return NULL;
	snprintf(client->host, sizeof client->host, strchr(address, ':') != NULL ? "[%.45s]:%u" : "%.45s:%u", address,
		 port);
	snprintf(text, sizeof text, "http://%s", client->host);
	if (nng_url_parse(&client->url, text) != 0 || nng_http_client_alloc(&client->client, client->url) != 0 ||
	    nng_aio_alloc(&client->aio, NULL, NULL) != 0)
		return NULL;
	nng_aio_set_timeout(client->aio, TIMEOUT_MS);
	struct http_client *made = client;
	client = NULL;
	return made;
}

enum err http_client_authorize(struct http_client *client, const char *token)
{
	wipe(client->authorization, sizeof client->authorization);
	if (token == NULL)
		return ERR_OK;
	if (strlen(token) + sizeof BEARER > sizeof client->authorization)
		return ERR_TOO_LARGE;
	snprintf(client->authorization, sizeof client->authorization, BEARER "%s", token);
	return ERR_OK;
}

static int connect_now(struct http_client *client)
{
	if (client->connection != NULL)
		return 0;
	nng_http_client_connect(client->client, client->aio);
	nng_aio_wait(client->aio);
	int number = nng_aio_result(client->aio);
	if (number == 0)
		client->connection = nng_aio_get_output(client->aio, 0);
	return number;
}

static int fill(struct http_client *client, nng_http_req *request, const char *method, const char *path,
		const char *body)
{
	int number = nng_http_req_set_method(request, method);

	if (number == 0)
		number = nng_http_req_set_uri(request, path);
	if (number == 0)
		number = nng_http_req_set_header(request, "Host", client->host);
	if (number == 0 && client->authorization[0] != '\0')
		number = nng_http_req_set_header(request, "Authorization", client->authorization);
	if (number == 0 && body != NULL)
		number = nng_http_req_set_header(request, "Content-Type", "application/json");
	if (number == 0 && body != NULL)
		number = nng_http_req_copy_data(request, body, strlen(body));
	return number;
}

static int exchange(struct http_client *client, const char *method, const char *path, const char *body,
		    nng_http_res *response)
{
	nng_http_req *request;
	int number = nng_http_req_alloc(&request, client->url);

	if (number != 0)
		return number;
	number = fill(client, request, method, path, body);
	if (number == 0)
		number = connect_now(client);
	if (number == 0) {
		nng_http_conn_transact(client->connection, request, response, client->aio);
		nng_aio_wait(client->aio);
		number = nng_aio_result(client->aio);
	}
	nng_http_req_free(request);
	if (number != 0)
		disconnect(client);
	return number;
}

static enum err read_answer(nng_http_res *response, unsigned *ret_status, json_t **ret_answer, struct fault *fault)
{
	void *data = NULL;
	size_t length = 0;

	nng_http_res_get_data(response, &data, &length);
	if (length > ANSWER_MAX)
		return fault_set(fault, ERR_INPUT, "the agent's answer is too large");
	json_t *answer = NULL;
	if (length > 0) {
		answer = json_loadb(data, length, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(answer)) {
			json_decref(answer);
			return fault_set(fault, ERR_INPUT, "what answers there is not a kluis-agent");
		}
	}
	*ret_answer = answer;
	*ret_status = nng_http_res_get_status(response);
	return ERR_OK;
}

/* Only what was refused before it was read may be said twice: a connection closed while it was idle. */
static bool was_stale(bool was_connected, int number)
{
	return was_connected && (number == NNG_ECLOSED || number == NNG_ECONNRESET || number == NNG_ECONNSHUT);
}

static enum err call(struct http_client *client, const char *method, const char *path, const char *body,
		     unsigned *ret_status, json_t **ret_answer, struct fault *fault)
{
	nng_http_res *response;
	bool was_connected = client->connection != NULL;

	if (nng_http_res_alloc(&response) != 0)
		return ERR_MEMORY;
	int number = exchange(client, method, path, body, response);
	if (was_stale(was_connected, number)) {
		nng_http_res_reset(response);
		number = exchange(client, method, path, body, response);
	}
	enum err err = ERR_OK;
	if (number != 0)
		err = fault_set(fault, ERR_NETWORK, "no agent answers at %s: %s", client->host, nng_strerror(number));
	else
		err = read_answer(response, ret_status, ret_answer, fault);
	nng_http_res_free(response);
	return err;
}

enum err http_client_call(struct http_client *client, const char *method, const char *path, const json_t *body,
			  unsigned *ret_status, json_t **ret_answer, struct fault *fault)
{
	char *text = NULL;

	if (body != NULL) {
		text = json_dumps(body, JSON_COMPACT);
		if (text == NULL)
			return ERR_MEMORY;
	}
	enum err err = call(client, method, path, text, ret_status, ret_answer, fault);
	if (text != NULL)
		wipe(text, strlen(text));
	free(text);
	return err;
}
