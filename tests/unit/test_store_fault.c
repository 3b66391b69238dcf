/* Each call of LMDB made to fail once: it is told, nothing leaks, and the folder holds what was acknowledged. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <lmdb.h>
#include <string.h>

#include "fail.h"
#include "kluis/store.h"
#include "scratch.h"

/* ---- the linker sends the store's calls here (unit/tests.cmake) ---- */

static int failing_code;

/* clang-format off */
#define WRAP(name, parameters, arguments)                                                                              \
	int __real_##name parameters;                                                                                  \
	int __wrap_##name parameters;                                                                                  \
	int __wrap_##name parameters                                                                                   \
	{                                                                                                              \
		return fail_now(FAIL_STORE) ? failing_code : __real_##name arguments;                                  \
	}

WRAP(mdb_env_create, (MDB_env **env), (env))
WRAP(mdb_env_set_maxdbs, (MDB_env *env, MDB_dbi count), (env, count))
WRAP(mdb_env_set_maxreaders, (MDB_env *env, unsigned count), (env, count))
WRAP(mdb_env_set_mapsize, (MDB_env *env, size_t size), (env, size))
WRAP(mdb_env_open, (MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode), (env, path, flags, mode))
WRAP(mdb_env_info, (MDB_env *env, MDB_envinfo *info), (env, info))
WRAP(mdb_env_stat, (MDB_env *env, MDB_stat *stat), (env, stat))
WRAP(mdb_env_get_fd, (MDB_env *env, mdb_filehandle_t *descriptor), (env, descriptor))
WRAP(mdb_txn_begin, (MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn), (env, parent, flags, txn))
WRAP(mdb_txn_renew, (MDB_txn *txn), (txn))
WRAP(mdb_dbi_open, (MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *table), (txn, name, flags, table))
WRAP(mdb_stat, (MDB_txn *txn, MDB_dbi table, MDB_stat *stat), (txn, table, stat))
WRAP(mdb_get, (MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value), (txn, table, key, value))
WRAP(mdb_put, (MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned flags), (txn, table, key, value, flags))
WRAP(mdb_del, (MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value), (txn, table, key, value))
WRAP(mdb_cursor_open, (MDB_txn *txn, MDB_dbi table, MDB_cursor **cursor), (txn, table, cursor))
WRAP(mdb_cursor_get, (MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op), (cursor, key, value, op))
/* clang-format on */

/* A commit that fails has ended its transaction. */
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (!fail_now(FAIL_STORE))
		return __real_mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return failing_code;
}

/* ---- what is tried ---- */

static const char *const table_names[] = {"rows", "other"};
static const struct store_layout layout = {
	.tables = table_names, .table_count = 2, .schema = 1, .application = "fault-test"};

struct trial {
	const char *folder;
	struct store *store;
	uint64_t acknowledged; /* updates */
};

/* Appends one row and counts them in the value of another; the second needs a larger map. */
static enum err write_one(struct store_txn *txn, void *context)
{
	static const uint8_t ballast[5 * 1024 * 1024];
	const struct trial *trial = context;
	uint8_t key[8];
	uint64_t count = store_count(txn, 0);
	put_u64(key, count);
	store_append(txn, 0, SLICE_ARRAY(key), SLICE(ballast, trial->acknowledged == 1 ? sizeof(ballast) : 10));
	store_put(txn, 1, slice_text("count"), SLICE_ARRAY(key));
	store_put(txn, 1, slice_text("gone"), SLICE_EMPTY);
	store_delete(txn, 1, slice_text("gone"));
	return ERR_OK;
}

/* ERR_FINDING if the rows are not those of so many updates. */
static enum err check_rows(struct store_txn *txn, uint64_t expected)
{
	struct slice key, value;
	struct store_cursor *cursor;
	uint64_t count = 0;
	TRY(store_seek(txn, 0, SLICE_EMPTY, &cursor));
	while (store_next(cursor, &key, &value))
		count++;
	TRY(store_txn_status(txn));
	if (count != expected || store_count(txn, 0) != expected)
		return store_txn_status(txn) != ERR_OK ? store_txn_status(txn) : ERR_FINDING;
	if (expected == 0)
		return ERR_OK;
	TRY(store_last(txn, 0, &key, &value));
	TRY(store_get(txn, 1, slice_text("count"), &value));
	return get_u64(value.data) == expected - 1 && get_u64(key.data) == expected - 1 ? ERR_OK : ERR_FINDING;
}

static enum err read_rows(const struct trial *trial)
{
	struct store_txn *txn;
	TRY(store_begin_read(trial->store, &txn));
	enum err err = check_rows(txn, trial->acknowledged);
	store_end_read(&txn);
	return err;
}

static enum err exercise(struct trial *trial)
{
	TRY(store_open(trial->folder, &layout, true, &trial->store, NULL));
	for (int i = 0; i < 3; i++) {
		TRY(store_update(trial->store, write_one, trial));
		trial->acknowledged++;
		TRY(read_rows(trial));
	}
	store_close(&trial->store);
	TRY(store_open(trial->folder, &layout, false, &trial->store, NULL));
	return read_rows(trial);
}

/* The failure is over: an open store works on, and a closed one opens and holds exactly what was acknowledged. */
static bool is_well(struct trial *trial)
{
	if (trial->store) {
		if (store_update(trial->store, write_one, trial) != ERR_OK)
			return false;
		trial->acknowledged++;
		if (read_rows(trial) != ERR_OK)
			return false;
		store_close(&trial->store);
	}
	enum err err = store_open(trial->folder, &layout, false, &trial->store, NULL);
	if (err == ERR_NOT_FOUND && trial->acknowledged == 0)
		err = store_open(trial->folder, &layout, true, &trial->store, NULL);
	return err == ERR_OK && read_rows(trial) == ERR_OK;
}

static enum err run(void *context)
{
	char folder[SCRATCH_MAX];
	struct trial trial = {.folder = folder};
	bool *was_always_well = context;
	scratch_new(folder);
	enum err err = exercise(&trial);
	if (err == ERR_FINDING || (err != ERR_OK && !is_well(&trial)))
		*was_always_well = false;
	store_close(&trial.store);
	scratch_remove(folder);
	return err;
}

static void sweep(unsigned kinds, int code)
{
	bool was_always_well = true;
	failing_code = code;
	fail_sweep(kinds, run, &was_always_well);
	assert_true(was_always_well);
}

static void test_store_survives_each_failing_call(void **state)
{
	(void)state;
	sweep(FAIL_STORE, EIO);
}

static void test_store_survives_corruption_at_each_call(void **state)
{
	(void)state;
	sweep(FAIL_STORE, MDB_CORRUPTED);
}

static void test_store_survives_each_failing_allocation(void **state)
{
	(void)state;
	sweep(FAIL_MEMORY, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_survives_each_failing_call),
		cmocka_unit_test(test_store_survives_corruption_at_each_call),
		cmocka_unit_test(test_store_survives_each_failing_allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
