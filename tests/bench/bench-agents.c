/*
 * A thousand agents on one broker over TLS on loopback: what a connection costs, what they cost while nothing happens,
 * whom a change wakes, how soon a change stands in a copy, and how they come back after the broker was killed. Beside
 * the figures, the raw limits of the same run.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench_broker.h"
#include "crowd.h"
#include "echo.h"
#include "follower.h"
#include "key_action.h"
#include "kluis/clock.h"

#define STORES FRANCHISE_STORES
#define CHANGES_MAX 10000
#define TIMEOUT_MS 20000
#define START_MS 120000 /* for all to be served */
#define SAMPLE_MS 20
#define WINDOW 5 /* samples: 100 ms */
#define SAMPLES_MAX (START_MS / SAMPLE_MS)
#define ROUNDS 200

static const char usage[] =
	"usage: bench-agents [--quick] [--agents N] [--changes N] [--idle SECONDS] [--away SECONDS]\n"
	"\n"
	"  --agents N      connections, each watching as an agent does (1000)\n"
	"  --changes N     by head office, one after the other, for the propagation (300)\n"
	"  --idle SECONDS  to measure what idling costs (20)\n"
	"  --away SECONDS  that the broker is gone for between kill -9 and its next start (0)\n"
	"  --quick         fifty agents, to see that it works\n"
	"\n"
	"One of the agents is a whole keeper with a copy on disk; the others watch and have none. They share the keys "
	"of\n"
	"8 stores: to the broker a connection is a connection, and news of a store is news for all that watch for it.\n"
	"All agents are threads of this process, so agents and broker share this machine's processors.\n"
	"The disk, of the broker and of the keeper, is that of $TMPDIR or /tmp.\n";

struct options {
	unsigned agents, changes, idle_s, away_s;
};

struct bench {
	struct options options;
	struct bench_broker broker;
	struct party *stores[STORES];
	struct slice changed; /* a customer whom the keeper's copy has and no other agent's scope */
	struct slice visitor; /* likewise, and in the scope of the second store */
	struct link *office;
	struct follower *follower;
	struct crowd *crowd;
	uint64_t latencies_ns[CHANGES_MAX];
	uint64_t slowest_commit_ns;
};

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "bench-agents: %s failed\n", what);
	exit(1);
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* ---- the broker ---- */

static void fill_broker(struct bench *bench)
{
	struct franchise *formula;

	bench_broker_begin(&bench->broker);
	formula = bench->broker.formula;
	bench->stores[0] = franchise_store(formula, 1, GRANT_ALL);
	for (unsigned i = 1; i < STORES; i++)
		bench->stores[i] = franchise_store(formula, 1 + i, GRANT_SERVICE);
	bench->changed = franchise_customer(formula, "1=4711|2=Anna Smith");
	bench->visitor = franchise_visitor(formula, bench->stores[1], "1=4712|2=Bert Jones");
	bench_broker_serve(&bench->broker);
}

/* Head office's request; when its answer was there. */
static uint64_t send(struct bench *bench, struct action action)
{
	struct franchise *formula = bench->broker.formula;
	struct bytes reply CLEANUP(bytes_fini);

	formula->now_ms = bench_broker_now_ms();
	bytes_init(&reply, MESSAGE_MAX);
	struct slice message = franchise_message(formula, &formula->office, &action, 1);
	must(link_send(bench->office, message, &reply) == ERR_OK, "sending head office's request");
	uint64_t now_ns = clock_steady_ns();
	struct answer answer = franchise_answer(formula, &formula->office, message, bytes_slice(&reply));
	must(answer.code == ERR_OK, "head office's request");
	formula->office.sequence++;
	return now_ns;
}

static struct action new_name(struct bench *bench, struct slice customer, unsigned number)
{
	char values[64];

	snprintf(values, sizeof(values), "2=Name number %u", number);
	return action_update(bench->broker.formula, NULL, customer, values);
}

/* ---- connecting, and coming back ---- */

struct arrival {
	uint64_t took_ns;	  /* until the last one was served */
	uint64_t half_ns;	  /* until half of them were */
	unsigned most_handshakes; /* in any 100 ms */
	unsigned handshakes;
};

static unsigned most_in_window(const unsigned *samples, size_t count)
{
	unsigned most = 0;

	for (size_t i = 1; i < count; i++) {
		unsigned made = samples[i] - samples[i < WINDOW ? 0 : i - WINDOW];
		most = made > most ? made : most;
	}
	return most;
}

static struct arrival await(struct bench *bench, uint64_t since_ns, unsigned handshakes)
{
	static unsigned samples[SAMPLES_MAX];
	struct arrival arrival = {.took_ns = 0};
	struct crowd_counts counts = {.served = 0};
	unsigned crowd = bench->options.agents - 1;
	size_t count = 0;

