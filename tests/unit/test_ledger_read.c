/* Reading the log: proofs verify by RFC 9162's own procedures against roots computed by the definition. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "ledger/ledger.h"
#include "random.h"
#include "scratch.h"

enum { ENTRY, TILE, META, PAPER };
#define SIZE 70000

static const char *const table_names[] = {"entry", "tile", "meta", "paper"};
static const struct store_layout layout = {
	.tables = table_names, .table_count = 4, .schema = 1, .application = "ledger-test"};
static const struct ledger_tables tables = {.entry = ENTRY, .tile = TILE, .meta = META};

struct log {
	char folder[SCRATCH_MAX];
	struct store *store;
	struct ledger *ledger;
	struct hash leaves[SIZE];
};

static enum err write_entries(struct store_txn *txn, void *context)
{
	struct log *log = context;
	uint8_t entry[5] = {0};
	ledger_begin(log->ledger);
	for (uint32_t i = 0; i < SIZE; i++) {
		put_u32(entry, i);
		TRY(ledger_append(log->ledger, txn, SLICE_ARRAY(entry), NULL, &log->leaves[i]));
	}
	ledger_finish(log->ledger, txn);
	return ERR_OK;
}

static int set_up(void **state)
{
	struct log *log = test_calloc(1, sizeof(*log));
	struct store_txn *txn;
	scratch_new(log->folder);
	assert_int_equal(store_open(log->folder, &layout, true, &log->store, NULL), ERR_OK);
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	assert_int_equal(ledger_open(txn, &tables, &log->ledger, NULL), ERR_OK);
	store_end_read(&txn);
	assert_int_equal(store_update(log->store, write_entries, log), ERR_OK);
	ledger_keep(log->ledger);
	*state = log;
	return 0;
}

static int tear_down(void **state)
{
	struct log *log = *state;
	ledger_free(&log->ledger);
	store_close(&log->store);
	scratch_remove(log->folder);
	test_free(log);
	return 0;
}

static void naive_root(const struct hash *leaves, uint64_t count, struct hash *ret_root)
{
	struct hash left, right;
	uint64_t split = 1;
	if (count == 1)
		*ret_root = leaves[0];
	if (count == 1)
		return;
	while (split * 2 < count)
		split *= 2;
	naive_root(leaves, split, &left);
	naive_root(leaves + split, count - split, &right);
	merkle_node(&left, &right, ret_root);
}

/* Sizes around tiles' edges and others. */
static uint64_t pick_size(struct random *random)
{
	static const uint64_t edges[] = {1, 2, 255, 256, 257, 65535, 65536, 65537, SIZE - 1, SIZE};
	if (random_below(random, 2) == 0)
		return edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
	return 1 + random_below(random, random_below(random, 2) == 0 ? 1000 : SIZE);
}

static void test_ledger_prove_inclusion_verifies(void **state)
{
	const struct log *log = *state;
	struct random random = {11};
	struct store_txn *txn;
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	for (int i = 0; i < 60; i++) {
		struct merkle_proof proof;
		struct hash root;
		uint64_t size = pick_size(&random);
		naive_root(log->leaves, size, &root);
		for (int k = 0; k < 10; k++) {
			uint64_t index = k < 2 ? size - 1 : random_below(&random, size);
			assert_int_equal(ledger_prove_inclusion(&tables, txn, index, size, &proof), ERR_OK);
			const struct hash *leaf = &log->leaves[index];
			assert_int_equal(merkle_verify_inclusion(index, size, leaf, &proof, &root), ERR_OK);
			leaf = &log->leaves[(index + 1) % SIZE];
			assert_int_equal(merkle_verify_inclusion(index, size, leaf, &proof, &root), ERR_PROOF);
		}
	}
	store_end_read(&txn);
}

static void test_ledger_root_at_every_kind_of_size(void **state)
{
	const struct log *log = *state;
	struct random random = {13};
	struct hash root, expected;
	struct store_txn *txn;
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	for (int i = 0; i < 100; i++) {
		uint64_t size = pick_size(&random);
		naive_root(log->leaves, size, &expected);
		assert_int_equal(ledger_root_at(&tables, txn, size, &root), ERR_OK);
		assert_memory_equal(root.bytes, expected.bytes, HASH_SIZE);
	}
	assert_int_equal(ledger_root_at(&tables, txn, SIZE + 1, &root), ERR_NOT_FOUND);
	assert_int_equal(ledger_root_at(&tables, txn, UINT64_MAX, &root), ERR_NOT_FOUND);
	store_end_read(&txn);
}

