/* Another master key: FORMAT.md R143. After it the old one opens nothing of the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "key_action.h"
#include "kluis/hash.h"
#include "rows.pb-c.h"
#include "vault/master.h"

#define CUSTOMERS 25

static struct franchise *formula;
static struct party *store;
static struct ring ring;

static int set_up(void **state)
{
	char values[32];

	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_ALL);
	ring_take(&ring, formula);
	for (unsigned i = 0; i < CUSTOMERS; i++) {
		snprintf(values, sizeof values, "1=47%02u", i);
		franchise_customer(formula, values);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	ring_fini(&ring);
	return 0;
}

static enum err office(struct action action)
{
	return franchise_one(formula, &formula->office, action).code;
}

static enum err lookup(const char *value)
{
	return franchise_one(formula, store, action_lookup(formula, "service", value)).code;
}

/* Pages until the end; how many rows were sealed anew. */
static uint64_t rewrap_all(uint32_t count)
{
	uint64_t rows = 0;
	bool has_more = true;

	while (has_more) {
		struct answer answer = franchise_must(formula, &formula->office, action_rewrap(formula, count));
		assert_true(answer.result->has_rows && answer.result->has_has_more);
		assert_true(answer.result->rows <= count);
		rows += answer.result->rows;
		has_more = answer.result->has_more;
		assert_int_equal(lookup("1=4703"), ERR_OK);
	}
	return rows;
}

/* Every value of the store, and each part of it that is long enough: does it open under that master key, as the formats
 * of rows.proto would have it, or any other way that has the key? */
static unsigned opened_by(uint32_t epoch)
{
	const uint8_t *master = ring.masters[epoch];
	struct store_txn *txn;
	unsigned opened = 0;

	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	for (unsigned table = 0; table < TABLE_COUNT; table++) {
		struct store_cursor *cursor;
		struct slice key, value;
		assert_int_equal(store_seek(txn, table, SLICE_EMPTY, &cursor), ERR_OK);
		while (store_next(cursor, &key, &value))
			for (size_t from = 0; from + SEAL_OVERHEAD <= value.length; from++)
				for (size_t cut = 0; cut <= 8 && from + SEAL_OVERHEAD + cut <= value.length; cut++) {
					uint8_t associated[PSEUDONYM_SIZE + 4 + 256];
					struct bytes plain CLEANUP(bytes_fini);
					struct slice sealed = slice_part(value, from, value.length - from - cut);
					bytes_init(&plain, RECORD_MAX);
					if (key.length > 256)
						continue;
					memcpy(associated, key.data, key.length);
					put_u32(associated + key.length, epoch);
					opened += unseal(master, SLICE(associated, key.length + 4), sealed, &plain) ==
						  ERR_OK;
					opened += unseal(master, key, sealed, &plain) == ERR_OK;
				}
		store_cursor_close(&cursor);
	}
	store_end_read(&txn);
	return opened;
}

static void test_rotation(void **state)
{
	uint32_t before = opened_by(1);

	(void)state;
	/* each customer's key, the employee's name, the lookup key: twice, once with and once without the epoch */
	assert_int_equal(before, CUSTOMERS + 2);
	assert_int_equal(office(action_master_key(formula, 2, 1)), ERR_NOT_FOUND); /* no such key there */
	ring_add_master(&ring, 2);
	assert_int_equal(office(action_master_key(formula, 3, 1)), ERR_STATE);
	assert_int_equal(office(action_master_key(formula, 2, 2)), ERR_STATE);
	assert_int_equal(office(action_master_key(formula, 2, 1)), ERR_OK);
	assert_int_equal(office(action_master_key(formula, 2, 2)), ERR_STATE); /* nothing is done yet */
	franchise_customer(formula, "1=5000");				       /* under the new one */
	ring_add_master(&ring, 3);
	assert_int_equal(office(action_master_key(formula, 3, 1)), ERR_STATE); /* one at a time */
	assert_int_equal(rewrap_all(7), CUSTOMERS + 1);
	assert_int_equal(opened_by(1), 0);
	/* all of them, the lookup key, and the check of the epoch's key */
	assert_int_equal(opened_by(2), CUSTOMERS + 1 + 1 + 1);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(ring.oldest, 1);
	assert_int_equal(office(action_master_key(formula, 2, 2)), ERR_OK);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(ring.oldest, 2); /* the broker is told to wipe what it holds of it */
	ring.has_master[3] = false;
	memset(ring.masters[1], 0, KEY_SIZE);
	assert_int_equal(lookup("1=4711"), ERR_OK);
	franchise_restart(formula);
	assert_int_equal(lookup("1=4724"), ERR_OK);
	assert_int_equal(lookup("1=5000"), ERR_OK);
}

