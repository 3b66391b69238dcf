/* Transactions of the store on LMDB: threads, growth, kill -9, a full disk. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kluis/store.h"
#include "random.h"
#include "scratch.h"

enum { ROWS, SUMS };
static const char *const table_names[] = {"rows", "sums"};
static const struct store_layout layout = {
	.tables = table_names, .table_count = 2, .schema = 1, .application = "store-test"};

static struct store *open_store(const char *folder, bool create)
{
	struct store *store = NULL;
	struct fault fault = {.text = ""};
	enum err err = store_open(folder, &layout, create, &store, &fault);
	if (err != ERR_OK)
		fail_msg("%s: %s", error_name(err), fault.text);
	return store;
}

/* A batch appends count rows of size bytes and counts them in the other table: the two must always agree. */
struct batch {
	unsigned count;
	size_t size;
};

static uint64_t counted(struct store_txn *txn)
{
	struct slice value;
	return store_get(txn, SUMS, slice_text("count"), &value) == ERR_OK ? get_u64(value.data) : 0;
}

static void fill(uint64_t number, uint8_t *ret_bytes, size_t size)
{
	struct random random = {number};
	random_fill(&random, ret_bytes, size < 64 ? size : 64);
	if (size > 64)
		memset(ret_bytes + 64, (int)(number & 0xff), size - 64);
}

static enum err write_batch(struct store_txn *txn, void *context)
{
	static uint8_t value[65536];
	const struct batch *batch = context;
	uint8_t key[8];
	uint64_t count = counted(txn);
	for (unsigned i = 0; i < batch->count; i++) {
		put_u64(key, count);
		fill(count++, value, batch->size);
		store_append(txn, ROWS, SLICE_ARRAY(key), SLICE(value, batch->size));
	}
	put_u64(key, count);
	store_put(txn, SUMS, slice_text("count"), SLICE_ARRAY(key));
	return ERR_OK;
}

/* The number of rows if all are there, in order and unharmed; UINT64_MAX if not. */
static uint64_t verify(struct store_txn *txn)
{
	static _Thread_local uint8_t expected[65536];
	struct store_cursor *cursor;
	struct slice key, value;
	uint64_t number = 0, count = counted(txn);
	if (store_seek(txn, ROWS, SLICE_EMPTY, &cursor) != ERR_OK)
		return UINT64_MAX;
	while (store_next(cursor, &key, &value)) {
		if (key.length != 8 || get_u64(key.data) != number || value.length > sizeof(expected))
			return UINT64_MAX;
		fill(number++, expected, value.length);
		if (!slice_equal(value, SLICE(expected, value.length)))
			return UINT64_MAX;
	}
	store_cursor_close(&cursor);
	return number == count && store_count(txn, ROWS) == count ? count : UINT64_MAX;
}

static uint64_t verify_store(struct store *store)
{
	struct store_txn *txn;
	assert_int_equal(store_begin_read(store, &txn), ERR_OK);
	uint64_t count = verify(txn);
	store_end_read(&txn);
	return count;
}

/* ---- growth beside readers ---- */

struct readers {
	struct store *store;
	atomic_bool is_over;
	atomic_uint reads, failures;
};

/* Whole snapshots only, and never fewer rows than were seen before; sometimes two at once. */
static void *read_on(void *context)
{
	struct readers *readers = context;
	uint64_t seen = 0;
	while (!atomic_load(&readers->is_over)) {
		struct store_txn *txn, *inner;
		if (store_begin_read(readers->store, &txn) != ERR_OK) {
			atomic_fetch_add(&readers->failures, 1);
			continue;
		}
		uint64_t count = verify(txn);
		if (store_begin_read(readers->store, &inner) != ERR_OK || counted(inner) < count)
			atomic_fetch_add(&readers->failures, 1);
		else
			store_end_read(&inner);
		store_end_read(&txn);
		if (count == UINT64_MAX || count < seen)
			atomic_fetch_add(&readers->failures, 1);
		seen = count;
		atomic_fetch_add(&readers->reads, 1);
	}
	return NULL;
}

static void test_map_grows_beside_readers(void **state)
{
	char folder[SCRATCH_MAX];
	pthread_t threads[3];
	struct batch batch = {.count = 16, .size = 50000};
	(void)state;
	scratch_new(folder);
	struct readers readers = {.store = open_store(folder, true)};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers), 0);
	/* 40 MB in a map that begins with 4 MiB; the last batch alone is larger than the map at first was */
	for (int i = 0; i < 38; i++)
		assert_int_equal(store_update(readers.store, write_batch, &batch), ERR_OK);
	batch.count = 200;
	assert_int_equal(store_update(readers.store, write_batch, &batch), ERR_OK);
	atomic_store(&readers.is_over, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&readers.failures), 0);
	assert_true(atomic_load(&readers.reads) > 0);
	assert_int_equal(verify_store(readers.store), 38 * 16 + 200);
	store_close(&readers.store);
	struct store *store = open_store(folder, false);
	assert_int_equal(verify_store(store), 38 * 16 + 200);
	store_close(&store);
	scratch_remove(folder);
}

