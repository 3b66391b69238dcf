/*
 * A store's first copy of its customers: the agent's own code (session, sync_page, replica on LMDB, every save and
 * fsync) against a real broker over TLS. Beside it, from the same run, the raw limit: messages of the same sizes echoed
 * by a bare nng TLS server, and rows of the same sizes put into LMDB by the page, one after the other, as the agent
 * does.
 */
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench_broker.h"
#include "echo.h"
#include "kluis/clock.h"
#include "sync.h"

#define TIMEOUT_MS 20000
#define PURPOSE "service"

static const char usage[] = "usage: bench-sync [--quick] [--customers N]\n"
			    "\n"
			    "  --customers N   customers in the copy (100000)\n"
			    "  --quick         a thousand, to see that it works\n"
			    "The disk, of the broker and of the agent, is that of $TMPDIR or /tmp.\n";

static void must(bool is_well, const char *what, const struct fault *fault)
{
	if (is_well)
		return;
	fprintf(stderr, "bench-sync: %s failed %s\n", what, fault == NULL ? "" : fault->text);
	exit(1);
}

/* ---- the copy ---- */

struct copier {
	struct link *link;
	struct session session;
	struct replica replica;
	char folder[SCRATCH_MAX], leases[SCRATCH_MAX + 8];
	uint64_t messages, sent_bytes, received_bytes;
};

static enum err counted_send(void *context, struct slice message, struct bytes *ret_reply)
{
	struct copier *copier = context;
	enum err err = link_send(copier->link, message, ret_reply);

	copier->messages++;
	copier->sent_bytes += message.length;
	copier->received_bytes += ret_reply->length;
	return err;
}

static void open_copier(struct copier *copier, const struct bench_broker *broker)
{
	static const uint8_t key[KEY_SIZE] = {7};
	char place[SCRATCH_MAX + 8];
	struct fault fault = {0};
	struct exchange exchange = {.context = copier, .send = counted_send};

	*copier = (struct copier){.messages = 0};
	scratch_new(copier->folder);
	snprintf(place, sizeof(place), "%s/copy", copier->folder);
	copier->replica.key = key;
	must(store_open(place, &replica_layout, true, &copier->replica.store, &fault) == ERR_OK, "opening the copy",
	     &fault);
	snprintf(copier->leases, sizeof(copier->leases), "%s/leases", copier->folder);
	copier->replica.keys = key_files(copier->leases);
	must(replica_set_lease(&copier->replica, PURPOSE, UINT64_MAX, clock_now_ms(), SLICE_ARRAY(key)) == ERR_OK,
	     "leasing the copy", NULL);
	must(link_open(broker->address, (const char *)broker->certificate.data, TIMEOUT_MS, &copier->link, &fault) ==
		     ERR_OK,
	     "connecting", &fault);
	must(session_open(&copier->session, &broker->formula->stores[0].key, 1, exchange, session_files(copier->folder),
			  &fault) == ERR_OK,
	     "opening a session", &fault);
}

static void close_copier(struct copier *copier)
{
	session_close(&copier->session);
	link_close(&copier->link);
	store_close(&copier->replica.store);
	scratch_remove(copier->folder);
}

/* Seconds that the copy took. */
static double copy(struct copier *copier, const struct bench_broker *broker, uint64_t customers)
{
	struct franchise *formula = broker->formula;
	struct agreement *agreement = arena_alloc(&formula->arena, sizeof(*agreement));
	struct fault fault = {0};
	struct sync_outcome outcome = {.written = 0};

	must(agreement != NULL &&
		     agreement_parse(slice_text(franchise_agreement(formula, 1, GRANT_ALL, NULL)), "agreement",
				     &formula->charter, &formula->arena, agreement, &fault) == ERR_OK,
	     "reading the agreement", &fault);
	struct sync sync = {.session = &copier->session,
			    .replica = &copier->replica,
			    .charter = &formula->charter,
			    .agreement = agreement,
			    .tries = 1};
	uint64_t began_ns = clock_steady_ns();
	do {
		must(sync_page(&sync, PURPOSE, clock_now_ms(), &outcome, &fault) == ERR_OK, "a page", &fault);
		must(outcome.verdict == ERR_OK, outcome.clause, NULL);
	} while (outcome.has_more);
	uint64_t took_ns = clock_steady_ns() - began_ns, count;
	must(outcome.written == customers && replica_count(&copier->replica, PURPOSE, &count) == ERR_OK &&
		     count == customers,
	     "copying everybody", NULL);
	return (double)took_ns / 1e9;
}

