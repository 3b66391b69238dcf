#include "server/http_post.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <nng/supplemental/tls/tls.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/clock.h"

#define LENGTH_DIGITS_MAX 9

struct http_post {
	pthread_mutex_t mutex;
	bool is_cancelled; /* guarded by mutex */
	nng_aio *aio;
};

/* Everything of one post. */
struct exchange {
	struct http_post *post;
	uint64_t deadline_ms;
	nng_url *url;
	nng_tls_config *tls;
	nng_http_client *client;
	nng_http_conn *connection;
	nng_http_req *request;
	nng_http_res *response;
	size_t read; /* bytes of the last one */
};

static enum err http_error(int number)
{
	static const struct {
		int number;
		enum err err;
	} table[] = {
		{0, ERR_OK},
		{NNG_ENOMEM, ERR_MEMORY},
		{NNG_ETIMEDOUT, ERR_TIMEOUT},
		{NNG_ECRYPTO, ERR_CERTIFICATE},
		{NNG_EPEERAUTH, ERR_CERTIFICATE},
		{NNG_ENOENT, ERR_CERTIFICATE}, /* the authorities' file */
		{NNG_EMSGSIZE, ERR_TOO_LARGE},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].number == number)
			return table[i].err;
	}
	return ERR_NETWORK;
}

/* ---- making and cancelling ---- */

enum err http_post_new(struct http_post **ret_post)
{
	struct http_post *post = calloc(1, sizeof(*post));
	if (post == NULL)
		return ERR_MEMORY;
	if (nng_aio_alloc(&post->aio, NULL, NULL) != 0) {
		free(post);
		return ERR_MEMORY;
	}
	pthread_mutex_init(&post->mutex, NULL);
	*ret_post = post;
	return ERR_OK;
}

void http_post_free(struct http_post **post)
{
	if (*post == NULL)
		return;
	nng_aio_free((*post)->aio);
	pthread_mutex_destroy(&(*post)->mutex);
	free(*post);
	*post = NULL;
}

void http_post_cancel(struct http_post *post)
{
	pthread_mutex_lock(&post->mutex);
	post->is_cancelled = true;
	nng_aio_cancel(post->aio);
	pthread_mutex_unlock(&post->mutex);
}

/* ---- one step at a time, all before one deadline ---- */

static enum err run_step(struct exchange *exchange, void (*begin)(struct exchange *exchange, nng_aio *aio))
{
	struct http_post *post = exchange->post;
	uint64_t now_ms = clock_steady_ms();
	if (now_ms >= exchange->deadline_ms)
		return ERR_TIMEOUT;
	pthread_mutex_lock(&post->mutex);
	bool is_cancelled = post->is_cancelled;
	if (!is_cancelled) {
		nng_aio_set_timeout(post->aio, (nng_duration)(exchange->deadline_ms - now_ms));
		begin(exchange, post->aio);
	}
	pthread_mutex_unlock(&post->mutex);
	if (is_cancelled)
		return ERR_STATE;
	nng_aio_wait(post->aio);
	int number = nng_aio_result(post->aio);
	exchange->read = number == 0 ? nng_aio_count(post->aio) : 0;
	return number == NNG_ECANCELED ? ERR_STATE : http_error(number);
}

static void begin_connect(struct exchange *exchange, nng_aio *aio)
{
	nng_http_client_connect(exchange->client, aio);
}

static void begin_write(struct exchange *exchange, nng_aio *aio)
{
	nng_http_conn_write_req(exchange->connection, exchange->request, aio);
}

static void begin_read_head(struct exchange *exchange, nng_aio *aio)
{
	nng_http_conn_read_res(exchange->connection, exchange->response, aio);
}

static void begin_read(struct exchange *exchange, nng_aio *aio)
{
	nng_http_conn_read(exchange->connection, aio);
}

/* ---- what is sent ---- */

static enum err use_tls(struct exchange *exchange, const char *ca_file)
{
	TRY(http_error(nng_tls_config_alloc(&exchange->tls, NNG_TLS_MODE_CLIENT)));
	TRY(http_error(nng_tls_config_server_name(exchange->tls, exchange->url->u_hostname)));
	TRY(http_error(nng_tls_config_auth_mode(exchange->tls, NNG_TLS_AUTH_MODE_REQUIRED)));
	if (nng_tls_config_ca_file(exchange->tls, ca_file) != 0)
		return ERR_CERTIFICATE;
	return http_error(nng_http_client_set_tls(exchange->client, exchange->tls));
}

