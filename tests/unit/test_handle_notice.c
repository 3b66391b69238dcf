/* Incidents and data subjects' requests: FORMAT.md R133, R134. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "core/tables.h"
#include "key_action.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_ALL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer list(void)
{
	return franchise_must(formula, &formula->office, action_notices(formula));
}

static const Kluis__NoticeRow *row_of(const struct answer *answer, size_t i)
{
	Kluis__NoticeRow *row;

	assert_int_equal(WIRE_DECODE(NoticeRow, notice_row, answer_item(answer, 0, i), &formula->arena, &row), ERR_OK);
	return row;
}

static void test_what_a_store_tells_head_office_reads(void **state)
{
	struct slice id = franchise_draw(formula), other = franchise_draw(formula);
	struct slice customer = franchise_customer(formula, "1=4711");
	struct action action = action_incident(formula, id, 2, "the till's laptop was stolen");
	uint64_t first_ms = formula->now_ms;
	struct answer answer;

	(void)state;
	action.operation->incident->has_since_ms = true;
	action.operation->incident->since_ms = 4711;
	answer = franchise_must(formula, store, action);
	assert_null(answer.result->clause);
	assert_false(answer.result->is_unchanged);
	formula->now_ms += 5000;
	franchise_must(formula, store, action_subject_request(formula, other, 17, customer, "wants to be forgotten"));
	answer = list();
	assert_false(answer.result->has_more);
	assert_int_equal(answer_items(&answer, 0), 2);
	const Kluis__NoticeRow *row = row_of(&answer, 0); /* the newest first */
	assert_false(row->is_incident);
	assert_int_equal(row->kind, 17);
	assert_string_equal(row->text, "wants to be forgotten");
	assert_true(slice_equal(wire_slice(row->customer), customer));
	assert_false(row->has_since_ms);
	row = row_of(&answer, 1);
	assert_true(row->is_incident);
	assert_int_equal(row->kind, 2);
	assert_int_equal(row->store, 12);
	assert_true(slice_equal(wire_slice(row->id), id));
	assert_int_equal(row->time_ms, first_ms / 1000 * 1000);
	assert_int_equal(row->since_ms, 4711);
	assert_string_equal(row->text, "the till's laptop was stolen");
	assert_false(row->has_customer);
}

static void test_the_same_id_again(void **state)
{
	struct slice id = franchise_draw(formula);
	struct party *neighbour = franchise_store(formula, 13, NULL);

	(void)state;
	franchise_must(formula, store, action_incident(formula, id, 1, "one"));
	formula->now_ms += 60000;
	struct answer answer = franchise_must(formula, store, action_incident(formula, id, 6, "two"));
	assert_true(answer.result->is_unchanged);
	/* each store draws its own */
	franchise_must(formula, neighbour, action_incident(formula, id, 1, "neighbour"));
	answer = list();
	assert_int_equal(answer_items(&answer, 0), 2);
	assert_string_equal(row_of(&answer, 0)->text, "neighbour");
	assert_string_equal(row_of(&answer, 1)->text, "one");
}

/* Who may not have customers' data any more has the more reason to say that some are lost. */
static void test_whatever_the_agreement(void **state)
{
	(void)state;
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	franchise_must(formula, store, action_incident(formula, franchise_draw(formula), 5, "opened"));
	franchise_must(formula, store,
		       action_subject_request(formula, franchise_draw(formula), 15, SLICE_EMPTY, "what do you have?"));
}

