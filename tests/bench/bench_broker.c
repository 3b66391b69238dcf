#include "bench_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kluis/clock.h"
#include "kluis/file.h"
#include "server/server.h"

#define BATCH OPERATIONS_MAX
#define BATCH_ARENA ((size_t)16 * 1024 * 1024)

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "%s: %s failed\n", program_invocation_short_name, what);
	exit(1);
}

void bench_card(uint64_t i, char ret_card[static BENCH_CARD_MAX])
{
	snprintf(ret_card, BENCH_CARD_MAX, "%llu", (unsigned long long)(60000000000 + i));
}

/* ---- who and what the broker knows ---- */

static struct action customer(struct franchise *formula, uint64_t i)
{
	static const char *const names[] = {"Anna de Vries", "Bram Jansen-van der Berg", "Chantal Smith", "D. Okafor"};
	char card[BENCH_CARD_MAX], values[256];

	bench_card(i, card);
	snprintf(values, sizeof(values), "1=%s|2=%s|3=+31 6 %08llu|4=customer.%llu@mail.example", card, names[i % 4],
		 (unsigned long long)i, (unsigned long long)i);
	return action_registration(formula, NULL, franchise_draw(formula), values);
}

/* One envelope and one commit for a batch; what it was made of is dropped, or a million would not fit. */
static void register_batch(struct franchise *formula, uint64_t from, size_t count)
{
	static struct action actions[BATCH];
	struct arena kept = formula->arena;

	arena_init(&formula->arena, BATCH_ARENA);
	for (size_t i = 0; i < count; i++)
		actions[i] = customer(formula, from + i);
	struct answer answer = franchise_send(formula, &formula->office, actions, count);
	must(answer.has_entry && answer.code == ERR_OK, "registering customers");
	arena_fini(&formula->arena);
	formula->arena = kept;
}

static void populate(struct franchise *formula, unsigned store_count, uint64_t customers)
{
	for (unsigned i = 1; i <= store_count; i++)
		franchise_store(formula, i, GRANT_ALL);
	for (uint64_t i = 0; i < customers; i += BATCH)
		register_batch(formula, i, customers - i < BATCH ? (size_t)(customers - i) : BATCH);
}

/* ---- the broker's process ---- */

/* The franchise's clock stands at a fixed day, this machine's does not. */
static uint64_t later_ms;

static enum err prepare_later(struct core *core, struct slice message, uint64_t now_ms, struct prepared **ret_prepared)
{
	return core_prepare(core, message, now_ms + later_ms, ret_prepared);
}

static enum err commit_later(struct core *core, struct prepared **requests, size_t count, uint64_t now_ms)
{
	return core_commit(core, requests, count, now_ms + later_ms);
}

static void open_store(struct franchise *formula)
{
	char path[SCRATCH_MAX + 16];
	struct fault fault = {0};

	snprintf(path, sizeof(path), "%s/broker", formula->folder);
	must(store_open(path, &core_layout, false, &formula->store, &fault) == ERR_OK, "opening the store");
	must(core_open(formula->store, &formula->keys, clock_now_ms() + later_ms, &formula->core, &fault) == ERR_OK,
	     "opening the core");
}

/* The one of before if there is one. */
static void load_identity(struct franchise *formula, struct tls_identity *ret_identity)
{
	char certificate[SCRATCH_MAX + 16], key[SCRATCH_MAX + 16];
	struct fault fault = {0};

	snprintf(certificate, sizeof(certificate), "%s/tls.crt", formula->folder);
	snprintf(key, sizeof(key), "%s/tls.key", formula->folder);
	if (access(certificate, F_OK) != 0)
		must(tls_create(certificate, key, clock_now_ms(), &fault) == ERR_OK, "making a certificate");
	must(tls_load(certificate, key, ret_identity, &fault) == ERR_OK, "reading the certificate");
}

static struct server *open_server(struct franchise *formula, unsigned port, FILE *to)
{
	char place[64];
	const char *address = place;
	struct tls_identity identity;
	struct server *server;
	struct fault fault = {0};

	snprintf(place, sizeof(place), "tls+tcp://127.0.0.1:%u", port);
	open_store(formula);
	load_identity(formula, &identity);
	struct server_options options = {.addresses = &address,
					 .address_count = 1,
					 .identity = &identity,
					 .core = server_core_of(formula->core)};
	options.core.prepare = prepare_later;
	options.core.commit = commit_later;
	must(server_open(&options, &server, &fault) == ERR_OK, "opening the server");
	tls_identity_fini(&identity);
	fprintf(to, "port %u process %d\n", server_port(server, 0), (int)getpid());
	fflush(to);
	return server;
}

/* Answers each line with the CPU time used; the input's end is the broker's. */
static int serve(struct franchise *formula, unsigned port, FILE *from, FILE *to)
{
	struct server *server = open_server(formula, port, to);
	char line[64];

	while (fgets(line, sizeof(line), from) != NULL) {
		fprintf(to, "%llu\n", (unsigned long long)clock_cpu_ns());
		fflush(to);
	}
	server_close(&server);
	core_close(&formula->core);
	store_close(&formula->store);
	return 0;
}

/* Without a buffer: what comes after the line is the next broker's. False at the end. */
static bool read_port(int from, unsigned *ret_port)
{
	char text[16];
	size_t length = 0;

	while (length < sizeof(text) - 1 && read(from, &text[length], 1) == 1 && text[length] != '\n')
		length++;
	text[length] = '\0';
	*ret_port = (unsigned)strtoul(text, NULL, 10);
	return length > 0;
}

