/* Invitations and joining: FORMAT.md R62, R103, R104, R28's last row. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "test_keys.h"

#define STORE_12 FRANCHISE_ORIGIN "/store/12"
#define AUDITOR FRANCHISE_ORIGIN "/auditor/rekenkamer"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static enum err invite(const char *principal, struct slice code)
{
	struct action action = action_invite(formula, principal, code, formula->now_ms + DAY_MS);

	return franchise_one(formula, &formula->office, action).code;
}

static enum err join(struct party *party, struct slice code)
{
	return franchise_one(formula, party, action_join(formula, &party->key.public, code)).code;
}

static enum err lookup(struct party *party)
{
	return franchise_one(formula, party, action_lookup(formula, "service", "1=4711")).code;
}

static void test_invite_whom(void **state)
{
	static const struct {
		const char *principal;
		enum err code;
	} rows[] = {
		{STORE_12, ERR_OK},
		{AUDITOR, ERR_OK},
		{FRANCHISE_ORIGIN "/store/13", ERR_STORE},
		{"other.example/formula/store/12", ERR_PRINCIPAL},
		{FRANCHISE_ORIGIN "/controller", ERR_INPUT}, /* not even looked at: the form of the message */
		{FRANCHISE_ORIGIN "/log", ERR_INPUT},
		{FRANCHISE_ORIGIN "/store/012", ERR_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(invite(rows[i].principal, franchise_draw(formula)), rows[i].code);
}

/* R103: to the second, and nothing wraps around. */
static void test_invite_for_how_long(void **state)
{
	static const struct {
		uint64_t ahead_ms;
		enum err code;
	} rows[] = {
		{90 * DAY_MS, ERR_OK},
		{90 * DAY_MS + 1000, ERR_VALUE},
		{UINT64_MAX / 2, ERR_VALUE},
	};
	struct party auditor = {.key = test_seed_key(AUDITOR, 90)};
	struct slice code = franchise_draw(formula);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct action action = action_invite(formula, AUDITOR, code, formula->now_ms + rows[i].ahead_ms);
		assert_int_equal(franchise_one(formula, &formula->office, action).code, rows[i].code);
	}
	struct action last = action_invite(formula, AUDITOR, franchise_draw(formula), UINT64_MAX);
	assert_int_equal(franchise_one(formula, &formula->office, last).code, ERR_VALUE);
	/* what was refused has replaced nothing */
	assert_int_equal(join(&auditor, code), ERR_OK);
	secret_key_fini(&auditor.key);
}

static void test_join_of_an_auditor(void **state)
{
	struct party auditor = {.key = test_seed_key(AUDITOR, 90)};
	struct slice code = franchise_draw(formula), wrong = franchise_draw(formula);
	uint64_t size;

	(void)state;
	assert_int_equal(join(&auditor, code), ERR_CODE); /* nobody invited them */
	assert_int_equal(invite(AUDITOR, code), ERR_OK);
	size = core_size(formula->core);
	assert_int_equal(join(&auditor, wrong), ERR_CODE);
	assert_int_equal(join(&auditor, slice_part(code, 0, 15)), ERR_CODE);
	assert_int_equal(join(&auditor, SLICE_EMPTY), ERR_CODE);
	assert_int_equal(core_size(formula->core), size); /* R37: no trace of them */
	assert_int_equal(join(&auditor, code), ERR_OK);
	assert_int_equal(auditor.sequence, 1);
	assert_int_equal(franchise_one(formula, &auditor, action_census(formula)).code, ERR_OK);
	/* good once: also for the same key under the next number */
	assert_int_equal(join(&auditor, code), ERR_CODE);
	secret_key_fini(&auditor.key);
}

/* Another's code is no code of theirs. */
static void test_join_with_the_code_of_another(void **state)
{
	struct party auditor = {.key = test_seed_key(AUDITOR, 90)};
	struct slice code = franchise_draw(formula), other = franchise_draw(formula);

	(void)state;
	assert_int_equal(invite(AUDITOR, code), ERR_OK);
	assert_int_equal(invite(STORE_12, other), ERR_OK);
	assert_int_equal(join(&auditor, other), ERR_CODE);
	assert_int_equal(join(&auditor, code), ERR_OK);
	secret_key_fini(&auditor.key);
}

static void test_join_in_time(void **state)
{
	struct party auditor = {.key = test_seed_key(AUDITOR, 90)};
	struct slice code = franchise_draw(formula);
	uint64_t invited_ms = formula->now_ms;

	(void)state;
	assert_int_equal(invite(AUDITOR, code), ERR_OK);
	formula->now_ms = invited_ms + DAY_MS;
	assert_int_equal(join(&auditor, code), ERR_CODE);
	assert_int_equal(invite(AUDITOR, code), ERR_OK);
	formula->now_ms += DAY_MS - 1;
	assert_int_equal(join(&auditor, code), ERR_OK);
	secret_key_fini(&auditor.key);
}

static void test_later_invitation_replaces_the_unused_one(void **state)
{
	struct party auditor = {.key = test_seed_key(AUDITOR, 90)};
	struct slice first = franchise_draw(formula), second = franchise_draw(formula);

	(void)state;
	assert_int_equal(invite(AUDITOR, first), ERR_OK);
	assert_int_equal(invite(AUDITOR, second), ERR_OK);
	assert_int_equal(join(&auditor, first), ERR_CODE);
	assert_int_equal(join(&auditor, second), ERR_OK);
	secret_key_fini(&auditor.key);
}

