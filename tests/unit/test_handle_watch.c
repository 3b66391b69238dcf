/* FORMAT.md R120 to R122: what a store is told without an entry, and when it is told to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "unlogged.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static const Kluis__WatchRow *row_now(void)
{
	return unlogged_row(formula, store);
}

/* Does a Watch with that row known wait? If so, what for. */
static bool waits(const Kluis__WatchRow *known, uint32_t wait_ms, struct core_wait *ret_wait)
{
	struct prepared *prepared CLEANUP(prepared_free) = NULL;
	struct slice message = unlogged_message(formula, store, unlogged_watch(formula, wait_ms, known));

	assert_int_equal(core_prepare(formula->core, message, formula->now_ms, &prepared), ERR_OK);
	assert_false(prepared_needs_commit(prepared));
	assert_true(core_reply(prepared).length > 0);
	assert_int_equal(prepared_trust(prepared), CORE_AUTHENTICATED);
	return prepared_waits(prepared, ret_wait);
}

static void test_it_leaves_no_entry_and_uses_no_number(void **state)
{
	uint64_t size = core_size(formula->core), sequence = store->sequence;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(unlogged_ask(formula, store, unlogged_watch(formula, 0, NULL), NULL), ERR_OK);
	assert_int_equal(core_size(formula->core), size);
	assert_int_equal(store->sequence, sequence);
	franchise_customer(formula, "1=4711"); /* the lanes go on */
	franchise_employ(formula, store, "cashier");
}

static void test_who_may_not_is_told_by_the_code(void **state)
{
	struct party stranger = *store;

	(void)state;
	assert_int_equal(unlogged_ask(formula, &formula->office, unlogged_watch(formula, 0, NULL), NULL),
			 ERR_FORBIDDEN);
	stranger.key.public = formula->stores[0].key.public;
	stranger.key.secret = formula->office.key.secret;
	assert_int_equal(unlogged_ask(formula, &stranger, unlogged_watch(formula, 0, NULL), NULL), ERR_PRINCIPAL);
}

static void test_the_agreement_as_it_stands(void **state)
{
	const Kluis__WatchRow *row = row_now();

	(void)state;
	assert_true(slice_equal(wire_slice(row->agreement), SLICE_ARRAY(store->agreement)));
	assert_int_equal(row->state, AGREEMENT_ACTIVE);
	assert_int_equal(row->candidate.len, 0);
	assert_int_equal(row->trust.len, 0);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_int_equal(row_now()->state, AGREEMENT_SUSPENDED);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 2));
	formula->now_ms += 2000 * DAY_MS;
	assert_int_equal(row_now()->state, AGREEMENT_EXPIRED);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	assert_int_equal(row_now()->state, AGREEMENT_TERMINATED);
}

/* A draft is nothing to a store before it was offered. */
static void test_a_candidate_is_one_that_was_offered(void **state)
{
	const char *text = franchise_agreement(formula, 12, GRANT_ALL, store->agreement);

	(void)state;
	franchise_must(formula, &formula->office, action_draft(formula, 12, text));
	assert_int_equal(row_now()->candidate.len, 0);
	franchise_must(formula, &formula->office, action_offer(formula, text, &formula->office.key));
	assert_true(slice_equal(wire_slice(row_now()->candidate), action_hash(formula, slice_text(text))));
	assert_true(slice_equal(wire_slice(row_now()->agreement), SLICE_ARRAY(store->agreement)));
}

static uint64_t cursor_of_sync(void)
{
	struct answer answer = franchise_must(formula, store, action_sync(formula, "service", 0, 512));

	assert_false(answer.result->has_more);
	return answer.result->cursor;
}

/* R121: where a sync that has got everything stands. */
static void test_the_newest_change_is_where_a_sync_ends(void **state)
{
	(void)state;
	assert_int_equal(row_now()->change, 0);
	struct slice customer = franchise_customer(formula, "1=4711");
	assert_int_equal(row_now()->change, 0); /* never here */
	franchise_visit(formula, 12, FRANCHISE_DAY, customer);
	uint64_t first = row_now()->change;
	assert_true(first > 0);
	assert_int_equal(first, cursor_of_sync());
	franchise_must(formula, &formula->office, action_update(formula, NULL, customer, "2=Anna"));
	assert_true(row_now()->change > first);
	assert_int_equal(row_now()->change, cursor_of_sync());
}

static void test_a_grant_for_all_reads_everybodys_feed_too(void **state)
{
	struct party *all = franchise_store(formula, 13, GRANT_ALL);
	struct core_wait wait;

	(void)state;
	franchise_customer(formula, "1=4711"); /* nobody's visitor */
	assert_int_equal(row_now()->change, 0);
	store = all;
	assert_true(row_now()->change > 0);
	assert_int_equal(row_now()->change, cursor_of_sync());
	assert_true(waits(row_now(), 1000, &wait));
	assert_true(wait.reads_all);
	assert_int_equal(wait.store, 13);
}

