/* The log against a tree computed naively from the definition (RFC 9162 2.1.1). */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <string.h>

#include "kluis/hash.h"
#include "kluis/tile.h"
#include "ledger/ledger.h"
#include "random.h"
#include "scratch.h"

enum { ENTRY, TILE, META, PAPER };
static const char *const table_names[] = {"entry", "tile", "meta", "paper"};
static const struct store_layout layout = {
	.tables = table_names, .table_count = 4, .schema = 1, .application = "ledger-test"};
static const struct ledger_tables tables = {.entry = ENTRY, .tile = TILE, .meta = META};

struct log {
	char folder[SCRATCH_MAX];
	struct store *store;
	struct ledger *ledger;
};

/* The n-th entry of every test. */
static struct slice entry_at(uint64_t n, uint8_t place[static 24])
{
	int length = snprintf((char *)place, 24, "entry %llu", (unsigned long long)n);
	return SLICE(place, n % 7 == 3 ? 0 : (size_t)length); /* an empty entry is one too */
}

static enum err open_ledger(struct log *log, struct fault *fault)
{
	struct store_txn *txn;
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	enum err err = ledger_open(txn, &tables, &log->ledger, fault);
	store_end_read(&txn);
	return err;
}

static int set_up(void **state)
{
	struct log *log = test_calloc(1, sizeof(*log));
	struct fault fault = {.text = ""};
	scratch_new(log->folder);
	assert_int_equal(store_open(log->folder, &layout, true, &log->store, &fault), ERR_OK);
	assert_int_equal(open_ledger(log, &fault), ERR_OK);
	*state = log;
	return 0;
}

static int tear_down(void **state)
{
	struct log *log = *state;
	ledger_free(&log->ledger);
	ledger_free(&log->ledger);
	store_close(&log->store);
	scratch_remove(log->folder);
	test_free(log);
	return 0;
}

static void reopen(struct log *log)
{
	struct fault fault = {.text = ""};
	ledger_free(&log->ledger);
	if (open_ledger(log, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
}

struct appending {
	struct log *log;
	uint64_t count;
	unsigned runs; /* how often the transaction ran */
	enum err result;
};

static enum err write_entries(struct store_txn *txn, void *context)
{
	struct appending *appending = context;
	struct ledger *ledger = appending->log->ledger;
	uint8_t place[24];
	appending->runs++;
	ledger_begin(ledger);
	for (uint64_t i = 0; i < appending->count; i++) {
		uint64_t index, wanted = ledger_size(ledger) + i;
		struct hash leaf, expected;
		struct slice entry = entry_at(wanted, place);
		TRY(ledger_append(ledger, txn, entry, &index, &leaf));
		merkle_leaf(entry, &expected);
		if (index != wanted || memcmp(&leaf, &expected, sizeof(leaf)) != 0)
			return ERR_MISMATCH;
	}
	ledger_finish(ledger, txn);
	return appending->result;
}

static void append(struct log *log, uint64_t count)
{
	struct appending appending = {.log = log, .count = count};
	assert_int_equal(store_update(log->store, write_entries, &appending), ERR_OK);
	ledger_keep(log->ledger);
}

/* MTH(D[first:first+count]) by the definition. */
static void naive_root(uint64_t first, uint64_t count, struct hash *ret_root)
{
	uint8_t place[24];
	struct hash left, right;
	uint64_t split = 1;
	if (count == 0)
		sha256(SLICE_EMPTY, ret_root->bytes);
	if (count == 1)
		merkle_leaf(entry_at(first, place), ret_root);
	if (count < 2)
		return;
	while (split * 2 < count)
		split *= 2;
	naive_root(first, split, &left);
	naive_root(first + split, count - split, &right);
	merkle_node(&left, &right, ret_root);
}

static void check_root(const struct log *log, uint64_t size)
{
	struct hash root, expected;
	assert_int_equal(ledger_size(log->ledger), size);
	ledger_root(log->ledger, &root);
	naive_root(0, size, &expected);
	assert_memory_equal(&root, &expected, sizeof(root));
}

static void test_ledger_root_is_the_trees_at_every_size(void **state)
{
	struct log *log = *state;
	check_root(log, 0);
	for (uint64_t size = 1; size <= 600; size++) {
		append(log, 1);
		check_root(log, size);
		reopen(log);
		check_root(log, size);
	}
}

static void test_ledger_root_at_the_edges_of_tiles(void **state)
{
	static const uint64_t sizes[] = {255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, 65793};
	struct log *log = *state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		append(log, sizes[i] - ledger_size(log->ledger));
		check_root(log, sizes[i]);
		reopen(log);
		check_root(log, sizes[i]);
	}
}

/* Exactly the tiles that ledger.h promises, each with the hashes that C2SP tlog-tiles says. */
static void test_ledger_stores_full_tiles_and_partial_ones_above(void **state)
{
	static const uint64_t sizes[] = {255, 256, 600, 66000};
	struct log *log = *state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct store_txn *txn;
		struct store_cursor *cursor;
		struct slice key, value;
		uint64_t size = sizes[i], tiles = 0;
		append(log, size - ledger_size(log->ledger));
		assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
		assert_int_equal(store_seek(txn, TILE, SLICE_EMPTY, &cursor), ERR_OK);
		for (; store_next(cursor, &key, &value); tiles++) {
			struct hash expected;
			uint64_t span = (uint64_t)1 << (8 * key.data[0]), index = get_u64(key.data + 1);
			uint64_t full, count = value.length / HASH_SIZE;
			unsigned partial;
			tile_extent(size, key.data[0], &full, &partial);
			assert_int_equal(count, index < full ? TILE_WIDTH : partial);
			naive_root((index * TILE_WIDTH + count - 1) * span, span, &expected);
			assert_memory_equal(value.data + value.length - HASH_SIZE, &expected, HASH_SIZE);
		}
		store_end_read(&txn);
		/* full ones at level 0, one or none at level 1 for each 65,536 begun, one at level 2 after 65,536 */
		assert_int_equal(tiles, size / 256 + (size / 256 + 255) / 256 + (size >= 65536));
	}
}