	samples[count++] = handshakes;
	while (counts.served < crowd && count < SAMPLES_MAX) {
		clock_sleep_ms(SAMPLE_MS);
		crowd_count(bench->crowd, &counts);
		samples[count++] = counts.handshakes;
		if (arrival.half_ns == 0 && counts.served >= crowd / 2)
			arrival.half_ns = clock_steady_ns() - since_ns;
	}
	must(counts.served == crowd, "serving all agents");
	arrival.took_ns = clock_steady_ns() - since_ns;
	arrival.most_handshakes = most_in_window(samples, count);
	arrival.handshakes = counts.handshakes - handshakes;
	return arrival;
}

static void measure_start(struct bench *bench)
{
	uint64_t before_kib = bench_process_kib(bench->broker.pid), own_kib = bench_process_kib(getpid());
	uint64_t began_ns = clock_steady_ns(), cpu_ns = bench_broker_cpu_ns(&bench->broker);
	unsigned crowd = bench->options.agents - 1;

	bench->crowd = crowd_start(&bench->broker, bench->stores + 1, STORES - 1, crowd);
	struct arrival arrival = await(bench, began_ns, 0);
	cpu_ns = bench_broker_cpu_ns(&bench->broker) - cpu_ns;
	clock_sleep_ms(1000);
	uint64_t after_kib = bench_process_kib(bench->broker.pid);
	printf("bench-agents: %u agents, all connected and served after %.2f s; broker's CPU %.2f ms for each\n",
	       crowd + 1, ms(arrival.took_ns) / 1e3, ms(cpu_ns) / crowd);
	printf("memory for each connection: broker %.1f KiB (%.1f MiB before, %.1f MiB with all), agent %.1f KiB\n",
	       (double)(after_kib - before_kib) / crowd, (double)before_kib / 1024, (double)after_kib / 1024,
	       (double)(bench_process_kib(getpid()) - own_kib) / crowd);
}

static void measure_return(struct bench *bench)
{
	struct crowd_counts counts;

	crowd_count(bench->crowd, &counts);
	unsigned handshakes = counts.handshakes;
	uint64_t killed_ns = clock_steady_ns();
	bench_broker_kill(&bench->broker);
	clock_sleep_ms((uint64_t)bench->options.away_s * 1000 + 1);
	bench_broker_again(&bench->broker);
	uint64_t started_ns = clock_steady_ns();
	crowd_mark(bench->crowd);
	struct arrival arrival = await(bench, started_ns, handshakes);
	uint64_t cpu_ns = bench_broker_cpu_ns(&bench->broker);
	printf("broker killed, listening again %.2f s later; from then half were served after %.2f s, all after %.2f "
	       "s\n",
	       ms(started_ns - killed_ns) / 1e3, ms(arrival.half_ns) / 1e3, ms(arrival.took_ns) / 1e3);
	printf("  %u handshakes, at most %u in any 100 ms; broker's CPU until then %.2f s\n", arrival.handshakes,
	       arrival.most_handshakes, ms(cpu_ns) / 1e3);
}

/* ---- idling, waking ---- */

static void measure_idle(struct bench *bench)
{
	unsigned seconds = bench->options.idle_s;
	uint64_t own_ns = clock_cpu_ns(), cpu_ns = bench_broker_cpu_ns(&bench->broker);

	clock_sleep_ms((uint64_t)seconds * 1000);
	cpu_ns = bench_broker_cpu_ns(&bench->broker) - cpu_ns;
	own_ns = clock_cpu_ns() - own_ns;
	printf("idle for %u s: broker %.2f %% of one CPU, all agents together %.2f %%\n", seconds,
	       ms(cpu_ns) / 10 / seconds, ms(own_ns) / 10 / seconds);
}

static void measure_wake(struct bench *bench, struct action action, unsigned expected, const char *what)
{
	struct crowd_counts counts;

	crowd_mark(bench->crowd);
	uint64_t cpu_ns = bench_broker_cpu_ns(&bench->broker);
	uint64_t sent_ns = send(bench, action);
	for (unsigned i = 0; i < 250; i++) {
		clock_sleep_ms(SAMPLE_MS);
		crowd_count(bench->crowd, &counts);
		if (counts.told >= expected && i >= 25)
			break;
	}
	cpu_ns = bench_broker_cpu_ns(&bench->broker) - cpu_ns;
	printf("%s: %u of %u who watch were told (%u concerned), the last %.1f ms after commit; broker's CPU %.1f ms\n",
	       what, counts.told, bench->options.agents - 1, expected,
	       counts.last_news_ns > sent_ns ? ms(counts.last_news_ns - sent_ns) : 0.0, ms(cpu_ns));
	must(counts.told == expected && counts.told_twice == 0, "waking those concerned, once");
}

