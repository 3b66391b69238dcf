/*
 * Signed lookups at a real broker over TLS: how many, how soon, and what one costs the broker's processor, as a
 * multiple of its floor: what a bare nng TLS echo server spends on a message of that size, and one Ed25519
 * verification. The floor is measured in the same run, in turns with the lookups, since a machine's speed changes as it
 * goes.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench_broker.h"
#include "echo.h"
#include "kluis/clock.h"
#include "random.h"

#define CLIENTS_MAX 64
#define STORES FRANCHISE_STORES
#define TIMEOUT_MS 20000
#define OPERATIONS_MANY 32
#define MEASUREMENTS 3 /* numbers of clients, each with one operation an envelope and many */

static const char usage[] =
	"usage: bench-lookup [--quick] [--customers N] [--envelopes N] [--rounds N] [--clients N] [--operations N]\n"
	"\n"
	"  --customers N   customers that the broker knows (10000)\n"
	"  --envelopes N   envelopes of one operation that 64 clients send in each round (16000)\n"
	"  --rounds N      floor and lookups take turns this often (3)\n"
	"  --clients N     only 1, 8 or 64\n"
	"  --operations N  only 1 or 32 in an envelope\n"
	"  --quick         a little of everything, to see that it works\n"
	"\n"
	"A row is a number of clients, each with a lane and a connection of its own, and of lookups in each envelope.\n"
	"  envelopes/s, lookups/s   clients and broker share this machine's processors\n"
	"  p50, p99                 from sending an envelope to having its answer\n"
	"  CPU                      of the broker's process, for each envelope\n"
	"  floor                    CPU of a bare nng TLS echo server for a message of that size, and one "
	"verification\n"
	"  multiple                 CPU / floor; the aim is 1.5 for one operation and many clients\n"
	"The broker's disk is that of $TMPDIR or /tmp.\n";

struct options {
	uint64_t customers;
	unsigned envelopes;
	unsigned rounds;
	unsigned clients, operations; /* only these, 0: all */
};

static void must(enum err err, const char *what, const struct fault *fault)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "bench-lookup: %s: %s %s\n", what, error_text(err), fault->text);
	exit(1);
}

/* ---- a client ---- */

struct client {
	const struct party *store;
	struct link *link;
	struct session session;
	struct random random;
	struct arena arena;
	uint64_t customers;
	uint64_t sent_ns, took_ns; /* of the last exchange */
	size_t request_size, reply_size;
	/* its task */
	pthread_t thread;
	unsigned operations, envelopes;
	uint64_t *latencies_ns;
};

/* The link's exchange with a watch beside it. */
static enum err timed_send(void *context, struct slice message, struct bytes *ret_reply)
{
	struct client *client = context;
	uint64_t began_ns = clock_steady_ns();
	enum err err = link_send(client->link, message, ret_reply);

	client->took_ns = clock_steady_ns() - began_ns;
	client->request_size = message.length;
	client->reply_size = ret_reply->length;
	return err;
}

static void open_client(struct client *client, const struct bench_broker *broker, unsigned number, uint64_t customers)
{
	struct fault fault = {0};
	struct exchange exchange = {.context = client, .send = timed_send};

	*client = (struct client){
		.store = &broker->formula->stores[number % STORES], .random = {number + 1}, .customers = customers};
	arena_init(&client->arena, REQUEST_ARENA_MAX);
	must(link_open(broker->address, (const char *)broker->certificate.data, TIMEOUT_MS, &client->link, &fault),
	     "connecting", &fault);
	must(session_open(&client->session, &client->store->key, 1 + number / STORES, exchange, bench_memory(), &fault),
	     "opening a session", &fault);
}

static void close_client(struct client *client)
{
	session_close(&client->session);
	link_close(&client->link);
	arena_fini(&client->arena);
}

static void *take(struct client *client, size_t size)
{
	void *place = arena_alloc(&client->arena, size);

	if (place == NULL)
		abort();
	return place;
}

/* "Who has this card?", for a customer by chance. */
static void make_lookup(struct client *client, Kluis__Operation **ret_operation, Kluis__Part **ret_part)
{
	static char purpose[] = "service";
	Kluis__Operation *operation = take(client, sizeof(*operation));
	char *card = take(client, BENCH_CARD_MAX);
	Kluis__Value value = KLUIS__VALUE__INIT, *values = &value;
	Kluis__Values content = KLUIS__VALUES__INIT;

	bench_card(random_below(&client->random, client->customers), card);
	value.field = 1;
	value.value = card;
	content.values = &values;
	content.n_values = 1;
	kluis__operation__init(operation);
	operation->purpose = purpose;
	operation->kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	operation->lookup = take(client, sizeof(*operation->lookup));
	kluis__lookup__init(operation->lookup);
	operation->lookup->field = 1;
	if (part_make(&content.base, &client->arena, ret_part, &operation->lookup->commitment) != ERR_OK)
		abort();
	*ret_operation = operation;
}

