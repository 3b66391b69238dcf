/* A customer is erased: FORMAT.md R150 to R154. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"
#include "key_action.h"
#include "kluis/hash.h"
#include "rows.pb-c.h"

#define ANNA "1=4711|2=Anna|3=0612345678|4=anna@example.org"

static struct franchise *formula;
static struct party *store, *other;
static struct slice anna;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_ALL);
	other = franchise_store(formula, 13, GRANT_SERVICE);
	anna = franchise_visitor(formula, store, ANNA);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer office(struct action action)
{
	return franchise_one(formula, &formula->office, action);
}

static struct answer erase(void)
{
	return office(action_erase(formula, anna, 2));
}

/* Rows of a table whose keys begin so, or, with an empty prefix, whose value or key holds the pseudonym. */
static unsigned rows_of(enum table table, struct slice prefix)
{
	struct store_cursor *cursor;
	struct store_txn *txn;
	struct slice key, value;
	unsigned count = 0;

	assert_int_equal(store_begin_read(formula->store, &txn), ERR_OK);
	assert_int_equal(store_seek(txn, table, SLICE_EMPTY, &cursor), ERR_OK);
	while (store_next(cursor, &key, &value))
		count += prefix.length > 0 ? slice_equal(slice_part(key, 0, prefix.length), prefix)
					   : memmem(value.data, value.length, anna.data, anna.length) != NULL;
	store_cursor_close(&cursor);
	store_end_read(&txn);
	return count;
}

static void test_nothing_that_opens_stays(void **state)
{
	struct slice id = franchise_draw(formula);

	(void)state;
	franchise_must(formula, store, action_update(formula, "service", anna, "2=Anne"));
	franchise_must(formula, store, action_receipt(formula, "service", id, 12, FRANCHISE_DAY, anna, NULL));
	assert_int_equal(rows_of(TABLE_RECORD, anna), 2);
	assert_int_equal(rows_of(TABLE_RECEIPT, anna), 2);
	assert_true(rows_of(TABLE_LOOKUP, SLICE_EMPTY) > 0);
	struct answer answer = erase();
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "controller");
	assert_memory_equal(answer.result->customer.data, anna.data, PSEUDONYM_SIZE);
	assert_false(answer.result->is_unchanged);
	assert_int_equal(rows_of(TABLE_CUSTOMER, anna), 0);
	assert_int_equal(rows_of(TABLE_RECORD, anna), 0);
	assert_int_equal(rows_of(TABLE_RECEIPT, anna), 0);
	assert_int_equal(rows_of(TABLE_LOOKUP, SLICE_EMPTY), 0);
	assert_true(erase().result->is_unchanged);
}

static void test_what_comes_later(void **state)
{
	struct slice id = franchise_draw(formula);

	(void)state;
	franchise_must(formula, store, action_receipt(formula, "service", id, 12, FRANCHISE_DAY, anna, NULL));
	franchise_must(formula, &formula->office, action_erase(formula, anna, 1));
	struct action later[] = {
		action_update(formula, "service", anna, "2=Anne"),
		action_consent(formula, "service", anna, "direct-marketing", 4),
		action_receipt(formula, "service", id, 12, FRANCHISE_DAY, anna, NULL),
		action_receipt(formula, "service", franchise_draw(formula), 12, FRANCHISE_DAY, anna, NULL),
		action_registration(formula, "service", anna, ANNA),
	};
	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		assert_int_equal(franchise_one(formula, store, later[i]).code, ERR_ERASED);
		assert_int_equal(office(later[i]).code, ERR_ERASED);
	}
	assert_int_equal(office(action_restriction(formula, anna, true)).code, ERR_ERASED);
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code,
			 ERR_NOT_FOUND);
	/* the same card makes another person */
	struct slice again = franchise_customer(formula, ANNA);
	assert_false(slice_equal(again, anna));
	assert_int_equal(franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code, ERR_OK);
}

/* In one envelope: what was destroyed is not summed up any more. */
static void test_totals_after_it(void **state)
{
	struct action actions[] = {action_erase(formula, anna, 1), action_totals(formula, SLICE_EMPTY, 10)};

	(void)state;
	struct answer answer = franchise_send(formula, &formula->office, actions, 2);
	assert_int_equal(answer.entry.decoded->results[1]->code, ERR_OK);
	assert_int_equal(answer_items(&answer, 0), 0);
}

static void test_who_may(void **state)
{
	(void)state;
	assert_int_equal(franchise_one(formula, store, action_erase(formula, anna, 1)).code, ERR_FORBIDDEN);
	assert_int_equal(franchise_one(formula, store, action_erasures(formula)).code, ERR_FORBIDDEN);
	assert_int_equal(office(action_erase(formula, franchise_draw(formula), 1)).code, ERR_NOT_FOUND);
}