static void test_ledger_drop_forgets_and_appends_again(void **state)
{
	struct log *log = *state;
	struct random random = {7};
	uint64_t size = 0;
	append(log, size = 250);
	for (int i = 0; i < 60; i++) {
		struct appending lost = {.log = log, .count = random_below(&random, 600), .result = ERR_STATE};
		assert_int_equal(store_update(log->store, write_entries, &lost), ERR_STATE);
		ledger_drop(log->ledger);
		check_root(log, size);
		uint64_t more = random_below(&random, 40);
		append(log, more);
		check_root(log, size += more);
		if (i % 10 == 0)
			reopen(log);
	}
	reopen(log);
	check_root(log, size);
}

static enum err write_until_it_fits(struct store_txn *txn, void *context)
{
	static const uint8_t ballast[3 * 1024 * 1024];
	struct appending *appending = context;
	TRY(write_entries(txn, context));
	store_put(txn, META, slice_text("ballast"), SLICE_ARRAY(ballast));
	store_put(txn, META, slice_text("ballast2"), SLICE_ARRAY(ballast));
	return appending->result;
}

/* The store runs a transaction again when its map has to grow: the entries must stand in the log once. */
static void test_ledger_append_may_run_again(void **state)
{
	struct log *log = *state;
	struct appending appending = {.log = log, .count = 700};
	append(log, 300);
	assert_int_equal(store_update(log->store, write_until_it_fits, &appending), ERR_OK);
	assert_true(appending.runs > 1);
	ledger_keep(log->ledger);
	check_root(log, 1000);
	reopen(log);
	check_root(log, 1000);
}

static enum err write_large(struct store_txn *txn, void *context)
{
	static const uint8_t bytes[ENTRY_MAX + 1];
	struct log *log = context;
	ledger_begin(log->ledger);
	TRY(ledger_append(log->ledger, txn, SLICE(bytes, ENTRY_MAX), NULL, NULL));
	TRY(ledger_append(log->ledger, txn, SLICE(bytes, ENTRY_MAX + 1), NULL, NULL));
	return ERR_OK;
}

