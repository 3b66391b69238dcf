/*
 * The one writer, on the simulation's store, whose disk can be full, die and run a transaction twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"
#include "kluis/checkpoint.h"
#include "store_memory.h"
#include "test_keys.h"

static struct franchise *formula;
static struct party *store, *other;

static int set_up(void **state)
{
	(void)state;
	store_memory_reset(1);
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	other = franchise_store(formula, 13, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711|2=Anna");
	franchise_visitor(formula, other, "1=4712|2=Bert");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct action lookup(const char *value)
{
	return action_lookup(formula, "service", value);
}

static struct slice reply_of(struct flight *flight)
{
	struct slice reply = core_reply(flight->prepared);

	return SLICE(arena_copy(&formula->arena, reply), reply.length);
}

static uint64_t entry_time(const struct answer *answer)
{
	return answer->entry.decoded->time_ms;
}

/* ---- two requests of one state ---- */

static void test_commit_in_the_order_of_the_batch(void **state)
{
	uint64_t size = core_size(formula->core);
	struct flight flights[] = {flight_new(formula, store, 1, lookup("1=4711")),
				   flight_new(formula, other, 1, lookup("1=4712")),
				   flight_new(formula, store, 2, lookup("1=4711"))};

	(void)state;
	assert_int_equal(flight_commit(formula, flights, 3), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		struct answer answer = flight_answer(formula, &flights[i]);

		assert_int_equal(answer.code, ERR_OK);
		assert_int_equal(answer.reply->index, size + i);
		assert_int_equal(answer.reply->personal->n_parts, 1);
	}
	assert_int_equal(core_size(formula->core), size + 3);
}

/* Rows put since the snapshot go with the others; a neighbour's stay. */
static void test_delete_all_as_it_is_at_commit(void **state)
{
	struct slice anna = franchise_visitor(formula, store, "1=4713|2=Carl");
	struct action receipt =
		action_receipt(formula, "service", franchise_draw(formula), 12, FRANCHISE_DAY, anna, NULL);
	struct flight flights[] = {flight_new(formula, &formula->office, 1, action_erase(formula, anna, 1)),
				   flight_new(formula, store, 1, receipt)};
	struct store_txn *txn;

	(void)state;
	struct flight before =
		flight_new(formula, store, 2,
			   action_receipt(formula, "service", franchise_draw(formula), 12, FRANCHISE_DAY, anna, NULL));
	assert_int_equal(flight_commit(formula, &before, 1), ERR_OK);
	assert_int_equal(flight_answer(formula, &before).code, ERR_OK);
	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	assert_int_equal(store_count(txn, TABLE_RECEIPT), 4);
	store_end_read(&txn);
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[1]).code, ERR_ERASED);
	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	assert_int_equal(store_count(txn, TABLE_RECEIPT), 2);
	assert_int_equal(store_count(txn, TABLE_RECORD), 2);
	store_end_read(&txn);
}

/* R34, I5: one number, one entry under it, whoever comes first. */
static void test_commit_of_one_number_for_two_requests(void **state)
{
	struct flight flights[] = {flight_new(formula, store, 0, lookup("1=4711")),
				   flight_new(formula, store, 0, lookup("1=4712"))};
	struct answer first, second;
	uint64_t sequence = store->sequence + 1;

	(void)state;
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	first = flight_answer(formula, &flights[0]);
	second = flight_answer(formula, &flights[1]);
	assert_int_equal(first.code, ERR_OK);
	assert_int_equal(second.code, ERR_REUSED);
	assert_true(second.has_entry);
	assert_null(second.result);
	assert_null(second.reply->personal);
	/* the lane stands at the first: its bytes get its answer, and the next number acknowledges it */
	struct party next = flights[0].party;
	next.sequence = sequence;
	assert_int_equal(franchise_one(formula, &next, lookup("1=4711")).code, ERR_OK);
}

static void test_commit_of_one_message_twice(void **state)
{
	uint64_t size = core_size(formula->core);
	struct flight flights[2] = {flight_new(formula, store, 0, lookup("1=4711"))};
	struct slice replies[2];

	(void)state;
	flights[1] = flights[0];
	assert_int_equal(core_prepare(formula->core, flights[0].sent, formula->now_ms, &flights[1].prepared), ERR_OK);
	assert_true(prepared_needs_commit(flights[1].prepared)); /* it does not know of its twin yet */
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		replies[i] = reply_of(&flights[i]);
		assert_int_equal(flight_answer(formula, &flights[i]).code, ERR_OK);
	}
	assert_int_equal(core_size(formula->core), size + 1);
	assert_true(slice_equal(replies[0], replies[1]));
}

