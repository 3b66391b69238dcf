#include "bench_broker.h"

#include <errno.h>
#include <fcntl.h>
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
	core_close(&formula->core);
	store_close(&formula->store);
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

static struct server *open_server(struct franchise *formula, FILE *to)
{
	char path[SCRATCH_MAX + 16], certificate[SCRATCH_MAX + 16], key[SCRATCH_MAX + 16];
	const char *address = "tls+tcp://127.0.0.1:0";
	struct tls_identity identity;
	struct server *server;
	struct fault fault = {0};

	snprintf(path, sizeof(path), "%s/broker", formula->folder);
	snprintf(certificate, sizeof(certificate), "%s/tls.crt", formula->folder);
	snprintf(key, sizeof(key), "%s/tls.key", formula->folder);
	must(store_open(path, &core_layout, false, &formula->store, &fault) == ERR_OK, "opening the store");
	must(core_open(formula->store, &formula->keys, formula->now_ms, &formula->core, &fault) == ERR_OK,
	     "opening the core");
	must(tls_create(certificate, key, clock_now_ms(), &fault) == ERR_OK &&
		     tls_load(certificate, key, &identity, &fault) == ERR_OK,
	     "making a certificate");
	struct server_options options = {.addresses = &address,
					 .address_count = 1,
					 .identity = &identity,
					 .core = server_core_of(formula->core)};
	later_ms = formula->now_ms - clock_now_ms(); /* may be negative: it wraps around, and back */
	options.core.prepare = prepare_later;
	options.core.commit = commit_later;
	must(server_open(&options, &server, &fault) == ERR_OK, "opening the server");
	tls_identity_fini(&identity);
	fprintf(to, "port %u\n", server_port(server, 0));
	fflush(to);
	return server;
}

/* Answers each line with the CPU time used; the input's end is the broker's. */
static int serve(struct franchise *formula, FILE *from, FILE *to)
{
	struct server *server = open_server(formula, to);
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

static void run(struct bench_broker *broker)
{
	int to[2], from[2];
	unsigned port;

	must(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0, "a pipe");
	fflush(NULL);
	broker->pid = fork();
	must(broker->pid >= 0, "starting a process");
	if (broker->pid == 0) {
		close(to[1]);
		close(from[0]);
		_exit(serve(broker->formula, fdopen(to[0], "r"), fdopen(from[1], "w")));
	}
	close(to[0]);
	close(from[1]);
	broker->to = fdopen(to[1], "w");
	broker->from = fdopen(from[0], "r");
	must(fscanf(broker->from, "port %u", &port) == 1, "starting the broker");
	snprintf(broker->address, sizeof(broker->address), "tls+tcp://127.0.0.1:%u", port);
}

void bench_broker_start(struct bench_broker *broker, unsigned store_count, uint64_t customers)
{
	char path[SCRATCH_MAX + 16];
	struct fault fault = {0};

	broker->formula = franchise_new(NULL);
	populate(broker->formula, store_count, customers);
	run(broker);
	snprintf(path, sizeof(path), "%s/tls.crt", broker->formula->folder);
	bytes_init(&broker->certificate, TLS_PEM_MAX + 1);
	must(file_read(path, &broker->certificate, &fault) == ERR_OK &&
		     bytes_append_u8(&broker->certificate, 0) == ERR_OK,
	     "reading the certificate");
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
	must(waitpid(broker->pid, &status, 0) == broker->pid && status == 0, "the broker");
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