static void *write_on(void *context)
{
	struct batch batch = {.count = 1, .size = 100};
	for (int i = 0; i < 50; i++) {
		if (store_update(context, write_batch, &batch) != ERR_OK)
			return context;
	}
	return NULL;
}

static void test_writers_take_turns(void **state)
{
	char folder[SCRATCH_MAX];
	pthread_t threads[4];
	void *failed;
	(void)state;
	scratch_new(folder);
	struct store *store = open_store(folder, true);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_on, store), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(verify_store(store), 4 * 50);
	store_close(&store);
	scratch_remove(folder);
}

/* ---- kill -9 ---- */

/* Commits without end; each acknowledged count goes into the pipe. */
static void commit_for_ever(const char *folder, int acknowledge)
{
	struct store *store;
	struct batch batch = {.count = 3, .size = 700};
	if (store_open(folder, &layout, false, &store, NULL) != ERR_OK)
		_exit(1);
	for (uint64_t count = verify_store(store);;) {
		if (store_update(store, write_batch, &batch) != ERR_OK)
			_exit(2);
		count += batch.count;
		if (write(acknowledge, &count, sizeof(count)) != sizeof(count))
			_exit(3);
	}
}

/* Kills a committing child after a while; what it acknowledged last, or 0. */
static uint64_t run_and_kill(const char *folder, long nanoseconds)
{
	int ends[2], status;
	uint64_t acknowledged = 0, next;
	struct timespec pause = {.tv_nsec = nanoseconds};
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		commit_for_ever(folder, ends[1]);
	close(ends[1]);
	nanosleep(&pause, NULL);
	kill(child, SIGKILL);
	while (read(ends[0], &next, sizeof(next)) == sizeof(next))
		acknowledged = next;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return acknowledged;
}

static void test_kill_loses_nothing_acknowledged(void **state)
{
	char folder[SCRATCH_MAX];
	struct random random = {42};
	uint64_t before = 0;
	(void)state;
	scratch_new(folder);
	struct store *store = open_store(folder, true);
	store_close(&store);
	for (int i = 0; i < 40; i++) {
		uint64_t acknowledged = run_and_kill(folder, (long)random_below(&random, 60000000));
		store = open_store(folder, false);
		uint64_t count = verify_store(store);
		store_close(&store);
		assert_true(count != UINT64_MAX && count >= acknowledged && count >= before);
		assert_int_equal(count % 3, 0); /* whole batches */
		before = count;
	}
	assert_true(before > 0);
	scratch_remove(folder);
}

/* ---- a full disk ---- */

/* The limit on a file's size stands for the end of the disk: writes past it fail with EFBIG or come back short. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Writes until it is full, three times more, and again when there is room. */
static void check_full_disk(const char *folder, void (*make_room)(const char *folder))
{
	struct batch batch = {.count = 5, .size = 30000}, small = {.count = 1, .size = 10};
	uint64_t count = 0;
	enum err err;
	struct store *store = open_store(folder, false);
	while ((err = store_update(store, write_batch, &batch)) == ERR_OK)
		assert_true((count += 5) < 1000);
	assert_int_equal(err, ERR_DISK_FULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(verify_store(store), count);
		assert_int_equal(store_update(store, write_batch, &batch), ERR_DISK_FULL);
	}
	make_room(folder);
	assert_int_equal(store_update(store, write_batch, &batch), ERR_OK);
	assert_int_equal(store_update(store, write_batch, &small), ERR_OK);
	assert_int_equal(verify_store(store), count + 6);
	store_close(&store);
	store = open_store(folder, false);
	assert_int_equal(verify_store(store), count + 6);
	store_close(&store);
}

static void lift_limit(const char *folder)
{
	(void)folder;
	limit_files(RLIM_INFINITY);
}

static void test_full_disk_changes_nothing_and_passes(void **state)
{
	char folder[SCRATCH_MAX];
	(void)state;
	scratch_new(folder);
	signal(SIGXFSZ, SIG_IGN);
	struct store *store = open_store(folder, true);
	store_close(&store);
	limit_files(1001 * 1000); /* not on a page's edge */
	check_full_disk(folder, lift_limit);
	scratch_remove(folder);
}

static void enlarge(const char *folder)
{
	assert_int_equal(mount(NULL, folder, NULL, MS_REMOUNT, "size=32m,mode=0700"), 0);
}

/* The same on a small file system, where the machine lets a test have one. */
static void test_small_file_system_changes_nothing_and_passes(void **state)
{
	char folder[SCRATCH_MAX];
	(void)state;
	scratch_new(folder);
	bool is_mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			  mount("store", folder, "tmpfs", 0, "size=1501k,mode=0700") == 0;
	if (!is_mounted) {
		scratch_remove(folder);
		skip();
	}
	struct store *store = open_store(folder, true);
	store_close(&store);
	check_full_disk(folder, enlarge);
	assert_int_equal(umount(folder), 0);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_grows_beside_readers),
		cmocka_unit_test(test_writers_take_turns),
		cmocka_unit_test(test_kill_loses_nothing_acknowledged),
		cmocka_unit_test(test_full_disk_changes_nothing_and_passes),

		cmocka_unit_test(test_small_file_system_changes_nothing_and_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
