/* Master keys by epoch. FORMAT.md R143. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "key_action.h"
#include "vault/master.h"
#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static struct ring ring;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	ring_take(&ring, formula);
	workbench_init(&bench, formula, &formula->office);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	ring_fini(&ring);
	return 0;
}

static void test_master_of(void **state)
{
	struct core_keys alone = {.master = formula->master, .epoch = 4};
	struct master master;

	(void)state;
	assert_int_equal(master_of(&alone, 4, &master), ERR_OK);
	assert_memory_equal(master.key, formula->master, KEY_SIZE);
	assert_int_equal(master_of(&alone, 1, &master), ERR_NOT_FOUND);
	assert_int_equal(master_of(&formula->keys, 1, &master), ERR_OK);
	assert_int_equal(master_of(&formula->keys, 2, &master), ERR_NOT_FOUND);
}

static void test_epochs_end(void **state)
{
	struct core_keys alone = {.master = formula->master, .epoch = 1};
	struct store_txn *txn CLEANUP(store_end_read) = NULL;

	(void)state;
	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	assert_int_equal(epochs_end(txn, &alone), ERR_OK); /* who cannot be told */
	assert_int_equal(epochs_end(txn, &formula->keys), ERR_OK);
	assert_int_equal(ring.oldest, 0); /* no rotation, nothing to say */
}

static void test_epochs_put_and_get(void **state)
{
	struct epochs epochs, both = {.newest = 2, .oldest = 1};

	(void)state;
	assert_int_equal(epochs_get(&bench.context, &epochs), ERR_OK);
	assert_true(epochs.newest == 1 && epochs.oldest == 1);
	assert_int_equal(epochs_put(&bench.context, &both), ERR_NOT_FOUND);
	ring_add_master(&ring, 2);
	assert_int_equal(epochs_put(&bench.context, &both), ERR_OK);
	assert_int_equal(epochs_get(&bench.context, &epochs), ERR_OK);
	assert_true(epochs.newest == 2 && epochs.oldest == 1);
}

static void test_seal_under_the_newest(void **state)
{
	struct epochs both = {.newest = 2, .oldest = 1};
	struct slice about = slice_text("about"), text = slice_text("Testa Cashier");
	ProtobufCBinaryData old, new;
	struct bytes plain;
	uint32_t epoch;

	(void)state;
	assert_int_equal(master_seal(&bench.context, about, text, &epoch, &old), ERR_OK);
	assert_int_equal(epoch, 1);
	ring_add_master(&ring, 2);
	assert_int_equal(epochs_put(&bench.context, &both), ERR_OK);
	assert_int_equal(master_seal(&bench.context, about, text, &epoch, &new), ERR_OK);
	assert_int_equal(epoch, 2);
	assert_int_equal(master_unseal(&bench.context, 1, about, wire_slice(old), &plain), ERR_OK);
	assert_true(slice_equal(bytes_slice(&plain), text));
	assert_int_equal(master_unseal(&bench.context, 2, about, wire_slice(new), &plain), ERR_OK);
	assert_int_equal(master_unseal(&bench.context, 1, about, wire_slice(new), &plain), ERR_CRYPTO);
	assert_int_equal(master_unseal(&bench.context, 2, slice_text("other"), wire_slice(new), &plain), ERR_CRYPTO);
	assert_int_equal(master_unseal(&bench.context, 2, about, SLICE(new.data, 39), &plain), ERR_CORRUPT);
	ring.has_master[1] = false;
	assert_int_equal(master_unseal(&bench.context, 1, about, wire_slice(old), &plain), ERR_CRYPTO);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_master_of),
		TEST(test_epochs_end),
		TEST(test_epochs_put_and_get),
		TEST(test_seal_under_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
