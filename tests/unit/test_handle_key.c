/* Another key of a store, or none any more: FORMAT.md R140, R142. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "key_action.h"
#include "test_keys.h"

#define STORE_12 FRANCHISE_ORIGIN "/store/12"

static struct franchise *formula;
static struct party *store;
static struct secret_key next;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711");
	next = test_seed_key(STORE_12, 77);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	secret_key_fini(&next);
	franchise_free(&formula);
	return 0;
}

static enum err lookup(struct party *party)
{
	return franchise_one(formula, party, action_lookup(formula, "service", "1=4711")).code;
}

static enum err rotate(void)
{
	return franchise_one(formula, store, action_rotate_key(formula, store, &next, NULL)).code;
}

/* The party as it is with the new key: its conversation goes on. */
static struct party with_new_key(void)
{
	struct party party = *store;

	party.key = next;
	return party;
}

static void test_rotate_key_and_go_on(void **state)
{
	(void)state;
	assert_int_equal(lookup(store), ERR_OK);
	assert_int_equal(rotate(), ERR_OK);
	struct party party = with_new_key();
	assert_int_equal(lookup(&party), ERR_OK); /* acknowledging the rotation's entry, under the agreement */
	assert_int_equal(lookup(&party), ERR_OK);
}

static void test_old_key_is_taken_no_more(void **state)
{
	uint64_t size;

	(void)state;
	assert_int_equal(rotate(), ERR_OK);
	size = core_size(formula->core);
	assert_int_equal(lookup(store), ERR_PRINCIPAL);
	struct party other_lane = *store;
	other_lane.lane = 5;
	other_lane.sequence = 0;
	other_lane.has_acknowledgement = false;
	assert_int_equal(lookup(&other_lane), ERR_PRINCIPAL);
	assert_int_equal(core_size(formula->core), size);
	franchise_restart(formula);
	assert_int_equal(lookup(store), ERR_PRINCIPAL);
}

/* R34: the answer was lost; the old bytes, signed by the old key, get it again. */
static void test_answers_from_before_are_given_again(void **state)
{
	struct party lane = *store;
	struct answer answer, again;

	(void)state;
	lane.lane = 3;
	lane.sequence = 0;
	lane.has_acknowledgement = false;
	answer = franchise_one(formula, &lane, action_lookup(formula, "service", "1=4711"));
	assert_int_equal(answer.code, ERR_OK);
	assert_int_equal(rotate(), ERR_OK);
	uint64_t size = core_size(formula->core);
	again = franchise_resend(formula, &lane);
	assert_int_equal(again.code, ERR_OK);
	assert_string_equal(answer_values(formula, &again, 0), answer_values(formula, &answer, 0));
	assert_int_equal(franchise_resend(formula, store).code, ERR_OK); /* the rotation itself */
	assert_int_equal(core_size(formula->core), size);
}

/* What the new key has sent, the old one does not see by signing the same bytes. */
static void test_old_key_over_what_the_new_one_sent(void **state)
{
	(void)state;
	assert_int_equal(rotate(), ERR_OK);
	struct party party = with_new_key(), thief = *store;
	assert_int_equal(lookup(&party), ERR_OK);
	struct action action = action_lookup(formula, "service", "1=4711");
	struct party before = party;
	assert_int_equal(franchise_one(formula, &party, action).code, ERR_OK);
	before.key = thief.key;
	assert_int_equal(franchise_one(formula, &before, action).code, ERR_PRINCIPAL);
}

static void test_rotate_key_refuses(void **state)
{
	struct secret_key strange = test_seed_key(STORE_12, 78);
	struct action twice[2];

	(void)state;
	assert_int_equal(franchise_one(formula, store, action_rotate_key(formula, store, &next, &strange)).code,
			 ERR_SIGNATURE);
	assert_int_equal(franchise_one(formula, store, action_rotate_key(formula, store, &next, &store->key)).code,
			 ERR_SIGNATURE);
	assert_int_equal(franchise_one(formula, store, action_rotate_key(formula, store, &store->key, NULL)).code,
			 ERR_EXISTS);
	twice[0] = twice[1] = action_rotate_key(formula, store, &next, NULL);
	assert_int_equal(franchise_send(formula, store, twice, 2).code, ERR_INPUT);
	assert_int_equal(franchise_one(formula, &formula->office, twice[0]).code, ERR_FORBIDDEN);
	assert_int_equal(lookup(store), ERR_OK);
	/* the signature of one rotation is not good for another: it names the key that it replaced */
	struct party party;
	assert_int_equal(rotate(), ERR_OK);
	party = with_new_key();
	assert_int_equal(franchise_one(formula, &party, action_rotate_key(formula, &party, &strange, NULL)).code,
			 ERR_OK);
	party.key = strange;
	assert_int_equal(franchise_one(formula, &party, twice[0]).code, ERR_SIGNATURE);
	secret_key_fini(&strange);
}

