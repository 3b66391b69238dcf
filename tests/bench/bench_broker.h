/*
 * A whole broker in a process of its own, for benches: the server with TLS, the core, LMDB on a scratch folder with
 * real fsyncs, stores that have joined under agreements, any number of customers. Its CPU time is nobody else's.
 *
 *     setenv("TMPDIR", ...) to choose the disk; /tmp otherwise.
 */
#ifndef KLUIS_BENCH_BROKER_H
#define KLUIS_BENCH_BROKER_H

#include <stdio.h>
#include <sys/types.h>

#include "franchise.h"
#include "kluis/link.h"

struct bench_broker {
	struct franchise *formula; /* keys and agreements of the stores; its core and store are closed */
	pid_t pid, nurse;	   /* the broker's process; the one that starts it */
	unsigned port;
	FILE *to, *from;
	char address[64];
	struct bytes certificate; /* with a terminating zero */
};

/* Makes the folder and the stores 1 to store_count (FRANCHISE_STORES at most), each granted everybody, registers the
 * customers, whose cards are bench_card's, and serves. Must be called before anything of nng runs in this process. Ends
 * the program when something fails. */
void bench_broker_start(struct bench_broker *broker, unsigned store_count, uint64_t customers);
/* The same in two halves, for a broker that is filled otherwise in between: formula's core is open until it serves. */
void bench_broker_begin(struct bench_broker *broker);
void bench_broker_serve(struct bench_broker *broker);
/* As kill -9 does; and again on the same port, folder and certificate, its clock going on: returns when it listens. */
void bench_broker_kill(struct bench_broker *broker);
void bench_broker_again(struct bench_broker *broker);
/* What the broker's clock shows: it went on from the franchise's when it was first served. */
uint64_t bench_broker_now_ms(void);
/* Memory of a process that is in RAM now, in KiB. */
uint64_t bench_process_kib(pid_t pid);
/* CPU time of the broker so far, in nanoseconds: user and system, of all its threads. */
uint64_t bench_broker_cpu_ns(struct bench_broker *broker);
void bench_broker_stop(struct bench_broker *broker);

/* The card number of customer i. */
#define BENCH_CARD_MAX 24
void bench_card(uint64_t i, char ret_card[static BENCH_CARD_MAX]);

/* A lane's memory that forgets: a bench measures the broker, not the agent's disk. */
struct session_memory bench_memory(void);

/* Seconds per durable write of 4 KiB into the folder where the broker's is: the disk's share of what follows. */
double bench_fsync_s(unsigned rounds);

#endif
