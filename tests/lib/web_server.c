#include "web_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kluis/clock.h"

/* The body's length by the headers, once these are whole. */
static bool is_whole(const char *request, size_t length)
{
	const char *end = strstr(request, "\r\n\r\n");
	const char *header = strcasestr(request, "content-length:");

	if (end == NULL)
		return false;
	size_t body = header != NULL && header < end ? strtoul(header + 15, NULL, 10) : 0;
	return length >= (size_t)(end + 4 - request) + body;
}

static size_t receive(struct web_server *server, int client, char *request)
{
	size_t length = 0;

	request[0] = '\0';
	while (!is_whole(request, length) && length + 1 < WEB_REQUEST_MAX) {
		struct pollfd ready = {.fd = client, .events = POLLIN};
		if (poll(&ready, 1, 50) == 0) {
			if (server->is_stopping)
				return 0;
			continue;
		}
		ssize_t count = read(client, request + length, WEB_REQUEST_MAX - 1 - length);
		if (count <= 0)
			return 0;
		length += (size_t)count;
		request[length] = '\0';
	}
	return length;
}

static void wait_for_the_end(const struct web_server *server, int client)
{
	char byte;

	for (;;) {
		struct pollfd ready = {.fd = client, .events = POLLIN};
		if (server->is_stopping || (poll(&ready, 1, 50) > 0 && read(client, &byte, 1) <= 0))
			return;
	}
}

static void send_all(int client, const char *answer)
{
	for (size_t sent = 0, length = strlen(answer); sent < length;) {
		ssize_t count = send(client, answer + sent, length - sent, MSG_NOSIGNAL);
		if (count <= 0)
			return;
		sent += (size_t)count;
	}
}

static void serve(struct web_server *server, int client)
{
	static _Thread_local char request[WEB_REQUEST_MAX];

	if (receive(server, client, request) == 0)
		return;
	pthread_mutex_lock(&server->mutex);
	memcpy(server->request, request, sizeof request);
	unsigned number = server->requests;
	pthread_mutex_unlock(&server->mutex);
	pthread_mutex_lock(&server->busy);
	const char *answer = server->answer(server->context, request, number);
	pthread_mutex_lock(&server->mutex);
	server->requests++;
	pthread_mutex_unlock(&server->mutex);
	if (answer != NULL)
		send_all(client, answer);
	pthread_mutex_unlock(&server->busy);
	if (answer == NULL)
		wait_for_the_end(server, client);
}

static void *run(void *argument)
{
	struct web_server *server = argument;

	while (!server->is_stopping) {
		struct pollfd ready = {.fd = server->descriptor, .events = POLLIN};
		if (poll(&ready, 1, 50) <= 0)
			continue;
		int client = accept(server->descriptor, NULL, NULL);
		if (client < 0)
			continue;
		serve(server, client);
		close(client);
	}
	return NULL;
}

void web_server_start(struct web_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	server->is_stopping = false;
	server->requests = 0;
	pthread_mutex_init(&server->mutex, NULL);
	pthread_mutex_init(&server->busy, NULL);
	server->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = bind(server->descriptor, (struct sockaddr *)&address, length) != 0 ||
		     listen(server->descriptor, 16) != 0 ||
		     getsockname(server->descriptor, (struct sockaddr *)&address, &length) != 0;
	assert(!failed);
	server->port = ntohs(address.sin_port);
	failed = pthread_create(&server->thread, NULL, run, server);
	assert(failed == 0);
}

void web_server_stop(struct web_server *server)
{
	server->is_stopping = true;
	pthread_join(server->thread, NULL);
	close(server->descriptor);
	pthread_mutex_destroy(&server->mutex);
	pthread_mutex_destroy(&server->busy);
}

void web_server_settle(struct web_server *server)
{
	pthread_mutex_lock(&server->busy);
	pthread_mutex_unlock(&server->busy);
}

bool web_server_wait(struct web_server *server, unsigned requests)
{
	for (uint64_t until_ms = clock_steady_ms() + 20000; clock_steady_ms() < until_ms; clock_sleep_ms(5)) {
		pthread_mutex_lock(&server->mutex);
		bool is_enough = server->requests >= requests;
		pthread_mutex_unlock(&server->mutex);
		if (is_enough)
			return true;
	}
	return false;
}