/* R122, computed here by its words. */
static void test_the_roster_is_hashed_in_order(void **state)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	uint8_t hash[HASH_SIZE], low[PSEUDONYM_SIZE] = {1}, high[PSEUDONYM_SIZE] = {0xff, 0xff};

	(void)state;
	bytes_init(&text, 4096);
	franchise_must(formula, store, action_staff(formula, NULL, SLICE_ARRAY(store->employee), "", NULL));
	store->has_employee = false;
	sha256(SLICE_EMPTY, hash);
	assert_true(slice_equal(wire_slice(row_now()->roster), SLICE_ARRAY(hash)));
	franchise_must(formula, store, action_staff(formula, NULL, SLICE_ARRAY(high), "manager", "B"));
	franchise_must(formula, store, action_staff(formula, NULL, SLICE_ARRAY(low), "cashier", "A"));
	assert_int_equal(bytes_append(&text, SLICE_ARRAY(low)), ERR_OK);
	assert_int_equal(bytes_append(&text, slice_text("cashier\n")), ERR_OK);
	assert_int_equal(bytes_append(&text, SLICE_ARRAY(high)), ERR_OK);
	assert_int_equal(bytes_append(&text, slice_text("manager\n")), ERR_OK);
	sha256(bytes_slice(&text), hash);
	assert_true(slice_equal(wire_slice(row_now()->roster), SLICE_ARRAY(hash)));
	/* the neighbours' staff is not this store's */
	franchise_store(formula, 11, GRANT_SERVICE);
	franchise_store(formula, 13, GRANT_SERVICE);
	assert_true(slice_equal(wire_slice(row_now()->roster), SLICE_ARRAY(hash)));
}

static void expect_roster_item(const struct answer *answer, size_t i, size_t j, uint8_t first, const char *role)
{
	Kluis__RosterRow *row;

	assert_int_equal(WIRE_DECODE(RosterRow, roster_row, answer_item(answer, i, j), &formula->arena, &row), ERR_OK);
	assert_int_equal(row->employee.len, PSEUDONYM_SIZE);
	assert_int_equal(row->employee.data[0], first);
	assert_string_equal(row->role, role);
}

/* R48: within one request each Roster sees the Staff operations before it. */
static void test_roster_lists_the_employees_as_they_are_just_then(void **state)
{
	uint8_t low[PSEUDONYM_SIZE] = {1}, high[PSEUDONYM_SIZE] = {0xff, 0xff};
	struct action actions[6];

	(void)state;
	franchise_must(formula, store, action_staff(formula, NULL, SLICE_ARRAY(high), "cashier", "B"));
	franchise_must(formula, store, action_staff(formula, NULL, SLICE_ARRAY(store->employee), "", NULL));
	store->has_employee = false;
	actions[0] = action_roster(formula);
	actions[1] = action_staff(formula, NULL, SLICE_ARRAY(low), "cashier", "A");
	actions[2] = action_staff(formula, NULL, SLICE_ARRAY(high), "manager", NULL);
	actions[3] = action_roster(formula);
	actions[4] = action_staff(formula, NULL, SLICE_ARRAY(high), "", NULL);
	actions[5] = action_roster(formula);
	struct answer answer = franchise_send(formula, store, actions, 6);
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer_items(&answer, 0), 1);
	expect_roster_item(&answer, 0, 0, 0xff, "cashier");
	assert_int_equal(answer_items(&answer, 1), 2);
	expect_roster_item(&answer, 1, 0, 1, "cashier");
	expect_roster_item(&answer, 1, 1, 0xff, "manager");
	assert_int_equal(answer_items(&answer, 2), 1);
	expect_roster_item(&answer, 2, 0, 1, "cashier");
}

static void test_it_waits_only_for_what_is_known(void **state)
{
	const Kluis__WatchRow *now = row_now();
	Kluis__WatchRow other = *now;
	struct core_wait wait;

	(void)state;
	assert_true(waits(now, 5000, &wait));
	assert_int_equal(wait.store, 12);
	assert_int_equal(wait.wait_ms, 5000);
	assert_false(wait.reads_all);
	assert_false(waits(now, 0, &wait));
	other.change++;
	assert_false(waits(&other, 5000, &wait));
	other = *now;
	other.state = AGREEMENT_SUSPENDED;
	assert_false(waits(&other, 5000, &wait));
	other = *now;
	other.agreement = now->roster;
	assert_false(waits(&other, 5000, &wait));
	other = *now;
	other.candidate = now->roster;
	assert_false(waits(&other, 5000, &wait));
	other = *now;
	other.trust = now->roster;
	assert_false(waits(&other, 5000, &wait));
	other = *now;
	other.roster = now->agreement;
	assert_false(waits(&other, 5000, &wait));
	assert_false(waits(NULL, 5000, &wait));
}

