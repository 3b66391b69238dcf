/* How long a store's copy may be read: FORMAT.md R127. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "journal_book.h"
#include "kluis/clock.h"

#define HOUR_MS UINT64_C(3600000)
#define SYNC(name, lease)                                                                                              \
	"[grant " name "]\npurpose = service\noperations = sync\ncustomers = all\nfields = card\nlease = " lease       \
	"\nterritory = EEA\n"
#define SYNC_MARKETING                                                                                                 \
	"[grant offers]\npurpose = direct-marketing\noperations = sync\ncustomers = all\nfields = email\n"             \
	"lease = 2h\nterritory = EEA\n"

static struct franchise *formula;
static struct party *store;
static const struct book empty;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, SYNC("long", "72h") SYNC("short", "10h") SYNC_MARKETING);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer lease_for(struct party *party, const char *purpose)
{
	return franchise_one(formula, party, action_lease(formula, purpose, &empty));
}

static void test_the_shortest_grant_for_the_purpose(void **state)
{
	(void)state;
	formula->now_ms += 999; /* whole seconds count */
	struct answer answer = lease_for(store, "service");
	assert_int_equal(answer.code, ERR_OK);
	assert_string_equal(answer.result->clause, "grant long");
	assert_true(answer.result->has_until_ms);
	assert_int_equal(answer.result->until_ms, formula->now_ms / 1000 * 1000 + 10 * HOUR_MS);
	assert_false(answer.result->has_findings);
	answer = lease_for(store, "direct-marketing");
	assert_int_equal(answer.result->until_ms, formula->now_ms / 1000 * 1000 + 2 * HOUR_MS);
}

/* The agreements of franchise.h end with 2027. */
static void test_not_past_the_agreements_end(void **state)
{
	uint64_t end_ms = (uint64_t)date_join(2028, 1, 1) * DAY_MS;

	(void)state;
	formula->now_ms = end_ms - HOUR_MS;
	struct answer answer = lease_for(store, "service");
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(answer.result->until_ms, end_ms);
	formula->now_ms = end_ms;
	answer = lease_for(store, "service");
	assert_int_equal(answer.code, ERR_EXPIRED);
	assert_string_equal(answer.result->clause, "agreement: until");
	assert_false(answer.result->has_until_ms);
	assert_int_equal(answer_items(&answer, 0), 0);
}

static void test_the_handle_key(void **state)
{
	struct answer one = lease_for(store, "service"), two = lease_for(store, "direct-marketing");
	struct party *other = franchise_store(formula, 13, SYNC("long", "72h"));
	struct answer three = lease_for(other, "service");

	(void)state;
	assert_int_equal(answer_items(&one, 0), 1);
	assert_int_equal(answer_item(&one, 0, 0).length, KEY_SIZE);
	/* a store has one, whatever the purpose and for ever; another store has another */
	assert_true(slice_equal(answer_item(&one, 0, 0), answer_item(&two, 0, 0)));
	assert_false(slice_equal(answer_item(&one, 0, 0), answer_item(&three, 0, 0)));
	franchise_restart(formula);
	two = lease_for(store, "service");
	assert_true(slice_equal(answer_item(&one, 0, 0), answer_item(&two, 0, 0)));
}

static void test_refused_as_a_sync_would_be(void **state)
{
	struct party *none = franchise_store(formula, 13, NULL);
	struct answer answer = lease_for(none, "service");

	(void)state;
	assert_int_equal(answer.code, ERR_NO_AGREEMENT);
	answer = lease_for(store, "loyalty");
	assert_int_equal(answer.code, ERR_NO_GRANT_PURPOSE);
	assert_int_equal(answer_items(&answer, 0), 0);
	answer = lease_for(store, NULL);
	assert_int_equal(answer.code, ERR_NO_GRANT_PURPOSE);
	store->agreement[0] ^= 1;
	assert_int_equal(lease_for(store, "service").code, ERR_OTHER_AGREEMENT);
	store->agreement[0] ^= 1;
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	answer = lease_for(store, "service");
	assert_int_equal(answer.code, ERR_SUSPENDED);
	assert_string_equal(answer.result->clause, "agreement: suspended");
	franchise_must(formula, &formula->office, action_standing(formula, 12, 3));
	assert_int_equal(lease_for(store, "service").code, ERR_TERMINATED);
	assert_int_equal(franchise_one(formula, &formula->office, action_lease(formula, "service", &empty)).code,
			 ERR_FORBIDDEN);
}

