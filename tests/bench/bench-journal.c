/*
 * How many accesses the agent's journal takes a second, each on stable storage before its caller goes on: with one
 * thread, and with sixteen that share commits. Beside it, from the same run on the same disk ($TMPDIR), the raw rate of
 * commits: one row of a record's size, one fdatasync, nothing else.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "kluis/clock.h"
#include "kluis/keys.h"
#include "replica.h"
#include "scratch.h"

#define THREADS_MAX 16
#define ROW_SIZE 300

static struct store *store;
static struct journal *journal;
static unsigned each;

static void must(enum err err, const char *what)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "bench-journal: %s: %s\n", what, error_text(err));
	exit(1);
}

static enum err put_row(struct store_txn *txn, void *context)
{
	uint8_t key[9] = {255}, row[ROW_SIZE] = {1};

	put_u64(key + 1, *(const uint64_t *)context);
	store_append(txn, REPLICA_ALARM, SLICE_ARRAY(key), SLICE_ARRAY(row));
	return ERR_OK;
}

/* Commits a second. */
static uint64_t measure_commits(uint64_t count)
{
	uint64_t began_ns = clock_steady_ns();

	for (uint64_t i = 0; i < count; i++)
		must(store_update(store, put_row, &i), "commit");
	return count * UINT64_C(1000000000) / (clock_steady_ns() - began_ns);
}

static void *append_each(void *context)
{
	struct journal_access access = {.purpose = "service",
					.field = 1,
					.has_customer = true,
					.has_disclosure = true,
					.version = 1,
					.fields = 7,
					.count_grant = 0,
					.count_day = 20000};
	uint64_t number;

	for (unsigned i = 0; i < each; i++) {
		access.time_ms = clock_now_ms();
		put_u32(access.customer, i);
		access.customer[15] = *(const uint8_t *)context;
		must(journal_append(journal, &access, &number), "append");
	}
	return NULL;
}

/* Records a second. */
static uint64_t measure_appends(unsigned threads, unsigned count)
{
	pthread_t ids[THREADS_MAX];
	uint8_t names[THREADS_MAX];
	uint64_t began_ns = clock_steady_ns();

	each = count / threads;
	for (unsigned i = 0; i < threads; i++) {
		names[i] = (uint8_t)i;
		if (pthread_create(&ids[i], NULL, append_each, &names[i]) != 0)
			must(ERR_MEMORY, "thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return (uint64_t)each * threads * UINT64_C(1000000000) / (clock_steady_ns() - began_ns);
}

int main(int argc, char **argv)
{
	static const uint8_t key[KEY_SIZE] = {7};
	bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	unsigned count = is_quick ? 64 : 2000;
	char folder[SCRATCH_MAX], path[SCRATCH_MAX + 8];
	struct fault fault = {""};

	must(keys_init(), "libsodium");
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/db", folder);
	must(store_open(path, &replica_layout, true, &store, &fault), fault.text);
	must(journal_open(store, key, &journal, &fault), fault.text);
	printf("%-40s %8llu a second\n", "raw commits, one thread",
	       (unsigned long long)measure_commits(is_quick ? 64 : 2000));
	printf("%-40s %8llu a second\n", "journal records, one thread", (unsigned long long)measure_appends(1, count));
	printf("%-40s %8llu a second\n", "journal records, 16 threads",
	       (unsigned long long)measure_appends(THREADS_MAX, 4 * count));
	uint64_t records = journal_waiting(journal);
	journal_close(&journal);
	uint64_t began_ns = clock_steady_ns();
	must(journal_open(store, key, &journal, &fault), fault.text);
	printf("%-40s %8llu a second\n", "records checked at the start",
	       (unsigned long long)(records * UINT64_C(1000000000) / (clock_steady_ns() - began_ns)));
	journal_close(&journal);
	store_close(&store);
	scratch_remove(folder);
	return 0;
}