/* franchise_store's agreements end on 2028-01-01, 1830297600 s after 1970. */
static void test_the_clock_ends_an_agreement_while_it_waits(void **state)
{
	const uint64_t until_ms = UINT64_C(1830297600000);
	struct core_wait wait;

	(void)state;
	formula->now_ms = until_ms - 1234;
	assert_true(waits(row_now(), 60000, &wait));
	assert_int_equal(wait.change_ms, 1234);
	formula->now_ms = until_ms;
	assert_true(waits(row_now(), 60000, &wait));
	assert_true(wait.change_ms == UINT64_MAX);
}

/* ---- news ---- */

static bool is_told(const struct core_news *news, uint32_t number)
{
	bool is_listed = news->is_for_all;

	for (size_t i = 0; i < news->count; i++)
		is_listed |= news->stores[i] == number;
	return is_listed;
}

static void test_a_commit_tells_whom_it_concerns(void **state)
{
	struct core_wait wait;
	struct slice customer = franchise_customer(formula, "1=4711");

	(void)state;
	assert_true(core_news(formula->core)->is_feed_all);
	assert_false(is_told(core_news(formula->core), 12));
	franchise_visit(formula, 12, FRANCHISE_DAY, customer);
	assert_true(is_told(core_news(formula->core), 12));
	assert_false(is_told(core_news(formula->core), 13));
	uint64_t number = core_news(formula->core)->number;
	assert_true(waits(row_now(), 1, &wait));
	assert_true(wait.snapshot >= number);
	franchise_employ(formula, store, "cashier");
	assert_true(is_told(core_news(formula->core), 12));
	assert_true(core_news(formula->core)->number > wait.snapshot);
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_true(is_told(core_news(formula->core), 12));
	franchise_must(formula, &formula->office, action_census(formula));
	assert_false(is_told(core_news(formula->core), 12));
	assert_false(core_news(formula->core)->is_feed_all);
	/* joined anew: the key that it watches under is no longer taken */
	franchise_store(formula, 14, NULL);
	assert_true(is_told(core_news(formula->core), 14));
}

/* Opens 200 stores in one request, on a lane of its own. */
static struct prepared *open_many(uint32_t lane, uint32_t first)
{
	static struct action actions[200];
	struct party office = formula->office;
	struct prepared *prepared = NULL;

	office.lane = lane;
	office.sequence = 0;
	office.has_acknowledgement = false;
	for (uint32_t i = 0; i < 200; i++)
		actions[i] = action_open_store(formula, first + i, "Winkel", "NL");
	struct slice message = franchise_message(formula, &office, actions, 200);
	assert_int_equal(core_prepare(formula->core, message, formula->now_ms, &prepared), ERR_OK);
	return prepared;
}

/* More stores than are listed: everybody looks. */
static void test_a_commit_for_too_many_tells_everybody(void **state)
{
	struct prepared *batch[3];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		batch[i] = open_many(10 + i, 1000 + 200 * i);
	assert_int_equal(core_commit(formula->core, batch, 2, formula->now_ms), ERR_OK);
	assert_int_equal(core_news(formula->core)->count, 400);
	assert_true(is_told(core_news(formula->core), 1399));
	assert_false(is_told(core_news(formula->core), 1400));
	assert_int_equal(core_commit(formula->core, batch + 2, 1, formula->now_ms), ERR_OK);
	assert_false(is_told(core_news(formula->core), 12));
	for (uint32_t i = 0; i < 3; i++) {
		prepared_free(&batch[i]);
		batch[i] = open_many(20 + i, 2000 + 200 * i);
	}
	assert_int_equal(core_commit(formula->core, batch, 3, formula->now_ms), ERR_OK);
	assert_true(is_told(core_news(formula->core), 12));
	for (uint32_t i = 0; i < 3; i++)
		prepared_free(&batch[i]);
}

/* What was known before a restart is known after it. */
static void test_the_row_survives_a_restart(void **state)
{
	(void)state;
	franchise_visit(formula, 12, FRANCHISE_DAY, franchise_customer(formula, "1=4711"));
	const Kluis__WatchRow *before = row_now();
	franchise_restart(formula);
	struct core_wait wait;
	assert_true(waits(before, 1000, &wait));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_leaves_no_entry_and_uses_no_number),
		TEST(test_who_may_not_is_told_by_the_code),
		TEST(test_the_agreement_as_it_stands),
		TEST(test_a_candidate_is_one_that_was_offered),
		TEST(test_the_newest_change_is_where_a_sync_ends),
		TEST(test_a_grant_for_all_reads_everybodys_feed_too),
		TEST(test_the_roster_is_hashed_in_order),
		TEST(test_roster_lists_the_employees_as_they_are_just_then),
		TEST(test_it_waits_only_for_what_is_known),
		TEST(test_the_clock_ends_an_agreement_while_it_waits),
		TEST(test_a_commit_tells_whom_it_concerns),
		TEST(test_a_commit_for_too_many_tells_everybody),
		TEST(test_the_row_survives_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