/* ---- the raw limit ---- */

static double echo_s(const struct copier *copier)
{
	struct echo_load load = {.request_size = copier->sent_bytes / copier->messages,
				 .reply_size = copier->received_bytes / copier->messages,
				 .clients = 1,
				 .messages = (unsigned)copier->messages};
	struct echo_figures figures;
	struct fault fault = {0};

	must(echo_measure(&load, &figures, &fault) == ERR_OK, "the echo server", &fault);
	return (double)figures.wall_ns / 1e9;
}

static MDB_env *raw_open(const char *folder, MDB_dbi *ret_table)
{
	MDB_env *env;
	MDB_txn *txn;
	must(!mdb_env_create(&env) && !mdb_env_set_mapsize(env, (size_t)8 << 30) &&
		     !mdb_env_open(env, folder, 0, 0600) && !mdb_txn_begin(env, NULL, 0, &txn) &&
		     !mdb_dbi_open(txn, NULL, 0, ret_table) && !mdb_txn_commit(txn),
	     "opening LMDB", NULL);
	return env;
}

/* As many rows, of the size that a copy's have, under random keys, in as many commits. */
static double lmdb_s(const struct copier *copier, uint64_t customers)
{
	char folder[SCRATCH_MAX];
	uint8_t name[sizeof(PURPOSE) + PSEUDONYM_SIZE] = {1}, row[512] = {2};
	size_t size = copier->received_bytes / customers;
	uint64_t page = (customers + copier->messages - 1) / copier->messages, done = 0;
	MDB_dbi table;

	scratch_new(folder);
	MDB_env *env = raw_open(folder, &table);
	uint64_t began_ns = clock_steady_ns();
	while (done < customers) {
		MDB_txn *txn;
		must(!mdb_txn_begin(env, NULL, 0, &txn), "beginning in LMDB", NULL);
		for (uint64_t i = 0; i < page && done < customers; i++, done++) {
			MDB_val key = {.mv_size = sizeof(name), .mv_data = name};
			MDB_val value = {.mv_size = size < sizeof(row) ? size : sizeof(row), .mv_data = row};
			random_bytes(name + sizeof(PURPOSE), PSEUDONYM_SIZE);
			must(!mdb_put(txn, table, &key, &value, 0), "putting into LMDB", NULL);
		}
		must(!mdb_txn_commit(txn), "committing to LMDB", NULL);
	}
	uint64_t took_ns = clock_steady_ns() - began_ns;
	mdb_env_close(env);
	scratch_remove(folder);
	return (double)took_ns / 1e9;
}

int main(int count, char **arguments)
{
	struct bench_broker broker;
	struct copier copier;
	uint64_t customers = 100000;
	bool is_help = count == 2 && strcmp(arguments[1], "--help") == 0;

	if (count == 2 && strcmp(arguments[1], "--quick") == 0)
		customers = 1000;
	else if (count == 3 && strcmp(arguments[1], "--customers") == 0)
		customers = strtoull(arguments[2], NULL, 10);
	else if (count != 1)
		customers = 0;
	if (customers == 0) {
		fputs(usage, is_help ? stdout : stderr);
		return is_help ? 0 : 2;
	}
	bench_broker_start(&broker, 1, customers);
	open_copier(&copier, &broker);
	uint64_t cpu_ns = bench_broker_cpu_ns(&broker), own_ns = clock_cpu_ns();
	double took_s = copy(&copier, &broker, customers);
	cpu_ns = bench_broker_cpu_ns(&broker) - cpu_ns;
	own_ns = clock_cpu_ns() - own_ns;
	double transport_s = echo_s(&copier), disk_s = lmdb_s(&copier, customers), n = (double)customers;
	printf("bench-sync: first copy of %llu customers in %llu pages: %.2f s, %.0f customers/s\n",
	       (unsigned long long)customers, (unsigned long long)copier.messages, took_s, n / took_s);
	printf("CPU a customer: broker %.1f us, agent %.1f us; one durable write of 4 KiB on this disk %.2f ms\n",
	       (double)cpu_ns / 1e3 / n, (double)own_ns / 1e3 / n, bench_fsync_s(200) * 1e3);
	printf("raw beside it: nng TLS echo of the same sizes %.2f s, LMDB alone %.2f s: %.0f customers/s; kluis %.0f "
	       "%%\n",
	       transport_s, disk_s, n / (transport_s + disk_s), 100 * (transport_s + disk_s) / took_s);
	close_copier(&copier);
	bench_broker_stop(&broker);
	return 0;
}