/* A process that nothing of nng runs in, and so can start one broker after another. Ends with the broker that ended
 * by itself; after one that was killed it waits to be told to start the next. */
static int nurse(struct franchise *formula, int from, int to)
{
	unsigned port;
	int status = 0;

	while (read_port(from, &port)) {
		pid_t pid = fork();
		must(pid >= 0, "starting a process");
		if (pid == 0)
			_exit(serve(formula, port, fdopen(from, "r"), fdopen(to, "w")));
		must(waitpid(pid, &status, 0) == pid, "waiting for the broker");
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
	}
	return 0;
}

static void start_nurse(struct bench_broker *broker)
{
	int to[2], from[2];

	must(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0, "a pipe");
	fflush(NULL);
	later_ms = broker->formula->now_ms - clock_now_ms(); /* may be negative: it wraps around, and back */
	broker->nurse = fork();
	must(broker->nurse >= 0, "starting a process");
	if (broker->nurse == 0) {
		close(to[1]);
		close(from[0]);
		_exit(nurse(broker->formula, to[0], from[1]));
	}
	close(to[0]);
	close(from[1]);
	broker->to = fdopen(to[1], "w");
	broker->from = fdopen(from[0], "r");
}

static void start_broker(struct bench_broker *broker)
{
	int pid = 0;

	must(fprintf(broker->to, "%u\n", broker->port) > 0 && fflush(broker->to) == 0 &&
		     fscanf(broker->from, " port %u process %d", &broker->port, &pid) == 2,
	     "starting the broker");
	must(fgetc(broker->from) == '\n', "starting the broker");
	broker->pid = pid;
	snprintf(broker->address, sizeof(broker->address), "tls+tcp://127.0.0.1:%u", broker->port);
}

void bench_broker_begin(struct bench_broker *broker)
{
	*broker = (struct bench_broker){.formula = franchise_new(NULL)};
}

void bench_broker_serve(struct bench_broker *broker)
{
	char path[SCRATCH_MAX + 16];
	struct fault fault = {0};

	core_close(&broker->formula->core);
	store_close(&broker->formula->store);
	start_nurse(broker);
	start_broker(broker);
	snprintf(path, sizeof(path), "%s/tls.crt", broker->formula->folder);
	bytes_init(&broker->certificate, TLS_PEM_MAX + 1);
	must(file_read(path, &broker->certificate, &fault) == ERR_OK &&
		     bytes_append_u8(&broker->certificate, 0) == ERR_OK,
	     "reading the certificate");
}

void bench_broker_start(struct bench_broker *broker, unsigned store_count, uint64_t customers)
{
	bench_broker_begin(broker);
	populate(broker->formula, store_count, customers);
	bench_broker_serve(broker);
}

void bench_broker_kill(struct bench_broker *broker)
{
	must(kill(broker->pid, SIGKILL) == 0, "killing the broker");
}

void bench_broker_again(struct bench_broker *broker)
{
	start_broker(broker);
}

uint64_t bench_broker_now_ms(void)
{
	return clock_now_ms() + later_ms;
}

uint64_t bench_process_kib(pid_t pid)
{
	char path[64], line[128];
	unsigned long long kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *status = fopen(path, "r");
	must(status != NULL, "looking at a process");
	while (kib == 0 && fgets(line, sizeof(line), status) != NULL)
		(void)sscanf(line, "VmRSS: %llu", &kib);
	fclose(status);
	return kib;
}

uint64_t bench_broker_cpu_ns(struct bench_broker *broker)
{
	unsigned long long cpu_ns = 0;

	must(fputs("\n", broker->to) >= 0 && fflush(broker->to) == 0 && fscanf(broker->from, "%llu", &cpu_ns) == 1,
	     "asking the broker for its CPU time");
	return cpu_ns;
}

void bench_broker_stop(struct bench_broker *broker)
{
	int status;

	fclose(broker->to);
	must(waitpid(broker->nurse, &status, 0) == broker->nurse && status == 0, "the broker");
	fclose(broker->from);
	bytes_fini(&broker->certificate);
	franchise_free(&broker->formula);
}

/* ---- what clients need ---- */

static enum err forget_load(void *context, uint32_t lane, struct bytes *ret_state)
{
	(void)context;
	(void)lane;
	(void)ret_state;
	return ERR_NOT_FOUND;
}

static enum err forget_save(void *context, uint32_t lane, struct slice state)
{
	(void)context;
	(void)lane;
	(void)state;
	return ERR_OK;
}

struct session_memory bench_memory(void)
{
	return (struct session_memory){.load = forget_load, .save = forget_save};
}

double bench_fsync_s(unsigned rounds)
{
	static uint8_t page[4096];
	char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];

	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/page", folder);
	int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(descriptor >= 0, "making a file");
	uint64_t began_ns = clock_steady_ns();
	for (unsigned i = 0; i < rounds; i++) {
		page[0]++;
		must(pwrite(descriptor, page, sizeof(page), (off_t)(i % 64 * sizeof(page))) == sizeof(page) &&
			     fdatasync(descriptor) == 0,
		     "writing a page");
	}
	uint64_t took_ns = clock_steady_ns() - began_ns;
	close(descriptor);
	scratch_remove(folder);
	return (double)took_ns / 1e9 / rounds;
}