static void test_again_changes_nothing(void **state)
{
	struct answer answer;

	(void)state;
	ring_add_master(&ring, 2);
	assert_int_equal(office(action_master_key(formula, 2, 1)), ERR_OK);
	answer = franchise_must(formula, &formula->office, action_master_key(formula, 2, 1));
	assert_true(answer.result->is_unchanged);
	rewrap_all(1000);
	assert_int_equal(rewrap_all(1000), 0);
	assert_int_equal(office(action_master_key(formula, 2, 2)), ERR_OK);
	answer = franchise_must(formula, &formula->office, action_master_key(formula, 2, 2));
	assert_true(answer.result->is_unchanged);
	ring_add_master(&ring, 3);
	assert_int_equal(office(action_master_key(formula, 3, 1)), ERR_OK);
	assert_int_equal(rewrap_all(3), CUSTOMERS + 1);
	assert_int_equal(office(action_master_key(formula, 3, 2)), ERR_OK);
}

/* Killed in the middle: it goes on where it stood, and needs both keys until it is through. */
static void test_restart_in_the_middle(void **state)
{
	struct core *core = NULL;
	struct fault fault = {""};

	(void)state;
	ring_add_master(&ring, 2);
	assert_int_equal(office(action_master_key(formula, 2, 1)), ERR_OK);
	franchise_must(formula, &formula->office, action_rewrap(formula, 10));
	franchise_restart(formula);
	assert_int_equal(lookup("1=4701"), ERR_OK);
	assert_int_equal(rewrap_all(10), CUSTOMERS + 1 - 10);
	core_close(&formula->core);
	ring.has_master[2] = false;
	assert_int_equal(core_open(formula->store, &formula->keys, formula->now_ms, &core, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "epoch 2"));
	ring.has_master[2] = true;
	ring.masters[2][0] ^= 1;
	assert_int_equal(core_open(formula->store, &formula->keys, formula->now_ms, &core, NULL), ERR_CRYPTO);
	ring.masters[2][0] ^= 1;
	assert_int_equal(core_open(formula->store, &formula->keys, formula->now_ms, &formula->core, NULL), ERR_OK);
	assert_int_equal(office(action_master_key(formula, 2, 2)), ERR_OK);
}

/* A registration prepared under the old epoch and committed after the new one began is prepared again. */
static void test_registration_across_the_beginning(void **state)
{
	struct flight flights[2];

	(void)state;
	ring_add_master(&ring, 2);
	rewrap_all(1000);
	flights[0] = flight_new(formula, &formula->office, 7, action_master_key(formula, 2, 1));
	flights[1] = flight_new(formula, &formula->office, 8,
				action_registration(formula, NULL, franchise_draw(formula), "1=6000"));
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[1]).code, ERR_OK);
	assert_int_equal(rewrap_all(1000), CUSTOMERS + 1);
	assert_int_equal(office(action_master_key(formula, 2, 2)), ERR_OK);
	assert_int_equal(opened_by(1), 0);
	assert_int_equal(lookup("1=6000"), ERR_OK);
}

/* A customer changed while the page with it was under way keeps the change and gets the new key. */
static void test_update_and_rewrap_in_one_batch(void **state)
{
	struct slice customer = franchise_customer(formula, "1=7000");
	struct flight flights[2];

	(void)state;
	ring_add_master(&ring, 2);
	assert_int_equal(office(action_master_key(formula, 2, 1)), ERR_OK);
	flights[0] = flight_new(formula, &formula->office, 7, action_rewrap(formula, 1000));
	flights[1] = flight_new(formula, &formula->office, 8, action_update(formula, NULL, customer, "2=Anna Smith"));
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[1]).code, ERR_OK);
	assert_int_equal(rewrap_all(1000), 0);
	assert_int_equal(opened_by(1), 0);
	struct answer answer = franchise_must(formula, store, action_lookup(formula, "service", "1=7000"));
	assert_string_equal(answer_values(formula, &answer, 0), "1=7000|2=Anna Smith");
}

static void test_who_may(void **state)
{
	(void)state;
	assert_int_equal(franchise_one(formula, store, action_rewrap(formula, 1)).code, ERR_FORBIDDEN);
	assert_int_equal(franchise_one(formula, store, action_master_key(formula, 2, 1)).code, ERR_FORBIDDEN);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotation),
		TEST(test_again_changes_nothing),
		TEST(test_restart_in_the_middle),
		TEST(test_registration_across_the_beginning),
		TEST(test_update_and_rewrap_in_one_batch),
		TEST(test_who_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
