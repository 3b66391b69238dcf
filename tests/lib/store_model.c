#include "store_model.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define TABLES 3
#define GROWING 2 /* the table that is only appended to and deleted from */
#define ROWS_MAX 400
#define KEYS 120 /* different keys in the other tables */
#define SNAPSHOTS 4
#define VALUE_BYTES 3000

static const char *const table_names[TABLES] = {"apples", "pears", "log"};

const struct store_layout store_model_layout = {
	.tables = table_names, .table_count = TABLES, .schema = 7, .application = "store-model"};

struct row {
	uint8_t key[24];
	size_t key_length;
	uint64_t content; /* the value's seed and length */
};

struct table {
	size_t count;
	struct row rows[ROWS_MAX];
};

struct tables {
	struct table tables[TABLES];
	uint64_t appended;
};

struct snapshot {
	struct store_txn *txn;
	struct tables tables;
};

struct model {
	struct store *store;
	const char *folder;
	struct random random;
	struct tables committed, working;
	struct snapshot snapshots[SNAPSHOTS];
	uint64_t update_seed; /* a second run of the same update does the same */
	bool is_aborting;
	enum err result;
	int failed_line; /* assertions belong to the main thread, so others leave the line here */
};

#define CHECK(model, condition)                                                                                        \
	((condition) || (model)->failed_line ? (void)0 : (void)((model)->failed_line = __LINE__))

/* ---- the plain array ---- */

static struct slice row_key(const struct row *row)
{
	return SLICE(row->key, row->key_length);
}

static size_t table_find(const struct table *table, struct slice key)
{
	size_t at = 0;
	while (at < table->count && slice_compare(row_key(&table->rows[at]), key) < 0)
		at++;
	return at;
}

static bool table_has(const struct table *table, size_t at, struct slice key)
{
	return at < table->count && slice_equal(row_key(&table->rows[at]), key);
}

static void table_put(struct table *table, const struct row *row)
{
	size_t at = table_find(table, row_key(row));
	if (!table_has(table, at, row_key(row))) {
		memmove(&table->rows[at + 1], &table->rows[at], (table->count - at) * sizeof(*row));
		table->count++;
	}
	table->rows[at] = *row;
}

static void table_delete(struct table *table, struct slice key)
{
	size_t at = table_find(table, key);
	if (!table_has(table, at, key))
		return;
	table->count--;
	memmove(&table->rows[at], &table->rows[at + 1], (table->count - at) * sizeof(table->rows[0]));
}

static struct slice content_of(uint64_t content, uint8_t buffer[static VALUE_BYTES])
{
	struct random random = {content};
	size_t length = random_below(&random, 8) == 0 ? random_below(&random, VALUE_BYTES) : random_below(&random, 60);
	random_fill(&random, buffer, length);
	return SLICE(buffer, length);
}

/* ---- comparing ---- */

static void check_row(struct model *model, const struct row *row, struct slice key, struct slice value)
{
	uint8_t buffer[VALUE_BYTES];
	CHECK(model, slice_equal(key, row_key(row)));
	CHECK(model, slice_equal(value, content_of(row->content, buffer)));
}

static void check_walk(struct model *model, struct store_txn *txn, unsigned number, const struct table *table,
		       struct slice from)
{
	struct store_cursor *cursor = NULL;
	struct slice key, value;
	CHECK(model, store_seek(txn, number, from, &cursor) == ERR_OK);
	size_t at = table_find(table, from);
	while (cursor && store_next(cursor, &key, &value)) {
		CHECK(model, at < table->count);
		if (at < table->count)
			check_row(model, &table->rows[at++], key, value);
	}
	CHECK(model, at == table->count);
	CHECK(model, !cursor || !store_next(cursor, &key, &value));
	store_cursor_close(&cursor);
}

static void check_last(struct model *model, struct store_txn *txn, unsigned number, const struct table *table)
{
	struct slice key, value;
	enum err err = store_last(txn, number, &key, &value);
	CHECK(model, err == (table->count > 0 ? ERR_OK : ERR_NOT_FOUND));
	if (err == ERR_OK && table->count > 0)
		check_row(model, &table->rows[table->count - 1], key, value);
}