/* What had been prepared on an older state is prepared again: not a row is left behind. */
static void test_what_was_under_way(void **state)
{
	struct slice id = franchise_draw(formula);
	struct flight flights[] = {
		flight_new(formula, &formula->office, 9, action_erase(formula, anna, 3)),
		flight_new(formula, store, 9,
			   action_receipt(formula, "service", id, 12, FRANCHISE_DAY - 1, anna, NULL)),
		flight_new(formula, store, 10, action_lookup(formula, "service", "1=4711")),
	};
	struct flight before[] = {
		flight_new(formula, store, 11,
			   action_receipt(formula, "service", franchise_draw(formula), 12, FRANCHISE_DAY, anna, NULL)),
	};

	(void)state;
	assert_int_equal(flight_commit(formula, before, 1), ERR_OK);
	assert_int_equal(flight_answer(formula, &before[0]).code, ERR_OK);
	assert_int_equal(flight_commit(formula, flights, 3), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[1]).code, ERR_ERASED);
	assert_int_equal(flight_answer(formula, &flights[2]).code, ERR_NOT_FOUND);
	assert_int_equal(rows_of(TABLE_RECEIPT, anna), 0);
}

/* R39: an answer with values does not go out again. */
static void test_the_same_reply_again(void **state)
{
	(void)state;
	struct answer answer = franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	struct party before = *store;
	erase();
	*store = before;
	answer = franchise_resend(formula, store);
	assert_int_equal(answer.reply->code, ERR_ERASED);
	assert_null(answer.reply->personal);
}

/* ---- stores ---- */

static uint64_t copy(struct party *party, uint64_t cursor, size_t disclosed, size_t erased)
{
	struct answer answer = franchise_must(formula, party, action_sync(formula, "service", cursor, 100));

	for (size_t i = 0; i < answer.result->n_disclosures; i++) {
		const Kluis__Disclosure *disclosure = answer.result->disclosures[i];
		if (disclosure->has_commitment) {
			disclosed--;
			continue;
		}
		assert_int_equal(disclosure->withheld, ERR_ERASED);
		assert_memory_equal(disclosure->customer.data, anna.data, PSEUDONYM_SIZE);
		erased--;
	}
	assert_int_equal(disclosed, 0);
	assert_int_equal(erased, 0);
	return answer.result->cursor;
}

static enum err certify(struct party *party, const char *purpose)
{
	return franchise_one(formula, party, action_purge_customer(formula, purpose, anna)).code;
}

static size_t owed(void)
{
	struct answer answer = franchise_must(formula, &formula->office, action_erasures(formula));
	size_t count = 0;

	for (size_t i = 0; i < answer_items(&answer, 0); i++)
		count += answer_erasure(formula, &answer, i)->has_store != 0;
	return count;
}

static void test_stores_that_had_it_owe_a_certificate(void **state)
{
	uint64_t cursor = copy(store, 0, 1, 0);

	(void)state;
	copy(other, 0, 0, 0);					    /* anna never bought there */
	assert_int_equal(certify(store, "service"), ERR_NOT_FOUND); /* nobody was erased */
	erase();
	struct answer answer = franchise_must(formula, &formula->office, action_erasures(formula));
	assert_int_equal(answer_items(&answer, 0), 1);
	const Kluis__ErasureRow *row = answer_erasure(formula, &answer, 0);
	assert_memory_equal(row->customer.data, anna.data, PSEUDONYM_SIZE);
	assert_int_equal(row->ground, 2);
	assert_false(row->is_rotated);
	assert_true(row->has_store && row->store == 12);
	assert_string_equal(row->purpose, "service");
	assert_int_equal(row->time_ms, formula->now_ms / 1000 * 1000);
	cursor = copy(store, cursor, 0, 1);
	copy(store, cursor, 0, 0);
	copy(store, 0, 0, 1); /* also to one that begins anew, until it has certified */
	copy(other, 0, 0, 0);
	assert_int_equal(certify(other, "service"), ERR_NOT_FOUND);
	assert_int_equal(certify(store, "direct-marketing"), ERR_NOT_FOUND);
	assert_int_equal(certify(store, NULL), ERR_NOT_FOUND);
	assert_int_equal(owed(), 1);
	assert_int_equal(certify(store, "service"), ERR_OK);
	assert_int_equal(owed(), 0);
	assert_int_equal(certify(store, "service"), ERR_NOT_FOUND);
	copy(store, 0, 0, 0);
}

/* Also where nothing is in the store's scope any more. */
static void test_whom_a_narrower_scope_would_not_show(void **state)
{
	uint64_t cursor;

	(void)state;
	anna = franchise_customer(formula, "1=5000|2=Bert"); /* bought nowhere */
	cursor = copy(store, 0, 2, 0);
	franchise_agree(formula, store, franchise_agreement(formula, 12, GRANT_SERVICE, store->agreement));
	erase();
	(void)cursor;
	copy(store, 0, 1, 1);
	assert_int_equal(certify(store, "service"), ERR_OK);
}