static void test_who_may(void **state)
{
	struct action incident = action_incident(formula, franchise_draw(formula), 1, "lost");
	struct action request = action_subject_request(formula, franchise_draw(formula), 15, SLICE_EMPTY, "asks");

	(void)state;
	store->employee[0] ^= 1; /* somebody who is not on the roster */
	assert_int_equal(franchise_one(formula, store, incident).code, ERR_NO_EMPLOYEE);
	assert_int_equal(franchise_one(formula, store, request).code, ERR_NO_EMPLOYEE);
	store->has_employee = false; /* the agent by itself */
	assert_int_equal(franchise_one(formula, store, request).code, ERR_NO_EMPLOYEE);
	assert_int_equal(franchise_one(formula, store, incident).code, ERR_OK);
	assert_int_equal(franchise_one(formula, &formula->office, incident).code, ERR_FORBIDDEN);
	assert_int_equal(franchise_one(formula, store, action_notices(formula)).code, ERR_FORBIDDEN);
}

static void test_texts(void **state)
{
	char text[VALUE_MAX + 2];
	struct action action;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[VALUE_MAX + 1] = '\0';
	assert_int_equal(franchise_one(formula, store, action_incident(formula, franchise_draw(formula), 1, text)).code,
			 ERR_VALUE);
	text[VALUE_MAX] = '\0';
	assert_int_equal(franchise_one(formula, store, action_incident(formula, franchise_draw(formula), 1, text)).code,
			 ERR_OK);
	assert_int_equal(franchise_one(formula, store, action_incident(formula, franchise_draw(formula), 1, "")).code,
			 ERR_VALUE);
	assert_int_equal(
		franchise_one(formula, store, action_incident(formula, franchise_draw(formula), 1, "a\x1b[2J")).code,
		ERR_INPUT);
	action = action_incident(formula, franchise_draw(formula), 1, "x");
	Kluis__Line line = KLUIS__LINE__INIT; /* another message */
	line.product = text;
	action_content(formula, &action, &line.base, &action.operation->incident->commitment);
	assert_int_equal(franchise_one(formula, store, action).code, ERR_INPUT);
}

/* Neither in the store's tables nor in its log; and head office reads it also after the master key was changed. */
static void test_the_text_is_sealed(void **state)
{
	struct ring ring;
	struct store_txn *txn;
	struct answer answer;

	(void)state;
	ring_take(&ring, formula);
	franchise_must(formula, store, action_incident(formula, franchise_draw(formula), 3, "Wilhelmina's account"));
	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	for (unsigned table = 0; table < TABLE_COUNT; table++) {
		struct store_cursor *cursor CLEANUP(store_cursor_close) = NULL;
		struct slice key, value;

		assert_int_equal(store_seek(txn, table, SLICE_EMPTY, &cursor), ERR_OK);
		while (store_next(cursor, &key, &value))
			assert_null(memmem(value.data, value.length, "Wilhelmina", 10));
	}
	store_end_read(&txn);
	ring_add_master(&ring, 2);
	franchise_must(formula, &formula->office, action_master_key(formula, 2, 1));
	franchise_must(formula, &formula->office, action_rewrap(formula, 1000));
	franchise_must(formula, &formula->office, action_master_key(formula, 2, 2));
	ring.has_master[1] = false; /* destroyed */
	answer = list();
	assert_string_equal(row_of(&answer, 0)->text, "Wilhelmina's account");
	ring_fini(&ring);
}

/* No more than a reply holds, and it says so. */
static void test_many(void **state)
{
	char text[VALUE_MAX + 1];
	struct answer answer;

	(void)state;
	memset(text, 'x', VALUE_MAX);
	text[VALUE_MAX] = '\0';
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, 6, "%05u", i);
		text[5] = 'x';
		formula->now_ms += 1000;
		franchise_must(formula, store, action_incident(formula, franchise_draw(formula), 6, text));
	}
	answer = list();
	assert_true(answer.result->has_more);
	assert_true(answer_items(&answer, 0) > 800);
	assert_memory_equal(row_of(&answer, 0)->text, "00999x", 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_store_tells_head_office_reads),
		TEST(test_the_same_id_again),
		TEST(test_whatever_the_agreement),
		TEST(test_who_may),
		TEST(test_texts),
		TEST(test_the_text_is_sealed),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