/* I6: in one batch, what stands before counts. */
static void test_commit_of_a_suspension_and_a_lookup(void **state)
{
	struct action suspend = action_standing(formula, 12, 1);
	struct flight before[] = {flight_new(formula, store, 1, lookup("1=4711")),
				  flight_new(formula, &formula->office, 1, suspend),
				  flight_new(formula, store, 2, lookup("1=4711"))};
	struct answer answer;

	(void)state;
	assert_int_equal(flight_commit(formula, before, 3), ERR_OK);
	answer = flight_answer(formula, &before[0]);
	assert_int_equal(answer.code, ERR_OK);
	assert_non_null(answer.reply->personal);
	assert_int_equal(flight_answer(formula, &before[1]).code, ERR_OK);
	answer = flight_answer(formula, &before[2]);
	assert_int_equal(answer.code, ERR_SUSPENDED);
	assert_string_equal(answer.result->clause, "agreement: suspended");
	assert_null(answer.reply->personal);
}

static void test_commit_after_an_employee_went(void **state)
{
	struct action remove = action_staff(formula, NULL, SLICE_ARRAY(store->employee), "", NULL);
	struct flight flights[] = {flight_new(formula, store, 1, remove),
				   flight_new(formula, store, 2, lookup("1=4711"))};
	struct answer answer;

	(void)state;
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	answer = flight_answer(formula, &flights[1]);
	assert_int_equal(answer.code, ERR_NO_EMPLOYEE);
	assert_null(answer.reply->personal);
}

/* What the old key signed does not commit once the new key is there (R104). */
static void test_commit_after_a_join_with_another_key(void **state)
{
	struct party twin = {.key = test_seed_key(store->key.public.name, 99), .store = 12};
	struct flight flight = flight_new(formula, store, 1, lookup("1=4711"));
	struct slice code = franchise_draw(formula);
	uint64_t size;

	(void)state;
	franchise_must(formula, &formula->office,
		       action_invite(formula, store->key.public.name, code, formula->now_ms + DAY_MS));
	franchise_must(formula, &twin, action_join(formula, &twin.key.public, code));
	size = core_size(formula->core);
	assert_int_equal(flight_commit(formula, &flight, 1), ERR_OK);
	struct answer answer = flight_answer(formula, &flight);
	assert_int_equal(answer.code, ERR_PRINCIPAL);
	assert_false(answer.has_entry);
	assert_null(answer.reply->personal);
	assert_int_equal(core_size(formula->core), size);
	secret_key_fini(&twin.key);
}

/* A code is good once (R62), even for two keys that come at the same time. */
static void test_commit_of_two_joins_with_one_code(void **state)
{
	const char *name = FRANCHISE_ORIGIN "/auditor/rekenkamer";
	struct party parties[2] = {{.key = test_seed_key(name, 91)}, {.key = test_seed_key(name, 92)}};
	struct slice code = franchise_draw(formula);
	struct flight flights[2];

	(void)state;
	franchise_must(formula, &formula->office, action_invite(formula, name, code, formula->now_ms + DAY_MS));
	for (size_t i = 0; i < 2; i++)
		flights[i] = flight_new(formula, &parties[i], 0, action_join(formula, &parties[i].key.public, code));
	uint64_t size = core_size(formula->core);
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	struct answer second = flight_answer(formula, &flights[1]);
	assert_int_equal(second.code, ERR_CODE);
	assert_false(second.has_entry);
	assert_int_equal(core_size(formula->core), size + 1);
	for (size_t i = 0; i < 2; i++)
		secret_key_fini(&parties[i].key);
}

/* ---- time ---- */

/* Prepared in the agreement's last second, committed in the first one after it. */
static void test_commit_in_another_second(void **state)
{
	const uint64_t until_ms = UINT64_C(1830297600000); /* 2028-01-01 */
	struct flight flights[2];

	(void)state;
	formula->now_ms = until_ms - 900;
	flights[0] = flight_new(formula, store, 1, lookup("1=4711"));
	flights[1] = flight_new(formula, store, 2, lookup("1=4711"));
	formula->now_ms = until_ms - 1;
	assert_int_equal(flight_commit(formula, &flights[0], 1), ERR_OK);
	formula->now_ms = until_ms;
	assert_int_equal(flight_commit(formula, &flights[1], 1), ERR_OK);
	struct answer in_time = flight_answer(formula, &flights[0]);
	struct answer late = flight_answer(formula, &flights[1]);
	assert_int_equal(in_time.code, ERR_OK);
	assert_true(entry_time(&in_time) == until_ms - 1);
	assert_int_equal(late.code, ERR_EXPIRED);
	assert_string_equal(late.result->clause, "agreement: until");
	assert_true(entry_time(&late) == until_ms);
	assert_null(late.reply->personal);
}

