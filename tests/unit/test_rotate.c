/* Another key for a store, cut off at each instant: FORMAT.md R140. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "key_action.h"
#include "kluis/file.h"
#include "rotate.h"
#include "test_keys.h"
#include "unlogged.h"

static struct franchise *formula;
static struct party *store;
static char folder[SCRATCH_MAX + 16];
static struct fault fault;

/* The way to the broker: the n-th message from now is lost before or after it arrives. */
static struct exchange broker;
static int losing_request, losing_reply;
static bool is_busy;

static enum err lossy_send(void *context, struct slice message, struct bytes *ret_reply)
{
	(void)context;
	if (is_busy) {
		Kluis__Reply reply = KLUIS__REPLY__INIT;
		reply.code = ERR_BUSY;
		return wire_encode(&reply.base, ret_reply);
	}
	if (losing_request > 0 && --losing_request == 0)
		return ERR_NETWORK;
	TRY(broker.send(broker.context, message, ret_reply));
	if (losing_reply > 0 && --losing_reply == 0)
		return ERR_INPUT; /* no retry of its own: as if killed here */
	return ERR_OK;
}

static const struct exchange lossy = {.send = lossy_send};

static const char *path_of(const char *name)
{
	static char path[HOME_PATH_MAX];

	assert_int_equal(home_path(folder, name, path, NULL), ERR_OK);
	return path;
}

static bool is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

