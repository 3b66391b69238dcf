#include "echo.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kluis/clock.h"
#include "kluis/file.h"
#include "kluis/limits.h"
#include "kluis/link.h"
#include "scratch.h"

#define PEM_MAX 16384
#define WARM_UP 20
#define TIMEOUT_MS 10000

/* The server process and the two pipes to it. */
struct server_process {
	pid_t pid;
	FILE *to;
	FILE *from;
	char folder[SCRATCH_MAX];
	char address[64];
	struct bytes certificate;
};

struct client {
	const struct echo_load *load;
	struct link *link;
	pthread_t thread;
	unsigned messages;
	uint64_t *latencies_ns; /* its part of the array of all */
	enum err err;
};

static enum err run_server(struct server_process *server, const struct echo_load *load, struct fault *fault)
{
	int to[2];
	int from[2];
	char reply_size[32];
	snprintf(reply_size, sizeof(reply_size), "%zu", load->reply_size);
	if (pipe(to) != 0 || pipe(from) != 0)
		return fault_set(fault, file_error(errno), "no pipe");
	server->pid = fork();
	if (server->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[1]);
		close(from[0]);
		execl(TEST_BINARIES "/bench-echo", "bench-echo", "--serve", server->folder, reply_size, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	server->to = fdopen(to[1], "w");
	server->from = fdopen(from[0], "r");
	unsigned port = 0;
	if (server->pid < 0 || fscanf(server->from, "port %u", &port) != 1)
		return fault_set(fault, ERR_IO, "'%s' does not serve", TEST_BINARIES "/bench-echo");
	snprintf(server->address, sizeof(server->address), "tls+tcp://127.0.0.1:%u", port);
	return ERR_OK;
}

static enum err start_server(struct server_process *server, const struct echo_load *load, struct fault *fault)
{
	char path[SCRATCH_MAX + 16];
	scratch_new(server->folder);
	TRY(run_server(server, load, fault));
	snprintf(path, sizeof(path), "%s/tls.crt", server->folder);
	TRY(file_read(path, &server->certificate, fault));
	return bytes_append_u8(&server->certificate, 0);
}

/* Its input's end is the server's end. */
static void stop_server(struct server_process *server)
{
	if (server->to != NULL)
		fclose(server->to);
	if (server->from != NULL)
		fclose(server->from);
	if (server->pid > 0)
		waitpid(server->pid, NULL, 0);
	bytes_fini(&server->certificate);
	if (server->folder[0] != '\0')
		scratch_remove(server->folder);
}

static enum err read_cpu(struct server_process *server, uint64_t *ret_ns)
{
	unsigned long long cpu_ns = 0;
	if (fputs("\n", server->to) < 0 || fflush(server->to) != 0 || fscanf(server->from, "%llu", &cpu_ns) != 1)
		return ERR_IO;
	*ret_ns = cpu_ns;
	return ERR_OK;
}

static enum err send_messages(struct client *client, unsigned count, uint64_t *ret_latencies_ns)
{
	CLEANUP(bytes_fini) struct bytes message;
	CLEANUP(bytes_fini) struct bytes reply;
	uint8_t *body;
	bytes_init(&message, MESSAGE_MAX);
	bytes_init(&reply, MESSAGE_MAX);
	TRY(bytes_reserve(&message, client->load->request_size, &body));
	memset(body, 0x5a, client->load->request_size);
	message.length = client->load->request_size;
	for (unsigned i = 0; i < count; i++) {
		uint64_t began_ns = clock_steady_ns();
		bytes_clear(&reply);
		TRY(link_send(client->link, bytes_slice(&message), &reply));
		if (ret_latencies_ns != NULL)
			ret_latencies_ns[i] = clock_steady_ns() - began_ns;
	}
	return ERR_OK;
}

static void *run_client(void *argument)
{
	struct client *client = argument;
	client->err = send_messages(client, client->messages, client->latencies_ns);
	return NULL;
}

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;
	return *first < *second ? -1 : *first > *second;
}

static enum err connect_clients(struct client *clients, const struct echo_load *load, struct server_process *server,
				uint64_t *latencies_ns, struct fault *fault)
{
	unsigned each = load->messages / load->clients;
	for (unsigned i = 0; i < load->clients; i++) {
		clients[i].load = load;
		clients[i].messages = each;
		clients[i].latencies_ns = latencies_ns + (size_t)i * each;
		TRY(link_open(server->address, (const char *)server->certificate.data, TIMEOUT_MS, &clients[i].link,
			      fault));
		TRY(send_messages(&clients[i], WARM_UP, NULL));
	}
	return ERR_OK;
}

static enum err run_load(struct client *clients, const struct echo_load *load)
{
	enum err err = ERR_OK;
	unsigned started = 0;
	for (; started < load->clients; started++) {
		if (pthread_create(&clients[started].thread, NULL, run_client, &clients[started]) != 0)
			break;
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(clients[i].thread, NULL);
		err = err == ERR_OK ? clients[i].err : err;
	}
	return started < load->clients ? ERR_MEMORY : err;
}

static enum err measure(struct client *clients, const struct echo_load *load, struct server_process *server,
			uint64_t *latencies_ns, struct echo_figures *ret_figures, struct fault *fault)
{
	struct echo_figures figures = {.messages = load->messages / load->clients * load->clients};
	uint64_t cpu_before_ns = 0;
	uint64_t cpu_after_ns = 0;
	TRY(start_server(server, load, fault));
	TRY(connect_clients(clients, load, server, latencies_ns, fault));
	TRY(read_cpu(server, &cpu_before_ns));
	uint64_t began_ns = clock_steady_ns();
	TRY(run_load(clients, load));
	figures.wall_ns = clock_steady_ns() - began_ns;
	TRY(read_cpu(server, &cpu_after_ns));
	figures.server_cpu_ns = cpu_after_ns - cpu_before_ns;
	qsort(latencies_ns, figures.messages, sizeof(*latencies_ns), compare_ns);
	figures.p50_ns = latencies_ns[figures.messages / 2];
	figures.p99_ns = latencies_ns[figures.messages * 99 / 100];
	*ret_figures = figures;
	return ERR_OK;
}

enum err echo_measure(const struct echo_load *load, struct echo_figures *ret_figures, struct fault *fault)
{
	struct server_process server = {0};
	struct client *clients = calloc(load->clients, sizeof(*clients));
	uint64_t *latencies_ns = calloc(load->messages, sizeof(*latencies_ns));
	bytes_init(&server.certificate, PEM_MAX);
	enum err err = ERR_MEMORY;
	if (clients != NULL && latencies_ns != NULL)
		err = measure(clients, load, &server, latencies_ns, ret_figures, fault);
	for (unsigned i = 0; clients != NULL && i < load->clients; i++)
		link_close(&clients[i].link);
	stop_server(&server);
	free(clients);
	free(latencies_ns);
	return err;
}