/* Nobody is there to ask for it: no employee is needed. */
static void test_without_an_employee(void **state)
{
	(void)state;
	store->has_employee = false;
	assert_int_equal(lease_for(store, "service").code, ERR_OK);
}

/* The answer was lost: the same entry, and the key again; but not once access has ended. */
static void test_sent_again(void **state)
{
	struct answer first = lease_for(store, "service");

	(void)state;
	formula->now_ms += 5000;
	struct answer again = franchise_resend(formula, store);
	assert_int_equal(again.reply->index, first.reply->index);
	assert_int_equal(again.result->until_ms, first.result->until_ms);
	assert_int_equal(answer_items(&again, 0), 1);
	assert_true(slice_equal(answer_item(&first, 0, 0), answer_item(&again, 0, 0)));
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	again = franchise_resend(formula, store);
	assert_int_equal(again.reply->index, first.reply->index);
	assert_int_equal(answer_items(&again, 0), 0);
}

/* What is prepared in one second and committed in the next has the next one's end. */
static void test_committed_in_another_second(void **state)
{
	struct flight flight = flight_new(formula, store, 0, action_lease(formula, "service", &empty));

	(void)state;
	formula->now_ms += 1000;
	assert_int_equal(flight_commit(formula, &flight, 1), ERR_OK);
	struct answer answer = flight_answer(formula, &flight);
	assert_int_equal(answer.result->until_ms, formula->now_ms / 1000 * 1000 + 10 * HOUR_MS);
	assert_int_equal(answer.entry.decoded->time_ms, formula->now_ms);
}

/* A store whose answer is lost goes by the longer one, and does no wrong. */
static void test_a_shorter_one_takes_nothing_back(void **state)
{
	uint8_t before[HASH_SIZE];
	struct answer first = lease_for(store, "service");

	(void)state;
	memcpy(before, store->agreement, HASH_SIZE);
	formula->now_ms += 1000;
	franchise_agree(formula, store, franchise_agreement(formula, 12, SYNC("brief", "1h"), before));
	struct answer second = lease_for(store, "service");
	assert_true(second.result->until_ms < first.result->until_ms);
	franchise_customer(formula, "1=4711|2=Anna");
	franchise_must(formula, store, action_sync(formula, "service", 0, 10));
	struct answer list = franchise_must(formula, &formula->office, action_holdings(formula));
	assert_int_equal(answer_holding(formula, &list, 0)->until_ms, first.result->until_ms);
}

/* On a lane that has slept since before the last lease: it could be as old as that lane's last answer. */
static void test_acknowledges_the_last_lease(void **state)
{
	struct party sleeper = *store;

	(void)state;
	sleeper.lane = 7;
	sleeper.sequence = 0;
	sleeper.has_acknowledgement = false;
	franchise_must(formula, &sleeper, action_agreements(formula, NULL));
	formula->now_ms += 1000;
	assert_int_equal(lease_for(store, "service").code, ERR_OK);
	struct answer answer = lease_for(&sleeper, "service");
	assert_int_equal(answer.code, ERR_STATE);
	assert_int_equal(answer_items(&answer, 0), 0);
	assert_false(answer.result->has_until_ms);
	assert_int_equal(lease_for(&sleeper, "direct-marketing").code, ERR_OK); /* awake again */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_the_shortest_grant_for_the_purpose),
		TEST(test_not_past_the_agreements_end),
		TEST(test_the_handle_key),
		TEST(test_refused_as_a_sync_would_be),
		TEST(test_without_an_employee),
		TEST(test_sent_again),
		TEST(test_committed_in_another_second),
		TEST(test_a_shorter_one_takes_nothing_back),
		TEST(test_acknowledges_the_last_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
