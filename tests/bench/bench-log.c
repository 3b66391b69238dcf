/*
 * How fast the log takes entries durably, beside LMDB alone that is given the
 * same bytes in the same batches, and how fast a log is verified, beside SHA-256
 * alone over the same bytes.
 *
 *     bench-log [--full]      --full: 1,000,000 entries
 *
 * The folder is made under $TMPDIR or /tmp: that disk is measured.
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kluis/clock.h"
#include "kluis/hash.h"
#include "ledger/ledger.h"
#include "random.h"
#include "scratch.h"

#define ENTRY_BYTES 300
#define ENTRIES 4096 /* different ones, used in turn */
#define ROUNDS 5     /* kluis and the raw limit take turns, since a disk's speed changes as it goes */

static uint8_t entries[ENTRIES][ENTRY_BYTES];

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	fprintf(stderr, "bench-log: %s failed\n", what);
	exit(1);
}

static struct slice entry_at(uint64_t index)
{
	return SLICE_ARRAY(entries[index % ENTRIES]);
}

struct work {
	uint64_t next, batch, count;
};

/* ---- kluis ---- */

enum { ENTRY, TILE, META, PAPER };
static const char *const table_names[] = {"entry", "tile", "meta", "paper"};
static const struct store_layout layout = {
	.tables = table_names, .table_count = 4, .schema = 1, .application = "bench-log"};
static const struct ledger_tables tables = {.entry = ENTRY, .tile = TILE, .meta = META};

struct kluis {
	struct store *store;
	struct ledger *ledger;
	struct work work;
};

static void kluis_open(struct kluis *kluis, const char *folder)
{
	struct store_txn *txn;
	must(store_open(folder, &layout, true, &kluis->store, NULL) == ERR_OK, "opening the store");
	must(store_begin_read(kluis->store, &txn) == ERR_OK, "reading");
	must(ledger_open(txn, &tables, &kluis->ledger, NULL) == ERR_OK, "opening the ledger");
	store_end_read(&txn);
}

static enum err kluis_write(struct store_txn *txn, void *context)
{
	struct kluis *kluis = context;
	ledger_begin(kluis->ledger);
	for (uint64_t i = 0; i < kluis->work.batch; i++)
		TRY(ledger_append(kluis->ledger, txn, entry_at(kluis->work.next + i), NULL, NULL));
	ledger_finish(kluis->ledger, txn);
	return ERR_OK;
}

static void kluis_run(struct kluis *kluis)
{
	for (uint64_t done = 0; done < kluis->work.count; done += kluis->work.batch) {
		must(store_update(kluis->store, kluis_write, kluis) == ERR_OK, "appending to the ledger");
		ledger_keep(kluis->ledger);
		kluis->work.next += kluis->work.batch;
	}
}

/* ---- LMDB alone ---- */

struct raw {
	MDB_env *env;
	MDB_dbi table;
	struct work work;
};

static void raw_open(struct raw *raw, const char *folder)
{
	MDB_txn *txn;
	must(mkdir(folder, 0700) == 0, "making a folder");
	must(!mdb_env_create(&raw->env) && !mdb_env_set_maxdbs(raw->env, 1) &&
		     !mdb_env_set_mapsize(raw->env, (size_t)8 << 30) &&
		     !mdb_env_open(raw->env, folder, MDB_NOTLS, 0600) && !mdb_txn_begin(raw->env, NULL, 0, &txn) &&
		     !mdb_dbi_open(txn, "entry", MDB_CREATE, &raw->table) && !mdb_txn_commit(txn),
	     "opening LMDB");
}

static void raw_run(struct raw *raw)
{
	uint8_t number[8];
	for (uint64_t done = 0; done < raw->work.count; done += raw->work.batch) {
		MDB_txn *txn;
		must(!mdb_txn_begin(raw->env, NULL, 0, &txn), "beginning in LMDB");
		for (uint64_t i = 0; i < raw->work.batch; i++, raw->work.next++) {
			MDB_val key = {.mv_size = 8, .mv_data = number};
			MDB_val value = {.mv_size = ENTRY_BYTES, .mv_data = entries[raw->work.next % ENTRIES]};
			put_u64(number, raw->work.next);
			must(!mdb_put(txn, raw->table, &key, &value, MDB_APPEND), "appending to LMDB");
		}
		must(!mdb_txn_commit(txn), "committing to LMDB");
	}
}

/* ---- the two measurements ---- */

static double rate(uint64_t count, uint64_t nanoseconds)
{
	return (double)count * 1e9 / (double)(nanoseconds ? nanoseconds : 1);
}

static void bench_append(uint64_t batch, uint64_t total)
{
	char folder[SCRATCH_MAX], place[SCRATCH_MAX + 8];
	uint64_t count = (total / ROUNDS + batch - 1) / batch * batch, kluis_ns = 0, raw_ns = 0;
	struct kluis kluis = {.work = {.batch = batch, .count = count}};
	struct raw raw = {.work = {.batch = batch, .count = count}};
	scratch_new(folder);
	snprintf(place, sizeof(place), "%s/kluis", folder);
	kluis_open(&kluis, place);
	snprintf(place, sizeof(place), "%s/raw", folder);
	raw_open(&raw, place);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = clock_steady_ns();
		raw_run(&raw);
		uint64_t middle = clock_steady_ns();
		kluis_run(&kluis);
		raw_ns += middle - start;
		kluis_ns += clock_steady_ns() - middle;
	}
	double here = rate(count * ROUNDS, kluis_ns), limit = rate(count * ROUNDS, raw_ns);
	printf("append, %3llu a commit   %10.0f entries/s   LMDB alone    %10.0f entries/s   %3.0f %%\n",
	       (unsigned long long)batch, here, limit, 100 * here / limit);
	ledger_free(&kluis.ledger);
	store_close(&kluis.store);
	mdb_env_close(raw.env);
	scratch_remove(folder);
}

static void bench_verify(uint64_t total)
{
	struct frontier frontier = {.size = 0};
	struct sha256_stream stream;
	struct hash root;
	uint64_t start = clock_steady_ns();
	sha256_begin(&stream);
	for (uint64_t i = 0; i < total; i++)
		sha256_update(&stream, entry_at(i));
	sha256_end(&stream, root.bytes);
	uint64_t middle = clock_steady_ns();
	for (uint64_t i = 0; i < total; i++) {
		struct hash leaf;
		merkle_leaf(entry_at(i), &leaf);
		frontier_append(&frontier, &leaf);
	}
	frontier_root(&frontier, &root);
	double here = rate(total, clock_steady_ns() - middle), limit = rate(total, middle - start);
	printf("verify %10llu      %10.0f entries/s   SHA-256 alone %10.0f entries/s   %3.0f %%\n",
	       (unsigned long long)total, here, limit, 100 * here / limit);
}

int main(int count, char **arguments)
{
	static const uint64_t batches[] = {1, 64, 512}, quick[] = {2000, 64000, 256000},
			      full[] = {20000, 1000000, 1000000};
	bool is_full = count == 2 && strcmp(arguments[1], "--full") == 0;
	struct random random = {1};
	if (count > 1 && !is_full) {
		fprintf(stderr, "usage: bench-log [--full]\n");
		return 2;
	}
	random_fill(&random, entries[0], sizeof(entries));
	printf("bench-log: entries of %d bytes\n", ENTRY_BYTES);
	for (size_t i = 0; i < 3; i++)
		bench_append(batches[i], is_full ? full[i] : quick[i]);
	bench_verify(is_full ? full[2] : quick[2]);
	return 0;
}
