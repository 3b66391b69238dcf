/* Which keys of the log sign. FORMAT.md R141. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/logs.h"
#include "key_action.h"
#include "kluis/checkpoint.h"

static struct franchise *formula;
static struct ring ring;
static struct store_txn *txn;
static struct fault fault;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	ring_take(&ring, formula);
	fault.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	ring_fini(&ring);
	return 0;
}

static enum err refresh(struct logs *logs)
{
	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	enum err err = logs_refresh(txn, &formula->keys, logs, &fault);
	store_end_read(&txn);
	return err;
}

static void enter_both(void)
{
	const struct secret_key *both[] = {&ring.logs[0], ring_add_log(&ring, 50)};
	struct trust trust = trust_after(NULL, both, 2);

	franchise_must(formula, &formula->office, action_trust(formula, trust_note(formula, &trust, both, 2)));
}

static void test_without_a_note_the_first(void **state)
{
	struct logs logs = {.count = 0};

	(void)state;
	assert_int_equal(refresh(&logs), ERR_OK);
	assert_int_equal(logs.count, 1);
	assert_ptr_equal(logs.keys[0], &formula->log);
	formula->keys.log = NULL;
	struct logs none = {.count = 0};
	assert_int_equal(refresh(&none), ERR_NOT_FOUND);
	formula->keys.log = &formula->log;
}

static void test_those_of_the_note_that_are_there(void **state)
{
	struct logs logs = {.count = 0};

	(void)state;
	assert_int_equal(refresh(&logs), ERR_OK);
	enter_both();
	assert_int_equal(refresh(&logs), ERR_OK);
	assert_int_equal(logs.count, 2);
	ring.log_count = 1; /* one's file is not there: the other signs alone */
	struct logs one = {.count = 0};
	assert_int_equal(refresh(&one), ERR_OK);
	assert_int_equal(one.count, 1);
	ring.log_count = 0;
	struct logs none = {.count = 0};
	assert_int_equal(refresh(&none), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "trust version 1"));
	ring.log_count = 2;
}

static void test_check(void **state)
{
	struct logs logs = {.count = 0};
	struct hash root = {{0}};
	const struct secret_key *stranger = ring_add_log(&ring, 60);
	struct bytes right CLEANUP(bytes_fini), wrong CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&right, PAPER_MAX);
	bytes_init(&wrong, PAPER_MAX);
	assert_int_equal(checkpoint_sign(1, &root, &ring.logs[0], &right), ERR_OK);
	assert_int_equal(checkpoint_sign(1, &root, stranger, &wrong), ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(refresh(&logs), ERR_OK);
		assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
		assert_int_equal(logs_check(txn, &formula->keys, &logs, bytes_slice(&right)), ERR_OK);
		assert_int_equal(logs_check(txn, &formula->keys, &logs, bytes_slice(&wrong)), ERR_CORRUPT);
		store_end_read(&txn);
		if (i == 0)
			enter_both();
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_a_note_the_first),
		TEST(test_those_of_the_note_that_are_there),
		TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