/* An invitation ends within a second; what the entry's time says must hold (R47, R62). */
static void test_commit_of_a_join_as_its_invitation_ends(void **state)
{
	const char *name = FRANCHISE_ORIGIN "/auditor/rekenkamer";
	struct party party = {.key = test_seed_key(name, 91)};
	struct slice code = franchise_draw(formula);
	struct flight flight;
	struct answer answer;

	(void)state;
	franchise_must(formula, &formula->office, action_invite(formula, name, code, formula->now_ms + 500));
	flight = flight_new(formula, &party, 0, action_join(formula, &party.key.public, code));
	formula->now_ms += 700;
	assert_int_equal(flight_commit(formula, &flight, 1), ERR_OK);
	answer = flight_answer(formula, &flight);
	assert_int_equal(answer.code, ERR_CODE);
	assert_false(answer.has_entry);
	secret_key_fini(&party.key);
}

/* R47, R38 */
static void test_commit_when_the_clock_is_set_back(void **state)
{
	uint64_t last_ms = formula->now_ms;
	struct flight flight;
	struct answer answer;
	uint64_t size;

	(void)state;
	formula->now_ms = last_ms - CLOCK_TOLERANCE_MS;
	answer = franchise_one(formula, store, lookup("1=4711"));
	assert_int_equal(answer.code, ERR_OK);
	assert_true(entry_time(&answer) == last_ms);
	/* prepared before it was set back */
	formula->now_ms = last_ms + 10;
	flight = flight_new(formula, store, 1, lookup("1=4711"));
	formula->now_ms = last_ms - 100000;
	assert_int_equal(flight_commit(formula, &flight, 1), ERR_OK);
	answer = flight_answer(formula, &flight);
	assert_int_equal(answer.code, ERR_OK);
	assert_true(entry_time(&answer) == last_ms);
	size = core_size(formula->core);
	formula->now_ms = last_ms - CLOCK_TOLERANCE_MS - 1;
	answer = franchise_one(formula, store, lookup("1=4711"));
	assert_int_equal(answer.code, ERR_CLOCK);
	assert_false(answer.has_entry);
	assert_null(answer.reply->personal);
	assert_int_equal(core_size(formula->core), size);
	formula->now_ms = last_ms;
	assert_int_equal(franchise_one(formula, store, lookup("1=4711")).code, ERR_OK);
}

/* ---- the disk ---- */

static void test_commit_to_a_full_disk(void **state)
{
	uint64_t size = core_size(formula->core);
	struct flight flights[] = {flight_new(formula, store, 0, lookup("1=4711")),
				   flight_new(formula, &formula->office, 1, action_standing(formula, 13, 1))};
	struct slice sent = flights[0].sent;

	(void)state;
	store_memory_set_full(formula->store, true);
	assert_int_equal(flight_commit(formula, flights, 2), ERR_DISK_FULL);
	for (size_t i = 0; i < 2; i++) {
		struct answer answer = flight_answer(formula, &flights[i]);

		assert_int_equal(answer.code, ERR_DISK_FULL);
		assert_string_equal(answer.reply->text, error_text(ERR_DISK_FULL));
		assert_false(answer.has_entry);
		assert_null(answer.reply->personal);
		assert_int_equal(answer.reply->n_data, 0);
	}
	assert_int_equal(core_size(formula->core), size);
	store_memory_set_full(formula->store, false);
	/* the number is free, the other store was not suspended */
	store->last = sent;
	struct answer again = franchise_resend(formula, store);
	assert_int_equal(again.code, ERR_OK);
	assert_int_equal(again.reply->index, size);
	assert_int_equal(franchise_one(formula, other, lookup("1=4712")).code, ERR_OK);
}