static void test_join_sent_again(void **state)
{
	struct party auditor = {.key = test_seed_key(AUDITOR, 90)};
	struct slice code = franchise_draw(formula);

	(void)state;
	assert_int_equal(invite(AUDITOR, code), ERR_OK);
	assert_int_equal(join(&auditor, code), ERR_OK);
	uint64_t size = core_size(formula->core), index = auditor.index;
	struct answer again = franchise_resend(formula, &auditor);
	assert_int_equal(again.code, ERR_OK);
	assert_int_equal(again.reply->index, index);
	assert_int_equal(core_size(formula->core), size);
	secret_key_fini(&auditor.key);
}

/* A store with a new key: lanes anew, old key out, the agreement to be signed again. */
static void test_join_with_a_new_key(void **state)
{
	struct party next = {.key = test_seed_key(STORE_12, 91), .store = 12};
	struct slice code = franchise_draw(formula);

	(void)state;
	assert_int_equal(lookup(store), ERR_OK);
	assert_int_equal(invite(STORE_12, code), ERR_OK);
	assert_int_equal(lookup(store), ERR_OK); /* an invitation alone changes nothing */
	assert_int_equal(join(&next, code), ERR_OK);
	assert_int_equal(lookup(store), ERR_PRINCIPAL);
	assert_int_equal(franchise_resend(formula, store).code, ERR_PRINCIPAL);
	memcpy(next.agreement, store->agreement, HASH_SIZE);
	memcpy(next.employee, store->employee, PSEUDONYM_SIZE);
	next.has_agreement = next.has_employee = true;
	assert_int_equal(lookup(&next), ERR_NO_AGREEMENT);
	/* the same text is offered again: the new key signs it */
	const char *text = franchise_agreement(formula, 12, GRANT_SERVICE, NULL);
	struct action old = action_accept(formula, text, &store->key);
	assert_int_equal(franchise_one(formula, &next, old).code, ERR_SIGNATURE);
	assert_int_equal(franchise_one(formula, &next, action_accept(formula, text, &next.key)).code, ERR_OK);
	assert_int_equal(lookup(&next), ERR_OK);
	/* other lanes began anew too */
	struct party lane = next;
	lane.lane = 5;
	lane.sequence = 0;
	lane.has_acknowledgement = false;
	assert_int_equal(lookup(&lane), ERR_OK);
	secret_key_fini(&next.key);
}

/* Under one key every number is used once, also on the other lanes: what it signed long ago is not executed again. */
static void test_join_with_the_same_key(void **state)
{
	struct slice code = franchise_draw(formula);
	struct party lane = *store;

	(void)state;
	lane.lane = 5;
	lane.sequence = 0;
	lane.has_acknowledgement = false;
	assert_int_equal(lookup(&lane), ERR_OK);
	struct slice first = lane.last;
	assert_int_equal(lookup(&lane), ERR_OK);
	assert_int_equal(invite(STORE_12, code), ERR_OK);
	assert_int_equal(join(store, code), ERR_OK);
	uint64_t size = core_size(formula->core);
	lane.last = first;
	assert_int_equal(franchise_resend(formula, &lane).code, ERR_SEQUENCE);
	assert_int_equal(core_size(formula->core), size);
	assert_int_equal(lookup(&lane), ERR_NO_AGREEMENT); /* the third number; the agreement is to be signed again */
}

/* A suspension is not shaken off by joining again. */
static void test_join_while_suspended(void **state)
{
	struct party next = {.key = test_seed_key(STORE_12, 91), .store = 12};
	struct slice code = franchise_draw(formula);

	(void)state;
	franchise_must(formula, &formula->office, action_standing(formula, 12, 1));
	assert_int_equal(invite(STORE_12, code), ERR_OK);
	assert_int_equal(join(&next, code), ERR_OK);
	assert_int_equal(lookup(&next), ERR_SUSPENDED);
	const char *text = franchise_agreement(formula, 12, GRANT_SERVICE, NULL);
	assert_int_equal(franchise_one(formula, &next, action_accept(formula, text, &next.key)).code, ERR_NOT_FOUND);
	secret_key_fini(&next.key);
}

static void test_join_as_head_office_or_the_log(void **state)
{
	struct party office = {.key = test_seed_key(FRANCHISE_ORIGIN "/controller", 92)};
	struct party log = {.key = test_seed_key(FRANCHISE_ORIGIN "/log", 93)};
	uint64_t size = core_size(formula->core);

	(void)state;
	assert_int_not_equal(join(&office, franchise_draw(formula)), ERR_OK);
	assert_int_not_equal(join(&log, franchise_draw(formula)), ERR_OK);
	assert_int_equal(core_size(formula->core), size);
	secret_key_fini(&office.key);
	secret_key_fini(&log.key);
}

/* Whoever has no invitation neither writes to the log nor moves the lane of the store whose name they use. */
static void test_stranger_under_a_stores_name(void **state)
{
	struct party stranger = {.key = test_seed_key(STORE_12, 91), .has_acknowledgement = true, .index = 3};
	uint64_t size = core_size(formula->core);

	(void)state;
	assert_int_equal(join(&stranger, franchise_draw(formula)), ERR_ACKNOWLEDGEMENT);
	stranger = (struct party){.key = stranger.key, .sequence = 6};
	assert_int_equal(join(&stranger, franchise_draw(formula)), ERR_SEQUENCE);
	assert_int_equal(core_size(formula->core), size);
	assert_int_equal(lookup(store), ERR_OK);
	secret_key_fini(&stranger.key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_invite_whom),
		TEST(test_invite_for_how_long),
		TEST(test_join_of_an_auditor),
		TEST(test_join_with_the_code_of_another),
		TEST(test_join_in_time),
		TEST(test_later_invitation_replaces_the_unused_one),
		TEST(test_join_sent_again),
		TEST(test_join_with_a_new_key),
		TEST(test_join_with_the_same_key),
		TEST(test_join_while_suspended),
		TEST(test_join_as_head_office_or_the_log),
		TEST(test_stranger_under_a_stores_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
