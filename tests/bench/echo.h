/*
 * The floor under a request to the broker: a bare nng echo server over the same TLS, with as many REP contexts, that
 * sends each message back. It runs in a process of its own (bench-echo --serve), so that its CPU time is nobody else's.
 */
#ifndef KLUIS_BENCH_ECHO_H
#define KLUIS_BENCH_ECHO_H

#include <stddef.h>
#include <stdint.h>

#include "kluis/error.h"

struct echo_load {
	size_t request_size; /* bytes of a message, at least 8 */
	size_t reply_size;   /* bytes that come back; 0: as many as were sent */
	unsigned clients;    /* each with a connection of its own, one message at a time */
	unsigned messages;   /* of all clients together */
};

struct echo_figures {
	uint64_t messages;
	uint64_t wall_ns;
	uint64_t server_cpu_ns; /* user and system, of all its threads */
	uint64_t p50_ns;	/* from sending to having the answer */
	uint64_t p99_ns;
};

/* Starts the echo server, lets the clients connect and warm up, then measures. The load's connections are made before
 * the clock starts. */
enum err echo_measure(const struct echo_load *load, struct echo_figures *ret_figures, struct fault *fault) MUST_USE;

/* The server: serves on a free port of 127.0.0.1 with a new certificate in folder, prints "port <n>", then for each
 * line on standard input the CPU time in nanoseconds that the process has used, until the input ends. */
int echo_serve(const char *folder, size_t reply_size);

#endif