static enum err revoke(const char *principal)
{
	return franchise_one(formula, &formula->office, action_revoke(formula, principal)).code;
}

static enum err invite_and_join(struct party *party)
{
	struct slice code = franchise_draw(formula);

	franchise_must(formula, &formula->office, action_invite(formula, STORE_12, code, formula->now_ms + DAY_MS));
	return franchise_one(formula, party, action_join(formula, &party->key.public, code)).code;
}

static void test_revoke(void **state)
{
	struct slice code = franchise_draw(formula);
	uint64_t size;

	(void)state;
	franchise_must(formula, &formula->office, action_invite(formula, STORE_12, code, formula->now_ms + DAY_MS));
	assert_int_equal(lookup(store), ERR_OK);
	assert_int_equal(revoke(STORE_12), ERR_OK);
	assert_int_equal(revoke(STORE_12), ERR_NOT_FOUND);
	assert_int_equal(revoke(FRANCHISE_ORIGIN "/store/13"), ERR_NOT_FOUND);
	size = core_size(formula->core);
	assert_int_equal(lookup(store), ERR_PRINCIPAL);
	assert_int_equal(franchise_resend(formula, store).reply->code, ERR_PRINCIPAL);
	/* nor by the invitation that was out */
	struct party party = {.key = next, .store = 12};
	assert_int_equal(franchise_one(formula, &party, action_join(formula, &next.public, code)).code, ERR_CODE);
	assert_int_equal(core_size(formula->core), size);
}

static void test_revoked_store_joins_again_with_another_key(void **state)
{
	struct party again = {.key = store->key, .store = 12, .lane = 9}, party = {.key = next, .store = 12};

	(void)state;
	assert_int_equal(revoke(STORE_12), ERR_OK);
	assert_int_equal(invite_and_join(&again), ERR_PRINCIPAL);
	assert_int_equal(invite_and_join(&party), ERR_OK);
	assert_int_equal(lookup(&party), ERR_NO_AGREEMENT); /* R28, last row: to be signed anew */
	assert_int_equal(lookup(store), ERR_PRINCIPAL);
}

static void test_revoke_after_a_rotation(void **state)
{
	struct party lane = *store;

	(void)state;
	lane.lane = 3;
	lane.sequence = 0;
	lane.has_acknowledgement = false;
	assert_int_equal(lookup(&lane), ERR_OK);
	assert_int_equal(rotate(), ERR_OK);
	assert_int_equal(revoke(STORE_12), ERR_OK);
	struct party party = with_new_key();
	assert_int_equal(lookup(&party), ERR_PRINCIPAL);
	assert_int_equal(franchise_resend(formula, &lane).reply->code, ERR_PRINCIPAL);
}

/* Prepared before, committed after: the key is looked at again. */
static void test_revoke_while_a_request_is_under_way(void **state)
{
	struct flight flights[2];

	(void)state;
	flights[0] = flight_new(formula, &formula->office, 7, action_revoke(formula, STORE_12));
	flights[1] = flight_new(formula, store, 9, action_lookup(formula, "service", "1=4711"));
	assert_int_equal(flight_commit(formula, flights, 2), ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[1]).reply->code, ERR_PRINCIPAL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotate_key_and_go_on),
		TEST(test_old_key_is_taken_no_more),
		TEST(test_answers_from_before_are_given_again),
		TEST(test_old_key_over_what_the_new_one_sent),
		TEST(test_rotate_key_refuses),
		TEST(test_revoke),
		TEST(test_revoked_store_joins_again_with_another_key),
		TEST(test_revoke_after_a_rotation),
		TEST(test_revoke_while_a_request_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