static void check_answer(const struct session_answer *answer, unsigned operations)
{
	const Kluis__Entry *entry = answer->entry.decoded;

	for (unsigned i = 0; i < operations; i++) {
		bool is_answered = entry->n_results == operations && entry->results[i]->code == ERR_OK &&
				   entry->results[i]->n_disclosures == 1;
		if (is_answered)
			continue;
		fprintf(stderr, "bench-lookup: a lookup was refused: %s\n",
			error_text(entry->n_results == operations ? (enum err)entry->results[i]->code
								  : (enum err)entry->code));
		exit(1);
	}
}

static void look_up(struct client *client, unsigned operations)
{
	Kluis__Operation *list[OPERATIONS_MANY];
	Kluis__Part *parts[OPERATIONS_MANY];
	struct session_answer answer;
	struct fault fault = {0};

	arena_reset(&client->arena);
	for (unsigned i = 0; i < operations; i++)
		make_lookup(client, &list[i], &parts[i]);
	struct session_request request = {.agreement = SLICE_ARRAY(client->store->agreement),
					  .employee = SLICE_ARRAY(client->store->employee),
					  .operations = list,
					  .operation_count = operations,
					  .parts = parts,
					  .part_count = operations,
					  .time_ms = clock_now_ms()};
	must(session_call(&client->session, &request, 1, &client->arena, &answer, &fault), "asking", &fault);
	check_answer(&answer, operations);
}

static void *run_client(void *argument)
{
	struct client *client = argument;

	for (unsigned i = 0; i < client->envelopes; i++) {
		look_up(client, client->operations);
		client->latencies_ns[i] = client->took_ns;
	}
	return NULL;
}

/* ---- one measurement ---- */

struct load {
	unsigned clients, operations;
	unsigned envelopes; /* of all clients in a round */
	size_t request_size, reply_size;
	/* summed up over the rounds */
	uint64_t done, wall_ns, cpu_ns, echoed, echo_cpu_ns;
	uint64_t *latencies_ns; /* room for all rounds */
};

struct bench {
	struct bench_broker broker;
	struct client clients[CLIENTS_MAX];
	struct load loads[2 * MEASUREMENTS];
	size_t load_count;
	uint64_t verified, verify_ns;
};

static void run_load(struct bench *bench, struct load *load)
{
	unsigned each = load->envelopes / load->clients;
	uint64_t cpu_ns = bench_broker_cpu_ns(&bench->broker), began_ns = clock_steady_ns();

	for (unsigned i = 0; i < load->clients; i++) {
		struct client *client = &bench->clients[i];
		client->operations = load->operations;
		client->envelopes = each;
		client->latencies_ns = load->latencies_ns + load->done + (size_t)i * each;
		if (pthread_create(&client->thread, NULL, run_client, client) != 0)
			abort();
	}
	for (unsigned i = 0; i < load->clients; i++)
		pthread_join(bench->clients[i].thread, NULL);
	load->wall_ns += clock_steady_ns() - began_ns;
	load->cpu_ns += bench_broker_cpu_ns(&bench->broker) - cpu_ns;
	load->done += (uint64_t)each * load->clients;
	load->request_size = bench->clients[0].request_size;
	load->reply_size = bench->clients[0].reply_size;
}

static void run_echo(struct load *load)
{
	struct echo_load echo = {.request_size = load->request_size,
				 .reply_size = load->reply_size,
				 .clients = load->clients,
				 .messages = load->envelopes};
	struct echo_figures figures;
	struct fault fault = {0};

	must(echo_measure(&echo, &figures, &fault), "the echo server", &fault);
	load->echoed += figures.messages;
	load->echo_cpu_ns += figures.server_cpu_ns;
}

/* CPU time of verifications of as many bytes as a request of one lookup has. */
static void run_verify(struct bench *bench, size_t size)
{
	const struct secret_key *key = &bench->broker.formula->office.key;
	uint8_t message[512] = {1}, signature[SIGNATURE_SIZE];
	struct slice signed_bytes = SLICE(message, size < sizeof(message) ? size : sizeof(message));
	struct fault fault = {0};
	const unsigned count = 2000;

	must(key_sign(key, REQUEST_DOMAIN, signed_bytes, signature), "signing", &fault);
	uint64_t began_ns = clock_cpu_ns();
	for (unsigned i = 0; i < count; i++)
		must(key_verify(key->public.key, REQUEST_DOMAIN, signed_bytes, SLICE_ARRAY(signature)), "verifying",
		     &fault);
	bench->verify_ns += clock_cpu_ns() - began_ns;
	bench->verified += count;
}

/* ---- all of them ---- */

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

static void print_load(const struct bench *bench, struct load *load)
{
	double envelopes = (double)load->done, cpu_us = (double)load->cpu_ns / 1e3 / envelopes;
	double echo_us = (double)load->echo_cpu_ns / 1e3 / (double)load->echoed;
	double verify_us = (double)bench->verify_ns / 1e3 / (double)bench->verified;
	double rate = envelopes * 1e9 / (double)load->wall_ns;

	qsort(load->latencies_ns, load->done, sizeof(uint64_t), compare_ns);
	printf("%7u %3u %11.0f %10.0f %8.2f %8.2f %8.1f   %6.1f + %5.1f %9.2f   %zu/%zu\n", load->clients,
	       load->operations, rate, rate * load->operations, (double)load->latencies_ns[load->done / 2] / 1e6,
	       (double)load->latencies_ns[load->done * 99 / 100] / 1e6, cpu_us, echo_us, verify_us,
	       cpu_us / (echo_us + verify_us), load->request_size, load->reply_size);
}

