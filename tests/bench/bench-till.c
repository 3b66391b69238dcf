/*
 * Lookups over the local HTTP API of a running agent, each recorded in its journal on disk before it is answered: how
 * many, how soon. Beside it, in the same run: a bare nng HTTP server that answers at once, and commits of one small
 * value to LMDB on the disk of $TMPDIR or /tmp, each with its fsync.
 */
#include <lmdb.h>
#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http_client.h"
#include "kluis/clock.h"
#include "kluis/ini.h"
#include "kluis/till.h"
#include "scratch.h"

#define CLIENTS_MAX 8
#define CALLS_MAX 100000

static const char usage[] = "usage: bench-till PORT NAME PIN PURPOSE FIELD VALUE [CALLS]\n"
			    "\n"
			    "An agent runs with its till port there; NAME, with the invented PIN, asks for a member "
			    "CALLS times (2000), from 1\n"
			    "client and from 8. A row is what was done, how often a second, and how long each took at "
			    "the median and for the\n"
			    "slowest hundredth.\n";

static struct {
	unsigned port, echo_port;
	const char *name, *pin, *purpose, *field, *value;
	unsigned calls;
} job;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench-till: %s\n", what);
	exit(1);
}

static uint64_t now_us(void)
{
	return clock_steady_ns() / 1000;
}

/* ---- one client ---- */

struct client {
	pthread_t thread;
	void (*run)(struct client *client);
	unsigned calls;
	uint64_t *took_us;
};

static void look_up(struct client *client)
{
	struct kluis_till *till = kluis_till_open("127.0.0.1", job.port);
	const struct kluis_till_member *member;

	must(till != NULL && kluis_till_sign_in(till, job.name, job.pin) == KLUIS_TILL_OK, "cannot sign in");
	for (unsigned i = 0; i < client->calls; i++) {
		uint64_t began = now_us();
		int code = kluis_till_lookup(till, job.purpose, job.field, job.value, &member);
		client->took_us[i] = now_us() - began;
		must(code == KLUIS_TILL_OK, kluis_till_error(till));
	}
	kluis_till_close(&till);
}

static void ask_echo(struct client *client)
{
	struct http_client *http = http_client_new("127.0.0.1", job.echo_port);
	json_t *body = json_pack("{s:s, s:s, s:s}", "purpose", job.purpose, "field", job.field, "value", job.value);

	must(http != NULL && body != NULL, "memory");
	for (unsigned i = 0; i < client->calls; i++) {
		json_t *answer = NULL;
		unsigned status;
		uint64_t began = now_us();
		enum err err = http_client_call(http, "POST", "/", body, &status, &answer, NULL);
		client->took_us[i] = now_us() - began;
		must(err == ERR_OK, "the bare server does not answer");
		json_decref(answer);
	}
	json_decref(body);
	http_client_free(&http);
}

static void commit(struct client *client)
{
	char folder[SCRATCH_MAX];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;

	scratch_new(folder);
	must(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 1u << 30) == 0 &&
		     mdb_env_open(env, folder, 0, 0600) == 0,
	     "LMDB");
	for (unsigned i = 0; i < client->calls; i++) {
		char record[300] = "";
		MDB_val key = {sizeof i, &i}, value = {sizeof record, record};
		uint64_t began = now_us();
		must(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &table) == 0 &&
			     mdb_put(txn, table, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0,
		     "LMDB commit");
		client->took_us[i] = now_us() - began;
	}
	mdb_env_close(env);
	scratch_remove(folder);
}

/* ---- several ---- */

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static void *start(void *client)
{
	struct client *self = client;

	self->run(self);
	return NULL;
}

static void measure(const char *what, unsigned count, void (*run)(struct client *client))
{
	static uint64_t took[CALLS_MAX];
	struct client clients[CLIENTS_MAX];
	unsigned each = job.calls / count, all = each * count;
	uint64_t began = now_us();

	for (unsigned i = 0; i < count; i++) {
		clients[i] = (struct client){.run = run, .calls = each, .took_us = took + (size_t)i * each};
		must(pthread_create(&clients[i].thread, NULL, start, &clients[i]) == 0, "thread");
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(clients[i].thread, NULL);
	double seconds = (double)(now_us() - began) / 1e6;
	qsort(took, all, sizeof took[0], compare);
	printf("%-28s %7u %10.0f %9.2f %9.2f\n", what, count, all / seconds, (double)took[all / 2] / 1000,
	       (double)took[all - 1 - all / 100] / 1000);
}

/* ---- the bare server ---- */

static void echo(nng_aio *aio)
{
	nng_http_res *answer;

	must(nng_http_res_alloc(&answer) == 0 && nng_http_res_copy_data(answer, "{}", 2) == 0, "nng");
	nng_aio_set_output(aio, 0, answer);
	nng_aio_finish(aio, 0);
}

static nng_http_server *serve_echo(void)
{
	nng_http_server *server = NULL;
	nng_http_handler *handler = NULL;
	nng_sockaddr address;
	nng_url *url = NULL;

	must(nng_url_parse(&url, "http://127.0.0.1:0/") == 0 && nng_http_server_hold(&server, url) == 0 &&
		     nng_http_handler_alloc(&handler, "/", echo) == 0 &&
		     nng_http_handler_set_method(handler, "POST") == 0 &&
		     nng_http_handler_collect_body(handler, true, 65536) == 0 &&
		     nng_http_server_add_handler(server, handler) == 0 && nng_http_server_start(server) == 0 &&
		     nng_http_server_get_addr(server, &address) == 0,
	     "the bare server");
	nng_url_free(url);
	job.echo_port = (unsigned)((address.s_in.sa_port >> 8 & 0xff) | (address.s_in.sa_port & 0xff) << 8);
	return server;
}

static unsigned number(const char *text, uint64_t maximum)
{
	uint64_t value = 0;

	must(ini_u64(text, 1, maximum, &value, NULL) == ERR_OK, usage);
	return (unsigned)value;
}

int main(int argc, char **argv)
{
	must(argc == 7 || argc == 8, usage);
	job.port = number(argv[1], 65535);
	job.name = argv[2];
	job.pin = argv[3];
	job.purpose = argv[4];
	job.field = argv[5];
	job.value = argv[6];
	job.calls = argc == 8 ? number(argv[7], CALLS_MAX) : 2000;
	nng_http_server *server = serve_echo();
	printf("%-28s %7s %10s %9s %9s\n", "", "clients", "a second", "p50 ms", "p99 ms");
	measure("LMDB commit with fsync", 1, commit);
	for (unsigned count = 1; count <= CLIENTS_MAX; count *= 8) {
		measure("bare nng HTTP", count, ask_echo);
		measure("lookup, journal on disk", count, look_up);
	}
	nng_http_server_release(server);
	return 0;
}