static void test_ledger_append_refuses_what_a_bundle_cannot_hold(void **state)
{
	struct log *log = *state;
	assert_int_equal(store_update(log->store, write_large, log), ERR_TOO_LARGE);
	ledger_drop(log->ledger);
	append(log, 5);
	check_root(log, 5);
}

/* ---- damage ---- */

struct damage {
	unsigned table;
	struct slice key;
	size_t flip; /* this byte of the value */
	bool is_deleting;
	const struct slice *add; /* another row with this key */
};

static enum err write_damage(struct store_txn *txn, void *context)
{
	const struct damage *damage = context;
	struct slice value = SLICE_EMPTY;
	static uint8_t copy[TILE_BYTES];
	if (damage->add) {
		store_put(txn, damage->table, damage->key, slice_text("added"));
		return ERR_OK;
	}
	if (damage->is_deleting) {
		store_delete(txn, damage->table, damage->key);
		return ERR_OK;
	}
	TRY(store_get(txn, damage->table, damage->key, &value));
	memcpy(copy, value.data, value.length);
	copy[damage->flip % value.length] ^= 1;
	store_put(txn, damage->table, damage->key, SLICE(copy, value.length));
	return ERR_OK;
}

static void check_found(struct log *log, struct damage damage)
{
	struct fault fault = {.text = ""};
	assert_int_equal(store_update(log->store, write_damage, &damage), ERR_OK);
	ledger_free(&log->ledger);
	assert_int_equal(open_ledger(log, &fault), ERR_CORRUPT);
	assert_true(strlen(fault.text) > 0);
	assert_null(log->ledger);
}

static void test_ledger_open_finds_damage_at_the_end(void **state)
{
	static const struct damage damages[] = {
		{ENTRY, {(const uint8_t *)"\0\0\0\0\0\0\x02\x57", 8}, .is_deleting = true}, /* the last: 599 */
		{ENTRY, {(const uint8_t *)"\0\0\0\0\0\0\x02\x30", 8}, .is_deleting = true}, /* one of the last tile */
		{ENTRY, {(const uint8_t *)"\0\0\0\0\0\0\x02\x57", 8}, .flip = 3},
		{ENTRY, {(const uint8_t *)"\0\0\0\0\0\0\x02\x00", 8}, .flip = 0}, /* the first of the last tile: 512 */
		{ENTRY, {(const uint8_t *)"\0\0\0\0\0\0\x02\x58", 8}, .add = &damages[0].key}, /* one too many: 600 */
		{ENTRY, {(const uint8_t *)"x", 1}, .add = &damages[0].key},
		{META, {(const uint8_t *)"ledger/frontier", 15}, .is_deleting = true},
		{META, {(const uint8_t *)"ledger/frontier", 15}, .flip = 7},
		{META, {(const uint8_t *)"ledger/frontier", 15}, .flip = 40},
		{META, {(const uint8_t *)"ledger/frontier", 15}, .flip = 8 + 4 * 32 - 1},
		{TILE, {(const uint8_t *)"\1\0\0\0\0\0\0\0\0", 9}, .is_deleting = true},
		{TILE, {(const uint8_t *)"\1\0\0\0\0\0\0\0\0", 9}, .flip = 63},
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct log *log;
		(void)state;
		set_up((void **)&log);
		append(log, 600);
		check_found(log, damages[i]);
		tear_down((void **)&log);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ledger_root_is_the_trees_at_every_size),
		TEST(test_ledger_root_at_the_edges_of_tiles),
		TEST(test_ledger_stores_full_tiles_and_partial_ones_above),
		TEST(test_ledger_drop_forgets_and_appends_again),
		TEST(test_ledger_append_may_run_again),
		TEST(test_ledger_append_refuses_what_a_bundle_cannot_hold),
		cmocka_unit_test(test_ledger_open_finds_damage_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