static void random_key(struct random *random, struct row *ret_row)
{
	/* lengths differ, and some keys are the beginning of others */
	unsigned number = (unsigned)random_below(random, KEYS);
	ret_row->key_length = (size_t)snprintf((char *)ret_row->key, sizeof(ret_row->key), "%.*s%u", (int)(number % 9),
					       "\xff\x01zzzzzzz", number);
}

static void check_get(struct model *model, struct random *random, struct store_txn *txn, unsigned number,
		      const struct table *table)
{
	struct row row;
	struct slice value;
	random_key(random, &row);
	size_t at = table_find(table, row_key(&row));
	bool is_there = table_has(table, at, row_key(&row));
	enum err err = store_get(txn, number, row_key(&row), &value);
	CHECK(model, err == (is_there ? ERR_OK : ERR_NOT_FOUND));
	if (err == ERR_OK && is_there)
		check_row(model, &table->rows[at], row_key(&row), value);
}

static void check_tables(struct model *model, struct random *random, struct store_txn *txn, const struct tables *tables)
{
	for (unsigned i = 0; i < TABLES; i++) {
		struct row row;
		random_key(random, &row);
		check_walk(model, txn, i, &tables->tables[i], SLICE_EMPTY);
		check_walk(model, txn, i, &tables->tables[i], row_key(&row));
		check_get(model, random, txn, i, &tables->tables[i]);
		check_last(model, txn, i, &tables->tables[i]);
		CHECK(model, store_count(txn, i) == tables->tables[i].count);
		CHECK(model, store_txn_status(txn) == ERR_OK);
	}
}

/* ---- what an update does ---- */

static void do_put(struct model *model, struct random *random, struct store_txn *txn)
{
	uint8_t buffer[VALUE_BYTES];
	struct row row = {.content = random_next(random)};
	unsigned number = (unsigned)random_below(random, GROWING);
	random_key(random, &row);
	store_put(txn, number, row_key(&row), content_of(row.content, buffer));
	table_put(&model->working.tables[number], &row);
}

static void do_append(struct model *model, struct random *random, struct store_txn *txn)
{
	uint8_t buffer[VALUE_BYTES];
	struct row row = {.content = random_next(random), .key_length = 8};
	if (model->working.tables[GROWING].count == ROWS_MAX)
		return;
	put_u64(row.key, model->working.appended++);
	store_append(txn, GROWING, row_key(&row), content_of(row.content, buffer));
	table_put(&model->working.tables[GROWING], &row);
}

static void do_delete(struct model *model, struct random *random, struct store_txn *txn)
{
	unsigned number = (unsigned)random_below(random, TABLES);
	struct table *table = &model->working.tables[number];
	struct row row;
	random_key(random, &row);
	if (table->count > 0 && random_below(random, 4) > 0)
		row = table->rows[random_below(random, table->count)];
	store_delete(txn, number, row_key(&row));
	table_delete(table, row_key(&row));
}

/* Walks a table and deletes and puts under the cursor: what comes next is the next greater key. */
static void do_walk(struct model *model, struct random *random, struct store_txn *txn)
{
	unsigned number = (unsigned)random_below(random, GROWING);
	struct table *table = &model->working.tables[number];
	struct store_cursor *cursor = NULL;
	struct slice key, value;
	struct row row = {.key_length = 0};
	CHECK(model, store_seek(txn, number, SLICE_EMPTY, &cursor) == ERR_OK);
	while (cursor && store_next(cursor, &key, &value)) {
		size_t at = table_find(table, row_key(&row));
		at += table_has(table, at, row_key(&row));
		CHECK(model, at < table->count);
		if (at == table->count)
			break;
		check_row(model, &table->rows[at], key, value);
		row = table->rows[at];
		if (random_below(random, 3) == 0) {
			store_delete(txn, number, row_key(&row));
			table_delete(table, row_key(&row));
		} else if (random_below(random, 3) == 0) {
			do_put(model, random, txn);
		}
	}
	size_t end = table_find(table, row_key(&row));
	CHECK(model, end + table_has(table, end, row_key(&row)) == table->count);
	if (random_below(random, 2) == 0) /* else the transaction's end closes it */
		store_cursor_close(&cursor);
}