/* HTTP/1.0, so that the answer comes whole: with its length or ended by the connection, never in chunks. */
static enum err make_request(struct exchange *exchange, struct slice body)
{
	TRY(http_error(nng_http_req_alloc(&exchange->request, exchange->url)));
	TRY(http_error(nng_http_req_set_method(exchange->request, "POST")));
	TRY(http_error(nng_http_req_set_version(exchange->request, "HTTP/1.0")));
	TRY(http_error(nng_http_req_set_header(exchange->request, "Content-Type", "text/plain; charset=utf-8")));
	TRY(http_error(nng_http_req_set_header(exchange->request, "Connection", "close")));
	TRY(http_error(nng_http_req_copy_data(exchange->request, body.data, body.length)));
	return http_error(nng_http_res_alloc(&exchange->response));
}

static enum err prepare(struct exchange *exchange, const char *url, const char *ca_file, struct slice body)
{
	TRY(http_error(nng_url_parse(&exchange->url, url)));
	TRY(http_error(nng_http_client_alloc(&exchange->client, exchange->url)));
	if (strcmp(exchange->url->u_scheme, "https") == 0)
		TRY(use_tls(exchange, ca_file));
	return make_request(exchange, body);
}

/* ---- what comes back ---- */

/* False if the header is no plain number. */
static bool parse_length(const char *text, size_t *ret_length)
{
	size_t digits = strspn(text, "0123456789"), length = 0;
	if (digits == 0 || digits > LENGTH_DIGITS_MAX || text[digits] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		length = length * 10 + (size_t)(text[i] - '0');
	*ret_length = length;
	return true;
}

/* Reads what comes next, at most wanted bytes. */
static enum err read_some(struct exchange *exchange, size_t wanted, struct bytes *answer)
{
	uint8_t place[1024];
	nng_iov iov = {.iov_buf = place, .iov_len = wanted < sizeof(place) ? wanted : sizeof(place)};
	TRY(http_error(nng_aio_set_iov(exchange->post->aio, 1, &iov)));
	TRY(run_step(exchange, begin_read));
	return bytes_append(answer, SLICE(place, exchange->read));
}

static enum err read_length(struct exchange *exchange, size_t length, struct bytes *answer)
{
	size_t end = answer->length + length;
	if (length > answer->maximum - answer->length)
		return ERR_TOO_LARGE;
	while (answer->length < end)
		TRY(read_some(exchange, end - answer->length, answer));
	return ERR_OK;
}

/* Without a length the end of the connection is the end of the body; one byte over the room is too much. */
static enum err read_to_the_end(struct exchange *exchange, struct bytes *answer)
{
	for (;;) {
		enum err err = read_some(exchange, SIZE_MAX, answer);
		if (err == ERR_NETWORK)
			return ERR_OK;
		TRY(err);
	}
}

static enum err read_answer(struct exchange *exchange, unsigned *ret_status, struct bytes *answer)
{
	TRY(run_step(exchange, begin_read_head));
	const char *text = nng_http_res_get_header(exchange->response, "Content-Length");
	size_t length = 0;
	*ret_status = nng_http_res_get_status(exchange->response);
	if (nng_http_res_get_header(exchange->response, "Transfer-Encoding") != NULL)
		return ERR_INPUT;
	if (text == NULL)
		return read_to_the_end(exchange, answer);
	return parse_length(text, &length) ? read_length(exchange, length, answer) : ERR_INPUT;
}

__attribute__((noinline)) static void exchange_fini(struct exchange *exchange)
{
	if (exchange->connection != NULL)
		nng_http_conn_close(exchange->connection);
	if (exchange->response != NULL)
		nng_http_res_free(exchange->response);
	if (exchange->request != NULL)
		nng_http_req_free(exchange->request);
	if (exchange->client != NULL)
		nng_http_client_free(exchange->client);
	if (exchange->tls != NULL)
		nng_tls_config_free(exchange->tls);
	if (exchange->url != NULL)
		nng_url_free(exchange->url);
}

enum err http_post(struct http_post *post, const char *url, const char *ca_file, struct slice body,
		   unsigned *ret_status, struct bytes *ret_answer)
{
	CLEANUP(exchange_fini) struct exchange exchange = {.post = post};
	exchange.deadline_ms = clock_steady_ms() + HTTP_POST_TIMEOUT_MS;
	TRY(prepare(&exchange, url, ca_file, body));
	TRY(run_step(&exchange, begin_connect));
	exchange.connection = nng_aio_get_output(post->aio, 0);
	TRY(run_step(&exchange, begin_write));
	return read_answer(&exchange, ret_status, ret_answer);
}