/* The disk keeps the commit, but nobody hears of it: the same bytes get their entry after the restart (I1, I5). */
static void test_commit_that_was_kept_unheard(void **state)
{
	uint64_t size = core_size(formula->core);
	struct flight flight = flight_new(formula, store, 0, lookup("1=4711"));
	struct slice sent = flight.sent;
	struct fault fault = {""};

	(void)state;
	store_memory_crash(formula->store, STORE_MEMORY_AFTER);
	assert_int_equal(flight_commit(formula, &flight, 1), ERR_IO);
	struct answer answer = flight_answer(formula, &flight);
	assert_int_equal(answer.code, ERR_IO);
	assert_null(answer.reply->personal);
	core_close(&formula->core);
	store_close(&formula->store);
	assert_int_equal(store_open(arena_printf(&formula->arena, "%s/broker", formula->folder), &core_layout, false,
				    &formula->store, &fault),
			 ERR_OK);
	assert_int_equal(core_open(formula->store, &formula->keys, formula->now_ms, &formula->core, &fault), ERR_OK);
	assert_int_equal(core_size(formula->core), size + 1);
	store->last = sent;
	answer = franchise_resend(formula, store);
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.reply->index, size);
	assert_int_equal(answer.reply->personal->n_parts, 1);
	assert_int_equal(core_size(formula->core), size + 1);
}

static const struct checkpoint *checkpoint_now(void)
{
	struct answer answer = franchise_must(formula, &formula->office, action_get_checkpoint(formula));
	static struct checkpoint checkpoint;
	struct fault fault = {""};

	assert_int_equal(checkpoint_open(answer_item(&answer, 0, 0), &formula->log.public, &checkpoint, &fault),
			 ERR_OK);
	return &checkpoint;
}

/* The leaf of entry index is in the tree of the checkpoint. */
static void check_proof(uint64_t index)
{
	struct answer log = franchise_must(formula, &formula->office, action_read_log(formula, index, index + 1));
	struct answer answer = franchise_must(formula, &formula->office, action_prove(formula, index));
	struct checkpoint checkpoint;
	struct fault fault = {""};
	struct hash leaf;
	uint64_t proved;

	merkle_leaf(answer_item(&log, 0, 0), &leaf);
	assert_int_equal(tlog_proof_verify(answer_item(&answer, 0, 0), &leaf, &formula->log.public, &proved,
					   &checkpoint, &fault),
			 ERR_OK);
	assert_int_equal(proved, index);
}

/* The map of LMDB grows: the transaction runs once for nothing, then once more. */
static void test_commit_that_runs_twice(void **state)
{
	struct action remove = action_staff(formula, NULL, SLICE_ARRAY(other->employee), "", NULL);
	uint64_t size = core_size(formula->core);
	struct flight flights[] = {
		flight_new(formula, store, 0, lookup("1=4711")), flight_new(formula, store, 0, lookup("1=4711")),
		flight_new(formula, other, 1, lookup("1=4712")), flight_new(formula, other, 2, remove),
		flight_new(formula, other, 3, lookup("1=4712"))};
	static const enum err codes[] = {ERR_OK, ERR_REUSED, ERR_OK, ERR_OK, ERR_NO_EMPLOYEE};

	(void)state;
	store_memory_set_rerun(formula->store, 1);
	assert_int_equal(flight_commit(formula, flights, 5), ERR_OK);
	for (size_t i = 0; i < 5; i++) {
		struct answer answer = flight_answer(formula, &flights[i]);

		assert_int_equal(answer.code, codes[i]);
		assert_int_equal(answer.reply->index, size + i);
	}
	assert_int_equal(core_size(formula->core), size + 5);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	franchise_restart(formula);
	for (uint64_t i = 0; i < size + 5; i++)
		check_proof(i);
}

static void test_checkpoint_when_there_is_something_new(void **state)
{
	uint64_t size = core_size(formula->core), commits;

	(void)state;
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(checkpoint_now()->size, size);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK); /* that was an entry */
	commits = store_memory_commits(formula->store);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	franchise_restart(formula);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(store_memory_commits(formula->store), commits);
	assert_int_equal(checkpoint_now()->size, size + 1);
	store_memory_set_full(formula->store, true);
	assert_int_equal(core_checkpoint(formula->core), ERR_DISK_FULL);
	store_memory_set_full(formula->store, false);
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(checkpoint_now()->size, size + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit_in_the_order_of_the_batch),
		TEST(test_delete_all_as_it_is_at_commit),
		TEST(test_commit_of_one_number_for_two_requests),
		TEST(test_commit_of_one_message_twice),
		TEST(test_commit_of_a_suspension_and_a_lookup),
		TEST(test_commit_after_an_employee_went),
		TEST(test_commit_after_a_join_with_another_key),
		TEST(test_commit_of_two_joins_with_one_code),
		TEST(test_commit_in_another_second),
		TEST(test_commit_of_a_join_as_its_invitation_ends),
		TEST(test_commit_when_the_clock_is_set_back),
		TEST(test_commit_to_a_full_disk),
		TEST(test_commit_that_was_kept_unheard),
		TEST(test_commit_that_runs_twice),
		TEST(test_checkpoint_when_there_is_something_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