static void do_check(struct model *model, struct random *random, struct store_txn *txn)
{
	check_tables(model, random, txn, &model->working);
}

static enum err write_update(struct store_txn *txn, void *context)
{
	static void (*const actions[])(struct model *, struct random *, struct store_txn *) = {
		do_put, do_put, do_put, do_append, do_append, do_delete, do_delete, do_walk, do_check};
	struct model *model = context;
	struct random random = {model->update_seed};
	model->working = model->committed;
	for (uint64_t left = random_below(&random, 25); left > 0; left--)
		actions[random_below(&random, sizeof(actions) / sizeof(actions[0]))](model, &random, txn);
	return model->is_aborting ? ERR_STATE : ERR_OK;
}

static void *run_update(void *context)
{
	struct model *model = context;
	model->result = store_update(model->store, write_update, model);
	return NULL;
}

/* In another thread, since this one may hold snapshots. */
static void step_update(struct model *model)
{
	pthread_t thread;
	model->update_seed = random_next(&model->random);
	model->is_aborting = random_below(&model->random, 5) == 0;
	assert_int_equal(pthread_create(&thread, NULL, run_update, model), 0);
	pthread_join(thread, NULL);
	assert_int_equal(model->result, model->is_aborting ? ERR_STATE : ERR_OK);
	if (!model->is_aborting)
		model->committed = model->working;
}

/* ---- the steps ---- */

static void end_snapshot(struct model *model, struct snapshot *snapshot)
{
	check_tables(model, &model->random, snapshot->txn, &snapshot->tables);
	store_end_read(&snapshot->txn);
	assert_null(snapshot->txn);
}

static void step_snapshot(struct model *model)
{
	struct snapshot *snapshot = &model->snapshots[random_below(&model->random, SNAPSHOTS)];
	if (snapshot->txn) {
		end_snapshot(model, snapshot);
		return;
	}
	assert_int_equal(store_begin_read(model->store, &snapshot->txn), ERR_OK);
	snapshot->tables = model->committed;
	check_tables(model, &model->random, snapshot->txn, &snapshot->tables);
}

static void step_reopen(struct model *model)
{
	struct fault fault = {.text = ""};
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		if (model->snapshots[i].txn)
			end_snapshot(model, &model->snapshots[i]);
	}
	store_close(&model->store);
	assert_null(model->store);
	assert_int_equal(store_open(model->folder, &store_model_layout, false, &model->store, &fault), ERR_OK);
}

static enum err write_ballast(struct store_txn *txn, void *context)
{
	static const uint8_t ballast[1024 * 1024];
	const bool *is_there = context;
	for (uint8_t i = 1; i <= 20; i++) {
		if (*is_there)
			store_delete(txn, 0, SLICE(&i, 1));
		else
			store_put(txn, 0, SLICE(&i, 1), SLICE_ARRAY(ballast));
	}
	return ERR_OK;
}

/* Makes room first: the map could not grow while this test holds its snapshots. */
static void make_room(struct store *store)
{
	bool is_there = false;
	assert_int_equal(store_update(store, write_ballast, &is_there), ERR_OK);
	is_there = true;
	assert_int_equal(store_update(store, write_ballast, &is_there), ERR_OK);
}

void store_model_run(const char *folder, uint64_t seed, unsigned steps)
{
	struct fault fault = {.text = ""};
	struct model *model = test_calloc(1, sizeof(*model));
	model->folder = folder;
	model->random.state = seed;
	assert_int_equal(store_open(folder, &store_model_layout, true, &model->store, &fault), ERR_OK);
	make_room(model->store);
	for (unsigned i = 0; i < steps; i++) {
		uint64_t choice = random_below(&model->random, 40);
		if (choice == 0)
			step_reopen(model);
		else if (choice < 15)
			step_snapshot(model);
		else
			step_update(model);
		if (model->failed_line)
			fail_msg("seed %llu, step %u: store_model.c:%d does not hold", (unsigned long long)seed, i,
				 model->failed_line);
	}
	step_reopen(model);
	store_close(&model->store);
	test_free(model);
}
