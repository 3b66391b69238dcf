/*
 * What nng with TLS costs by itself, for messages of some sizes and for 1, 8 and 64 clients: the part of a lookup's
 * cost that is not ours.
 * usage: bench-echo [MESSAGES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

static int print_row(size_t request_size, size_t reply_size, unsigned clients, unsigned messages)
{
	struct echo_load load = {
		.request_size = request_size, .reply_size = reply_size, .clients = clients, .messages = messages};
	struct echo_figures figures;
	struct fault fault = {0};
	enum err err = echo_measure(&load, &figures, &fault);
	if (err != ERR_OK) {
		fprintf(stderr, "bench-echo: %s: %s\n", error_text(err), fault.text);
		return 1;
	}
	printf("%8zu %8zu %8u %12.0f %10.1f %10.1f %18.1f\n", request_size, reply_size, clients,
	       (double)figures.messages * 1e9 / (double)figures.wall_ns, (double)figures.p50_ns / 1e3,
	       (double)figures.p99_ns / 1e3, (double)figures.server_cpu_ns / 1e3 / (double)figures.messages);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		size_t request;
		size_t reply;
	} sizes[] = {{400, 400}, {400, 1000}, {8000, 24000}};
	static const unsigned clients[] = {1, 8, 64};

	if (argc == 4 && strcmp(argv[1], "--serve") == 0)
		return echo_serve(argv[2], strtoul(argv[3], NULL, 10));
	unsigned messages = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
	if (messages < 64) {
		fprintf(stderr, "usage: bench-echo [MESSAGES], at least 64\n");
		return 2;
	}
	printf("%8s %8s %8s %12s %10s %10s %18s\n", "request", "reply", "clients", "messages/s", "p50 us", "p99 us",
	       "server CPU us/msg");
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (size_t c = 0; c < sizeof(clients) / sizeof(clients[0]); c++) {
			if (print_row(sizes[s].request, sizes[s].reply, clients[c], messages) != 0)
				return 1;
		}
	}
	return 0;
}