static void test_ledger_prove_consistency_verifies(void **state)
{
	const struct log *log = *state;
	struct random random = {12};
	struct store_txn *txn;
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	for (int i = 0; i < 60; i++) {
		struct merkle_proof proof;
		struct hash old_root, new_root;
		uint64_t new_size = pick_size(&random), old_size = 1 + random_below(&random, new_size);
		naive_root(log->leaves, old_size, &old_root);
		naive_root(log->leaves, new_size, &new_root);
		assert_int_equal(ledger_prove_consistency(&tables, txn, old_size, new_size, &proof), ERR_OK);
		assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, &proof), ERR_OK);
		old_root.bytes[i % HASH_SIZE] ^= 1;
		assert_int_equal(merkle_verify_consistency(old_size, new_size, &old_root, &new_root, &proof),
				 ERR_PROOF);
	}
	store_end_read(&txn);
}

static void test_ledger_proofs_refuse_what_is_not_there(void **state)
{
	const struct log *log = *state;
	struct merkle_proof proof;
	struct store_txn *txn;
	struct slice entry;
	uint64_t size;
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	assert_int_equal(ledger_size_at(&tables, txn, &size), ERR_OK);
	assert_int_equal(size, SIZE);
	assert_int_equal(ledger_entry(&tables, txn, SIZE, &entry), ERR_NOT_FOUND);
	assert_int_equal(ledger_entry(&tables, txn, 65536, &entry), ERR_OK);
	assert_int_equal(get_u32(entry.data), 65536);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, 3, SIZE + 1, &proof), ERR_NOT_FOUND);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, 3, UINT64_MAX, &proof), ERR_NOT_FOUND);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, SIZE, SIZE, &proof), ERR_INPUT);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, 0, 0, &proof), ERR_INPUT);
	assert_int_equal(ledger_prove_consistency(&tables, txn, 1, SIZE + 1, &proof), ERR_NOT_FOUND);
	assert_int_equal(ledger_prove_consistency(&tables, txn, 11, 10, &proof), ERR_INPUT);
	store_end_read(&txn);
}

static enum err write_damage(struct store_txn *txn, void *context)
{
	(void)context;
	store_delete(txn, ENTRY, SLICE("\0\0\0\0\0\1\x11\x6f", 8)); /* 69,999 */
	store_delete(txn, TILE, SLICE("\1\0\0\0\0\0\0\0\1", 9));
	store_put(txn, TILE, SLICE("\0\0\0\0\0\0\0\0\1", 9), slice_text("short"));
	return ERR_OK;
}

static void test_ledger_proofs_find_holes(void **state)
{
	const struct log *log = *state;
	struct merkle_proof proof;
	struct store_txn *txn;
	assert_int_equal(store_update(log->store, write_damage, NULL), ERR_OK);
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, SIZE - 2, SIZE, &proof), ERR_CORRUPT);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, 0, 66560, &proof), ERR_CORRUPT);
	assert_int_equal(ledger_prove_inclusion(&tables, txn, 257, 300, &proof), ERR_CORRUPT);
	store_end_read(&txn);
}

static enum err write_notes(struct store_txn *txn, void *context)
{
	ledger_put_checkpoint(&tables, txn, slice_text(context));
	return ERR_OK;
}

static void test_ledger_keeps_the_latest_checkpoint(void **state)
{
	const struct log *log = *state;
	char first[] = "first", second[] = "second";
	struct store_txn *txn;
	struct slice note;
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	assert_int_equal(ledger_checkpoint(&tables, txn, &note), ERR_NOT_FOUND);
	store_end_read(&txn);
	assert_int_equal(store_update(log->store, write_notes, first), ERR_OK);
	assert_int_equal(store_update(log->store, write_notes, second), ERR_OK);
	assert_int_equal(store_begin_read(log->store, &txn), ERR_OK);
	assert_int_equal(ledger_checkpoint(&tables, txn, &note), ERR_OK);
	assert_true(slice_equal(note, slice_text(second)));
	store_end_read(&txn);
}

int main(void)
{
	/* the last damages the log that all share */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger_prove_inclusion_verifies),
		cmocka_unit_test(test_ledger_root_at_every_kind_of_size),
		cmocka_unit_test(test_ledger_prove_consistency_verifies),
		cmocka_unit_test(test_ledger_proofs_refuse_what_is_not_there),
		cmocka_unit_test(test_ledger_keeps_the_latest_checkpoint),
		cmocka_unit_test(test_ledger_proofs_find_holes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