static void measure_wakes(struct bench *bench)
{
	struct franchise *formula = bench->broker.formula;
	const struct secret_key *const logs[] = {&formula->log};
	unsigned crowd = bench->options.agents - 1;
	struct trust trust = trust_after(NULL, logs, 1);

	measure_wake(bench, new_name(bench, bench->visitor, 0), (crowd + STORES - 2) / (STORES - 1),
		     "a change for one store's scope");
	measure_wake(bench, action_trust(formula, trust_note(formula, &trust, logs, 1)), crowd, "a change for all");
}

/* ---- propagation ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void measure_propagation(struct bench *bench)
{
	unsigned changes = bench->options.changes;
	uint32_t version;
	uint64_t seen_ns;

	must(follower_wait(bench->follower, 0, &version, &seen_ns), "the first copy");
	for (unsigned i = 0; i < changes; i++) {
		clock_sleep_ms(10 + i % 17); /* the keeper is waiting again */
		uint64_t began_ns = clock_steady_ns();
		uint64_t committed_ns = send(bench, new_name(bench, bench->changed, i + 1));
		must(follower_wait(bench->follower, version, &version, &seen_ns), "a change's way");
		bench->latencies_ns[i] = seen_ns > committed_ns ? seen_ns - committed_ns : 0;
		if (committed_ns - began_ns > bench->slowest_commit_ns)
			bench->slowest_commit_ns = committed_ns - began_ns;
	}
	qsort(bench->latencies_ns, changes, sizeof(bench->latencies_ns[0]), compare);
	printf("propagation of %u changes, commit to readable in the copy, the others idle: p50 %.2f ms, p99 %.2f ms\n",
	       changes, ms(bench->latencies_ns[changes / 2]), ms(bench->latencies_ns[changes * 99 / 100]));
}

static void measure_raw(void)
{
	struct echo_load load = {.request_size = 400, .reply_size = 400, .clients = 1, .messages = 5 * ROUNDS};
	struct echo_figures figures;
	struct fault fault = {""};

	must(echo_measure(&load, &figures, &fault) == ERR_OK, "the echo server");
	double fsync_ms = bench_fsync_s(ROUNDS) * 1e3;
	printf("raw beside it: nng TLS echo p50 %.2f ms, p99 %.2f ms; durable write of 4 KiB %.2f ms; one of each %.2f "
	       "ms\n",
	       ms(figures.p50_ns), ms(figures.p99_ns), fsync_ms, ms(figures.p50_ns) + fsync_ms);
}

/* ---- all of it ---- */

static void open_office(struct bench *bench)
{
	struct fault fault = {""};

	must(link_open(bench->broker.address, (const char *)bench->broker.certificate.data, TIMEOUT_MS, &bench->office,
		       &fault) == ERR_OK,
	     "connecting");
}

/* A connection is a descriptor. */
static void raise_limit(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "reading the limit of open files");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "raising the limit of open files");
}

static void run(struct bench *bench)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	raise_limit();
	fill_broker(bench);
	open_office(bench);
	bench->follower = follower_start(&bench->broker, bench->stores[0], bench->changed);
	measure_start(bench);
	measure_idle(bench);
	measure_propagation(bench);
	measure_raw();
	measure_wakes(bench);
	link_close(&bench->office);
	measure_return(bench);
	crowd_stop(&bench->crowd);
	follower_stop(&bench->follower);
	bench_broker_stop(&bench->broker);
}

static bool read_options(int count, char **arguments, struct options *options)
{
	const struct {
		const char *name;
		unsigned *number;
		unsigned long least, most;
	} table[] = {{"--agents", &options->agents, STORES, CROWD_MAX},
		     {"--changes", &options->changes, 1, CHANGES_MAX},
		     {"--idle", &options->idle_s, 1, 3600},
		     {"--away", &options->away_s, 0, 60}};

	for (int i = 1; i < count; i++) {
		size_t row = 0;
		if (strcmp(arguments[i], "--quick") == 0) {
			*options = (struct options){.agents = 50, .changes = 20, .idle_s = 1};
			continue;
		}
		while (row < sizeof(table) / sizeof(table[0]) && strcmp(arguments[i], table[row].name) != 0)
			row++;
		if (row == sizeof(table) / sizeof(table[0]) || i + 1 == count)
			return false;
		unsigned long number = strtoul(arguments[++i], NULL, 10);
		if (number < table[row].least || number > table[row].most)
			return false;
		*table[row].number = (unsigned)number;
	}
	return true;
}

int main(int count, char **arguments)
{
	static struct bench bench = {.options = {.agents = 1000, .changes = 300, .idle_s = 20}};
	bool is_help = count == 2 && strcmp(arguments[1], "--help") == 0;

	if (is_help || !read_options(count, arguments, &bench.options)) {
		fputs(usage, is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	run(&bench);
	fflush(stdout);
	_exit(0); /* a thousand connections are closed at once by the system, one after the other by nng */
}