/* A page and a report that were prepared on the same state, and are committed just before. */
static void test_whom_a_page_under_way_discloses(void **state)
{
	struct slice about = franchise_draw(formula);
	struct flight flights[] = {
		flight_new(formula, store, 9, action_sync(formula, "service", 0, 100)),
		flight_new(formula, store, 10, action_subject_request(formula, about, 17, anna, "Anna asks")),
		flight_new(formula, &formula->office, 9, action_erase(formula, anna, 3)),
	};

	(void)state;
	assert_int_equal(flight_commit(formula, flights, 3), ERR_OK);
	uint64_t cursor = flight_answer(formula, &flights[0]).result->cursor;
	assert_int_equal(flight_answer(formula, &flights[1]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[2]).code, ERR_OK);
	assert_int_equal(owed(), 1);
	copy(store, cursor, 0, 1);
	struct answer answer = franchise_must(formula, &formula->office, action_notices(formula));
	Kluis__NoticeRow *row;
	assert_int_equal(WIRE_DECODE(NoticeRow, notice_row, answer_item(&answer, 0, 0), &formula->arena, &row), ERR_OK);
	assert_string_equal(row->text, "");
}

static void test_a_purge_of_the_whole_copy_certifies_too(void **state)
{
	(void)state;
	copy(store, 0, 1, 0);
	erase();
	assert_int_equal(owed(), 1);
	franchise_must(formula, store, action_purge(formula, "service", ERR_SUSPENDED));
	assert_int_equal(owed(), 0);
	formula->now_ms += 2000;
	franchise_customer(formula, "1=5000|2=Bert");
	copy(store, 0, 1, 0); /* another copy, which never had anna */
	assert_int_equal(owed(), 0);
	assert_int_equal(certify(store, "service"), ERR_NOT_FOUND);
}

/* Complete: certified, and the master keys of then are gone. */
static void test_complete_after_a_rotation(void **state)
{
	struct ring ring;
	struct answer answer;

	(void)state;
	ring_take(&ring, formula);
	erase();
	ring_add_master(&ring, 2);
	franchise_must(formula, &formula->office, action_master_key(formula, 2, 1));
	answer = franchise_must(formula, &formula->office, action_erasures(formula));
	assert_false(answer_erasure(formula, &answer, 0)->is_rotated);
	while (franchise_must(formula, &formula->office, action_rewrap(formula, 100)).result->has_more)
		;
	franchise_must(formula, &formula->office, action_master_key(formula, 2, 2));
	answer = franchise_must(formula, &formula->office, action_erasures(formula));
	assert_int_equal(answer_items(&answer, 0), 1);
	assert_true(answer_erasure(formula, &answer, 0)->is_rotated);
	assert_false(answer_erasure(formula, &answer, 0)->has_store);
	ring_fini(&ring);
}

/* ---- what was told about the person ---- */

static void test_words_about_the_person_go(void **state)
{
	struct slice about = franchise_draw(formula), others = franchise_draw(formula);

	(void)state;
	franchise_must(formula, store, action_subject_request(formula, about, 17, anna, "Anna wants to be forgotten"));
	franchise_must(formula, store, action_subject_request(formula, others, 15, SLICE_EMPTY, "who am I?"));
	erase();
	struct answer answer = franchise_must(formula, &formula->office, action_notices(formula));
	assert_int_equal(answer_items(&answer, 0), 2);
	for (size_t i = 0; i < 2; i++) {
		Kluis__NoticeRow *row;
		assert_int_equal(WIRE_DECODE(NoticeRow, notice_row, answer_item(&answer, 0, i), &formula->arena, &row),
				 ERR_OK);
		bool is_about = slice_equal(wire_slice(row->id), about);
		assert_string_equal(row->text, is_about ? "" : "who am I?");
	}
	/* the same report again is still the same */
	assert_true(franchise_must(formula, store, action_subject_request(formula, about, 17, anna, "Anna again"))
			    .result->is_unchanged);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_that_opens_stays),
		TEST(test_what_comes_later),
		TEST(test_totals_after_it),
		TEST(test_who_may),
		TEST(test_what_was_under_way),
		TEST(test_the_same_reply_again),
		TEST(test_stores_that_had_it_owe_a_certificate),
		TEST(test_whom_a_narrower_scope_would_not_show),
		TEST(test_whom_a_page_under_way_discloses),
		TEST(test_a_purge_of_the_whole_copy_certifies_too),
		TEST(test_complete_after_a_rotation),
		TEST(test_words_about_the_person_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