static double lookups_per_second(const struct load *load)
{
	return (double)load->done * load->operations * 1e9 / (double)load->wall_ns;
}

static void print_all(struct bench *bench)
{
	printf("%7s %3s %11s %10s %8s %8s %8s   %14s %9s   %s\n", "clients", "ops", "envelopes/s", "lookups/s",
	       "p50 ms", "p99 ms", "CPU us", "floor us", "multiple", "bytes out/in");
	for (size_t i = 0; i < bench->load_count; i++)
		print_load(bench, &bench->loads[i]);
	for (size_t i = 1; i < bench->load_count; i++) {
		const struct load *single = &bench->loads[i - 1], *many = &bench->loads[i];
		if (single->clients == many->clients)
			printf("%u clients: %u lookups an envelope give %.1f times the lookups/s of one (aim: 8)\n",
			       many->clients, many->operations, lookups_per_second(many) / lookups_per_second(single));
	}
}

static void add_load(struct bench *bench, const struct options *options, struct load load)
{
	bool is_wanted = (options->clients == 0 || options->clients == load.clients) &&
			 (options->operations == 0 || options->operations == load.operations);

	if (!is_wanted)
		return;
	load.latencies_ns = calloc((size_t)load.envelopes * options->rounds, sizeof(uint64_t));
	if (load.latencies_ns == NULL)
		abort();
	bench->loads[bench->load_count++] = load;
}

static void plan(struct bench *bench, const struct options *options)
{
	static const unsigned clients[MEASUREMENTS] = {1, 8, CLIENTS_MAX}, share[MEASUREMENTS] = {8, 2, 1};

	for (size_t i = 0; i < MEASUREMENTS; i++) {
		unsigned envelopes = options->envelopes / share[i];
		unsigned fewer = envelopes / 8 < clients[i] ? clients[i] : envelopes / 8;

		add_load(bench, options, (struct load){.clients = clients[i], .operations = 1, .envelopes = envelopes});
		add_load(bench, options,
			 (struct load){.clients = clients[i], .operations = OPERATIONS_MANY, .envelopes = fewer});
	}
}

static void run(struct bench *bench, const struct options *options)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		open_client(&bench->clients[i], &bench->broker, i, options->customers);
		look_up(&bench->clients[i], 1);
	}
	size_t request_size = bench->clients[0].request_size;
	for (unsigned round = 0; round < options->rounds; round++) {
		for (size_t i = 0; i < bench->load_count; i++) {
			run_load(bench, &bench->loads[i]);
			run_echo(&bench->loads[i]);
			run_verify(bench, request_size);
		}
	}
	print_all(bench);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		close_client(&bench->clients[i]);
}

static bool set_option(const char *name, uint64_t number, struct options *options)
{
	if (strcmp(name, "--customers") == 0)
		options->customers = number;
	else if (strcmp(name, "--envelopes") == 0)
		options->envelopes = (unsigned)number;
	else if (strcmp(name, "--rounds") == 0)
		options->rounds = (unsigned)number;
	else if (strcmp(name, "--clients") == 0)
		options->clients = (unsigned)number;
	else if (strcmp(name, "--operations") == 0)
		options->operations = (unsigned)number;
	else
		return false;
	return number > 0;
}

static bool read_options(int count, char **arguments, struct options *ret_options)
{
	for (int i = 1; i < count; i++) {
		uint64_t number = i + 1 < count ? strtoull(arguments[i + 1], NULL, 10) : 0;

		if (strcmp(arguments[i], "--quick") == 0) {
			*ret_options = (struct options){.customers = 300, .envelopes = 128, .rounds = 1};
			continue;
		}
		if (!set_option(arguments[i], number, ret_options))
			return false;
		i++;
	}
	return true;
}

int main(int count, char **arguments)
{
	static struct bench bench;
	struct options options = {.customers = 10000, .envelopes = 16000, .rounds = 3};
	bool is_help = count == 2 && strcmp(arguments[1], "--help") == 0;

	if (is_help || !read_options(count, arguments, &options)) {
		fputs(usage, is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	uint64_t began_ns = clock_steady_ns();
	bench_broker_start(&bench.broker, STORES, options.customers);
	printf("bench-lookup: %llu customers, registered in %.1f s; one durable write of 4 KiB on this disk %.2f ms\n",
	       (unsigned long long)options.customers, (double)(clock_steady_ns() - began_ns) / 1e9,
	       bench_fsync_s(200) * 1e3);
	plan(&bench, &options);
	run(&bench, &options);
	bench_broker_stop(&bench.broker);
	for (size_t i = 0; i < bench.load_count; i++)
		free(bench.loads[i].latencies_ns);
	return 0;
}