/* What the lane remembers is what the party of the franchise has come to. */
static void write_lane(uint32_t lane, const struct secret_key *key, const struct party *party)
{
	struct session session;
	char lanes[HOME_PATH_MAX];

	snprintf(lanes, sizeof lanes, "%s", path_of("lanes"));
	assert_int_equal(session_open(&session, key, lane, lossy, session_files(lanes), &fault), ERR_OK);
	session.sequence = party->sequence;
	session.has_acknowledgement = party->has_acknowledgement;
	session.entry_index = party->index;
	session.entry_leaf = party->leaf;
	session.is_unsaved = true;
	session_close(&session);
}

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	broker = unlogged_exchange(formula);
	losing_request = losing_reply = 0;
	is_busy = false;
	fault.text[0] = '\0';
	snprintf(folder, sizeof folder, "%s/agent", formula->folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(mkdir(path_of("lanes"), 0700), 0);
	assert_int_equal(secret_key_write(&store->key, path_of("store.key"), &fault), ERR_OK);
	write_lane(LANE_ADMIN, &store->key, store);
	struct party other = {.sequence = 7, .index = 1, .has_acknowledgement = true};
	write_lane(LANE_SYNC, &store->key, &other);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

/* As the command does it: the folder opened, rotated, closed. */
static enum err rotate(struct public_key *ret_key)
{
	struct secret_key key CLEANUP(secret_key_fini) = {0};
	struct session session;
	char lanes[HOME_PATH_MAX];

	fault.text[0] = '\0';
	snprintf(lanes, sizeof lanes, "%s", path_of("lanes"));
	assert_int_equal(rotate_finish(folder, &fault), ERR_OK);
	assert_int_equal(secret_key_read(path_of("store.key"), &key, &fault), ERR_OK);
	assert_int_equal(session_open(&session, &key, LANE_ADMIN, lossy, session_files(lanes), &fault), ERR_OK);
	enum err err = rotate_key(folder, &session, &key, formula->now_ms, &fault);
	*ret_key = key.public;
	session_close(&session);
	return err;
}

/* The folder's key is that one, the broker takes it, all lanes open with it, the old key is retired, nothing is left.
 */
static void expect_rotated(const struct public_key *key)
{
	struct secret_key here CLEANUP(secret_key_fini) = {0};
	struct public_key *retired;
	size_t count;
	struct session session;
	char lanes[HOME_PATH_MAX];
	static uint32_t lane = 33; /* another one each time */

	assert_int_equal(secret_key_read(path_of("store.key"), &here, &fault), ERR_OK);
	assert_true(public_key_equal(&here.public, key));
	assert_false(public_key_equal(&here.public, &store->key.public));
	assert_false(is_there("store.key.new") || is_there("store.key.next"));
	assert_int_equal(rotate_retired(folder, &formula->arena, &retired, &count, &fault), ERR_OK);
	assert_true(count >= 1);
	assert_true(public_key_equal(&retired[0], &store->key.public));
	snprintf(lanes, sizeof lanes, "%s", path_of("lanes"));
	assert_int_equal(session_open(&session, &here, LANE_SYNC, lossy, session_files(lanes), &fault), ERR_OK);
	assert_int_equal(session.sequence, 7);
	session_close(&session);
	struct party party = *store;
	party.lane = lane++;
	party.sequence = 0;
	party.has_acknowledgement = false;
	assert_int_equal(franchise_one(formula, &party, action_agreements(formula, NULL)).code, ERR_PRINCIPAL);
	party.key = here;
	party.sequence = 0;
	assert_int_equal(franchise_one(formula, &party, action_agreements(formula, NULL)).code, ERR_OK);
}

static void test_rotate(void **state)
{
	struct public_key key;

	(void)state;
	assert_int_equal(rotate(&key), ERR_OK);
	expect_rotated(&key);
	/* and again, from that one on */
	struct public_key second, *retired;
	size_t count;
	assert_int_equal(rotate(&second), ERR_OK);
	expect_rotated(&second);
	assert_int_equal(rotate_retired(folder, &formula->arena, &retired, &count, &fault), ERR_OK);
	assert_int_equal(count, 2);
	assert_true(public_key_equal(&retired[1], &key));
}

static void test_request_never_left(void **state)
{
	struct public_key key;

	(void)state;
	losing_request = 1;
	/* the first message is lost, the session tries again */
	assert_int_equal(rotate(&key), ERR_OK);
	expect_rotated(&key);
}

/* The broker has it, the agent was killed before it heard so. */
static void test_answer_was_lost(void **state)
{
	struct public_key key;

	(void)state;
	losing_reply = 1;
	assert_int_not_equal(rotate(&key), ERR_OK);
	assert_true(rotate_is_open(folder));
	assert_int_equal(rotate_finish(folder, &fault), ERR_OK); /* knows nothing, does nothing */
	assert_true(rotate_is_open(folder));
	assert_int_equal(rotate(&key), ERR_OK);
	expect_rotated(&key);
}

/* The new key was made, nothing was asked; or it was asked for and the bytes still lie in the lane. */
static void test_killed_before_it_was_asked(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = test_seed_key(store->key.public.name, 99);
	struct public_key key;

	(void)state;
	assert_int_equal(secret_key_write(&next, path_of("store.key.new"), &fault), ERR_OK);
	assert_int_equal(rotate(&key), ERR_OK);
	assert_true(public_key_equal(&key, &next.public));
	expect_rotated(&key);
}

/* The broker knows the next key: at each step of what is done here. */
static void test_killed_while_finishing(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = test_seed_key(store->key.public.name, 99);
	char lanes[HOME_PATH_MAX];

	(void)state;
	snprintf(lanes, sizeof lanes, "%s", path_of("lanes"));
	for (int resealed = 0; resealed < 2; resealed++) {
		if (resealed == 1)
			set_up(NULL);
		struct action action = action_rotate_key(formula, store, &next, NULL);
		franchise_must(formula, store, action);
		assert_int_equal(secret_key_write(&next, path_of("store.key.next"), &fault), ERR_OK);
		snprintf(lanes, sizeof lanes, "%s", path_of("lanes"));
		if (resealed == 1)
			assert_int_equal(session_reseal(session_files(lanes), LANE_SYNC, &store->key, &next, &fault),
					 ERR_OK);
		assert_int_equal(rotate_finish(folder, &fault), ERR_OK);
		expect_rotated(&next.public);
		assert_int_equal(rotate_finish(folder, &fault), ERR_OK);
		if (resealed == 0)
			franchise_free(&formula);
	}
}

static void test_revoked_store_cannot(void **state)
{
	struct public_key key;

	(void)state;
	franchise_must(formula, &formula->office, action_revoke(formula, store->key.public.name));
	assert_int_equal(rotate(&key), ERR_PRINCIPAL);
	assert_int_equal(rotate(&key), ERR_PRINCIPAL);
}

/* ---- requests whose answers are not known ---- */

static void open_lane(struct session *session, const struct secret_key *key)
{
	static char lanes[HOME_PATH_MAX]; /* lives as long as the session */

	snprintf(lanes, sizeof lanes, "%s", path_of("lanes"));
	assert_int_equal(session_open(session, key, LANE_TILL, lossy, session_files(lanes), &fault), ERR_OK);
}

static enum err send_on(struct session *session, struct session_answer *ret_answer)
{
	struct action action = action_agreements(formula, NULL);
	Kluis__Operation *operations = action.operation;
	struct session_request request = {.operations = &operations, .operation_count = 1, .time_ms = formula->now_ms};

	return session_call(session, &request, 1, &formula->arena, ret_answer, &fault);
}

/* A request on the lane whose answer was lost on the way, or that was lost itself. */
static void leave_pending(const struct secret_key *key, bool is_entered)
{
	struct session_answer answer;
	struct session session;

	open_lane(&session, key);
	*(is_entered ? &losing_reply : &losing_request) = 1;
	assert_int_not_equal(send_on(&session, &answer), ERR_OK);
	assert_true(session.has_pending);
	session_close(&session);
}

static void open_rotated(struct session *session, struct secret_key *ret_key)
{
	secret_key_fini(ret_key);
	assert_int_equal(secret_key_read(path_of("store.key"), ret_key, &fault), ERR_OK);
	open_lane(session, ret_key);
	assert_true(session->has_pending);
}

static void test_entered_request_gets_its_answer_after_the_rotation(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = {0};
	struct session_answer answer;
	struct public_key key;
	struct session session;

	(void)state;
	leave_pending(&store->key, true);
	assert_int_equal(rotate(&key), ERR_OK);
	open_rotated(&session, &next);
	assert_int_equal(session_resume(&session, 1, &formula->arena, &answer, &fault), ERR_OK);
	assert_true(answer.has_entry);
	assert_int_equal(answer.entry.decoded->code, ERR_OK);
	assert_int_equal(answer.entry.request->sequence, 1);
	/* the next one follows, signed by the new key, and acknowledges it */
	assert_int_equal(send_on(&session, &answer), ERR_OK);
	assert_int_equal(answer.entry.decoded->code, ERR_OK);
	assert_int_equal(answer.entry.request->sequence, 2);
	session_close(&session);
}

static void test_request_that_never_arrived_is_signed_anew(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = {0};
	struct session_answer answer;
	struct public_key key;
	struct session session;

	(void)state;
	leave_pending(&store->key, false);
	assert_int_equal(rotate(&key), ERR_OK);
	open_rotated(&session, &next);
	assert_int_equal(session_resume(&session, 1, &formula->arena, &answer, &fault), ERR_PRINCIPAL);
	assert_false(session.has_pending);
	assert_int_equal(send_on(&session, &answer), ERR_OK);
	assert_int_equal(answer.entry.decoded->code, ERR_OK); /* not ERR_REUSED: no finding */
	assert_int_equal(answer.entry.request->sequence, 1);
	session_close(&session);
}

/* The broker knows one key that was, so an answer from before two rotations would be lost, and its number used twice.
 */
static void test_not_twice_while_an_answer_is_waited_for(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = {0};
	struct session_answer answer;
	struct public_key key, same;
	struct session session;

	(void)state;
	leave_pending(&store->key, true);
	assert_int_equal(rotate(&key), ERR_OK);
	assert_int_equal(rotate(&same), ERR_STATE);
	assert_true(public_key_equal(&key, &same));
	assert_non_null(strstr(fault.text, "lane 1 waits"));
	assert_false(rotate_is_open(folder));
	open_rotated(&session, &next);
	assert_int_equal(session_resume(&session, 1, &formula->arena, &answer, &fault), ERR_OK);
	assert_int_equal(session_keep(&session), ERR_OK);
	session_close(&session);
	assert_int_equal(rotate(&key), ERR_OK);
	expect_rotated(&key);
	/* a request by the key of now does not stand in the way */
	secret_key_fini(&next);
	assert_int_equal(secret_key_read(path_of("store.key"), &next, &fault), ERR_OK);
	leave_pending(&next, true);
	assert_int_equal(rotate(&key), ERR_OK);
	expect_rotated(&key);
}

/* Who is too busy to look does not say that it knows the key. */
static void test_busy_broker_says_nothing_of_keys(void **state)
{
	struct secret_key next CLEANUP(secret_key_fini) = test_seed_key(store->key.public.name, 99);
	struct public_key key;

	(void)state;
	assert_int_equal(secret_key_write(&next, path_of("store.key.new"), &fault), ERR_OK);
	is_busy = true;
	assert_int_equal(rotate(&key), ERR_BUSY);
	assert_true(public_key_equal(&key, &store->key.public));
	assert_true(is_there("store.key.new"));
	is_busy = false;
	assert_int_equal(rotate(&key), ERR_OK);
	expect_rotated(&key);
}

static void test_damaged_list_of_retired_keys(void **state)
{
	struct public_key *retired;
	size_t count;

	(void)state;
	assert_int_equal(rotate_retired(folder, &formula->arena, &retired, &count, &fault), ERR_OK);
	assert_int_equal(count, 0);
	assert_int_equal(file_write(path_of("retired.vkeys"), slice_text("no key\n"), 0600, &fault), ERR_OK);
	assert_int_equal(rotate_retired(folder, &formula->arena, &retired, &count, NULL), ERR_CORRUPT);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotate),
		TEST(test_request_never_left),
		TEST(test_answer_was_lost),
		TEST(test_killed_before_it_was_asked),
		TEST(test_killed_while_finishing),
		TEST(test_revoked_store_cannot),
		TEST(test_entered_request_gets_its_answer_after_the_rotation),
		TEST(test_request_that_never_arrived_is_signed_anew),
		TEST(test_not_twice_while_an_answer_is_waited_for),
		TEST(test_busy_broker_says_nothing_of_keys),
		TEST(test_damaged_list_of_retired_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
