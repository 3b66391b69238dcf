#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, &formula->office);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static enum err open_with(uint8_t byte, uint32_t epoch)
{
	uint8_t master[KEY_SIZE];
	struct vault *vault CLEANUP(vault_free) = NULL;
	struct bytes row CLEANUP(bytes_fini);

	memset(master, byte, sizeof(master));
	bytes_init(&row, 1024);
	struct core_keys keys = {.master = master, .epoch = epoch};
	enum err err = vault_open(bench.txn, &keys, &vault, &row, NULL);
	assert_int_equal(row.length, 0);
	return err;
}

static void test_vault_open_asks_for_the_right_key(void **state)
{
	(void)state;
	assert_int_equal(open_with(3, 1), ERR_OK);
	assert_int_equal(open_with(4, 1), ERR_CRYPTO);
	assert_int_equal(open_with(3, 2), ERR_CRYPTO);
}

static void test_vault_open_makes_a_lookup_key_once(void **state)
{
	struct vault *again CLEANUP(vault_free) = NULL;
	struct bytes row CLEANUP(bytes_fini);
	struct slice stored;

	(void)state;
	bytes_init(&row, 1024);
	assert_int_equal(vault_open(bench.txn, &formula->keys, &again, &row, NULL), ERR_OK);
	assert_memory_equal(again->lookup_key, bench.vault->lookup_key, KEY_SIZE);
	/* sealed: the key itself is nowhere in its row */
	assert_int_equal(store_get(bench.txn, TABLE_META, slice_text(VAULT_META_LOOKUP), &stored), ERR_OK);
	assert_true(stored.length >= KEY_SIZE + SEAL_OVERHEAD);
	for (size_t i = 0; i + KEY_SIZE <= stored.length; i++)
		assert_memory_not_equal(stored.data + i, again->lookup_key, KEY_SIZE);
	/* two brokers have two keys */
	struct franchise *other = franchise_new(NULL);
	struct workbench others;
	workbench_init(&others, other, &other->office);
	assert_memory_not_equal(others.vault->lookup_key, again->lookup_key, KEY_SIZE);
	workbench_fini(&others);
	franchise_free(&other);
}

static enum err put_lookup_row(struct store_txn *txn, void *row)
{
	store_put(txn, TABLE_META, slice_text(VAULT_META_LOOKUP), *(struct slice *)row);
	return ERR_OK;
}

static void test_vault_open_of_a_damaged_row(void **state)
{
	struct slice row = slice_text("short");

	(void)state;
	workbench_fini(&bench);
	assert_int_equal(store_update(formula->store, put_lookup_row, &row), ERR_OK);
	arena_init(&bench.arena, 1024);
	assert_int_equal(store_begin_read(formula->store, &bench.txn), ERR_OK);
	assert_int_equal(open_with(3, 1), ERR_CORRUPT);
}

static void test_key_wrap_and_unwrap(void **state)
{
	struct slice pseudonym = franchise_draw(formula), other = franchise_draw(formula);
	uint8_t key[KEY_SIZE], *opened;
	ProtobufCBinaryData wrapped;
	uint32_t epoch;

	(void)state;
	memset(key, 9, sizeof(key));
	assert_int_equal(key_wrap(&bench.context, pseudonym, key, &epoch, &wrapped), ERR_OK);
	assert_int_equal(wrapped.len, KEY_SIZE + SEAL_OVERHEAD);
	assert_int_equal(epoch, 1);
	assert_int_equal(key_unwrap(&bench.context, pseudonym, 1, wire_slice(wrapped), &opened), ERR_OK);
	assert_memory_equal(opened, key, KEY_SIZE);
	assert_int_equal(key_unwrap(&bench.context, other, 1, wire_slice(wrapped), &opened), ERR_CRYPTO);
	assert_int_equal(key_unwrap(&bench.context, pseudonym, 2, wire_slice(wrapped), &opened), ERR_CRYPTO);
	for (size_t i = 0; i < wrapped.len; i++) {
		wrapped.data[i] ^= 1;
		assert_int_equal(key_unwrap(&bench.context, pseudonym, 1, wire_slice(wrapped), &opened), ERR_CRYPTO);
		wrapped.data[i] ^= 1;
	}
	wrapped.len--;
	assert_int_equal(key_unwrap(&bench.context, pseudonym, 1, wire_slice(wrapped), &opened), ERR_CRYPTO);
}

/* FORMAT.md R130: one for each principal, the same for ever, and not what the index hashes with. */
static void test_vault_handle_key_is_each_principals_own(void **state)
{
	struct slice name = slice_text("kluis.example/demo/store/7"), other = slice_text("kluis.example/demo/store/8");
	uint8_t key[KEY_SIZE], again[KEY_SIZE], others[KEY_SIZE], expected[HASH_SIZE];

	(void)state;
	vault_handle_key(bench.vault, name, key);
	vault_handle_key(bench.vault, name, again);
	vault_handle_key(bench.vault, other, others);
	assert_memory_equal(key, again, KEY_SIZE);
	assert_memory_not_equal(key, others, KEY_SIZE);
	assert_memory_not_equal(key, bench.vault->lookup_key, KEY_SIZE);
	blake2b(SLICE(bench.vault->lookup_key, KEY_SIZE), "",
		slice_text("kluis/handle-key/v1\nkluis.example/demo/store/7"), expected);
	assert_memory_equal(key, expected, KEY_SIZE);
}

static void test_arena_bytes_never_grows(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	struct bytes bytes;

	(void)state;
	arena_init(&arena, 64);
	assert_int_equal(arena_bytes(&arena, 4, &bytes), ERR_OK);
	assert_int_equal(bytes_append(&bytes, slice_text("four")), ERR_OK);
	assert_int_equal(bytes_append_u8(&bytes, 5), ERR_TOO_LARGE);
	assert_int_equal(arena_bytes(&arena, 100, &bytes), ERR_MEMORY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vault_open_asks_for_the_right_key),
		TEST(test_vault_open_makes_a_lookup_key_once),
		TEST(test_vault_open_of_a_damaged_row),
		TEST(test_key_wrap_and_unwrap),
		TEST(test_vault_handle_key_is_each_principals_own),
		TEST(test_arena_bytes_never_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
