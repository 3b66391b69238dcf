/* One lane against a broker that keeps R34 to R39, over a network and a disk that fail at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/file.h"
#include "kluis/session.h"
#include "lane_broker.h"
#include "scratch.h"
#include "test_keys.h"

#define LANE 3

struct world {
	struct secret_key key;
	struct lane_broker broker;
	struct session session;
	struct arena arena;
	struct session_answer answer;
	struct fault fault;
};

static void open_lane(struct world *world)
{
	enum err err = session_open(&world->session, &world->key, LANE, lane_broker_exchange(&world->broker),
				    lane_broker_memory(&world->broker), &world->fault);
	assert_int_equal(err, ERR_OK);
}

static int make(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	world->key = test_seed_key("example.org/formula/controller", 7);
	lane_broker_init(&world->broker, &world->key);
	arena_init(&world->arena, REQUEST_ARENA_MAX);
	open_lane(world);
	*state = world;
	return 0;
}

static int drop(void **state)
{
	struct world *world = *state;
	session_close(&world->session);
	arena_fini(&world->arena);
	lane_broker_fini(&world->broker);
	secret_key_fini(&world->key);
	free(world);
	return 0;
}

static void crash(struct world *world)
{
	world->session.is_unsaved = false;
	session_close(&world->session);
	open_lane(world);
}

static enum err call(struct world *world, uint64_t number, unsigned tries)
{
	struct lane_request request;
	world->fault.text[0] = '\0';
	return session_call(&world->session, lane_request_init(&request, number), tries, &world->arena, &world->answer,
			    &world->fault);
}

static enum err resume(struct world *world, unsigned tries)
{
	world->fault.text[0] = '\0';
	return session_resume(&world->session, tries, &world->arena, &world->answer, &world->fault);
}

#define SET_FATES(world, ...)                                                                                          \
	static const enum lane_fate fates_[] = {__VA_ARGS__};                                                          \
	(world)->broker.fates = fates_;                                                                                \
	(world)->broker.fate_count = sizeof(fates_) / sizeof(fates_[0])

/* Everything asked was done once, in order, and each acknowledged the one before. */
static void expect_done(const struct world *world, uint64_t count)
{
	assert_int_equal(world->broker.executed_count, count);
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(world->broker.executed[i], i + 1);
	assert_int_equal(world->broker.bad_acknowledgements, 0);
	assert_int_equal(world->broker.reused, 0);
}

static void test_each_request_acknowledges_the_entry_before(void **state)
{
	struct world *world = *state;
	for (uint64_t number = 1; number <= 5; number++) {
		assert_int_equal(call(world, number, 1), ERR_OK);
		assert_true(world->answer.has_entry);
		assert_int_equal(world->answer.index, number - 1);
		assert_int_equal(world->answer.reply->code, 0);
		assert_int_equal(world->session.sequence, number);
	}
	expect_done(world, 5);
	/* One durable save for each. */
	assert_int_equal(world->broker.saves, 5);
}

static void test_a_request_is_on_disk_before_it_leaves(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_REQUEST_LOST);
	assert_int_equal(call(world, 1, 1), ERR_NETWORK);
	crash(world);
	assert_true(world->session.has_pending);
	assert_int_equal(resume(world, 1), ERR_OK);
	expect_done(world, 1);
}

static void test_lost_requests_and_replies_are_tried_again(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_REQUEST_LOST, FATE_REPLY_LOST, FATE_DELAYED, FATE_DELIVERED, FATE_TWICE);
	assert_int_equal(call(world, 1, 4), ERR_OK);
	assert_int_equal(call(world, 2, 4), ERR_OK);
	assert_int_equal(call(world, 3, 4), ERR_OK);
	assert_int_equal(world->broker.received, 6);
	assert_int_equal(world->broker.pauses, 3);
	expect_done(world, 3);
}

static void test_an_unknown_outcome_must_be_resumed(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_REPLY_LOST, FATE_REPLY_LOST);
	assert_int_equal(call(world, 1, 2), ERR_TIMEOUT);
	assert_int_equal(call(world, 2, 1), ERR_STATE);
	assert_non_null(strstr(world->fault.text, "resumed"));
	assert_int_equal(resume(world, 1), ERR_OK);
	assert_int_equal(world->answer.index, 0);
	assert_int_equal(resume(world, 1), ERR_NOT_FOUND);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	expect_done(world, 2);
}

static void test_a_crash_after_the_reply_gives_the_same_reply_again(void **state)
{
	struct world *world = *state;
	assert_int_equal(call(world, 1, 1), ERR_OK);
	crash(world);
	assert_true(world->session.has_pending);
	assert_int_equal(resume(world, 1), ERR_OK);
	assert_int_equal(world->answer.index, 0);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	expect_done(world, 2);
}

static void test_close_leaves_nothing_to_resume(void **state)
{
	struct world *world = *state;
	assert_int_equal(call(world, 1, 1), ERR_OK);
	session_close(&world->session);
	open_lane(world);
	assert_false(world->session.has_pending);
	assert_int_equal(resume(world, 1), ERR_NOT_FOUND);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	expect_done(world, 2);
	assert_int_equal(world->broker.received, 2);
}

static void test_a_refusal_without_entry_uses_no_number(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_DELIVERED, FATE_REFUSED);
	assert_int_equal(call(world, 1, 1), ERR_OK);
	assert_int_equal(call(world, 99, 1), ERR_PRINCIPAL);
	assert_non_null(strstr(world->fault.text, "as the test says"));
	/* What was reported as refused is not sent again, crash or not. */
	crash(world);
	assert_int_equal(resume(world, 1), ERR_NOT_FOUND);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	expect_done(world, 2);
}

static void test_a_refusal_with_entry_uses_the_number(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_REFUSED_ENTRY);
	assert_int_equal(call(world, 99, 1), ERR_OK);
	assert_int_equal(world->answer.reply->code, ERR_SUSPENDED);
	assert_int_equal(world->session.sequence, 1);
	assert_int_equal(call(world, 1, 1), ERR_OK);
	expect_done(world, 1);
	assert_int_equal(world->broker.entries, 2);
}

/* A copy may still be on its way when another one is refused: then the bytes are kept, and what became of them is
 * learnt. */
static void test_a_doubtful_refusal_stays_pending(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_DELAYED, FATE_REFUSED);
	/* The first copy is still on its way when the second one is refused. */
	world->broker.is_slow = true;
	assert_int_equal(call(world, 1, 2), ERR_PRINCIPAL);
	world->broker.is_slow = false;
	assert_true(world->session.has_pending);
	assert_int_equal(call(world, 2, 1), ERR_STATE);
	crash(world);
	assert_int_equal(resume(world, 1), ERR_OK);
	assert_int_equal(world->answer.reply->code, 0);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	expect_done(world, 2);
}

static void test_a_doubtful_refusal_ends_when_every_try_is_answered(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_REQUEST_LOST, FATE_REFUSED, FATE_REFUSED);
	assert_int_equal(call(world, 99, 2), ERR_PRINCIPAL);
	assert_int_equal(resume(world, 2), ERR_PRINCIPAL);
	assert_int_equal(resume(world, 2), ERR_NOT_FOUND);
	assert_int_equal(call(world, 1, 1), ERR_OK);
	expect_done(world, 1);
}

static void test_busy_is_tried_again_after_a_pause(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_BUSY, FATE_BUSY, FATE_DELIVERED, FATE_BUSY, FATE_BUSY);
	assert_int_equal(call(world, 1, 3), ERR_OK);
	assert_int_equal(world->broker.pauses, 2);
	/* told so, the caller may ask again: what was refused is not sent by itself */
	assert_int_equal(call(world, 99, 2), ERR_BUSY);
	assert_false(world->session.has_pending);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	expect_done(world, 2);
}

static void test_busy_says_nothing_of_an_earlier_copy(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_REPLY_LOST, FATE_BUSY, FATE_BUSY);
	assert_int_equal(call(world, 1, 1), ERR_TIMEOUT);
	assert_int_equal(resume(world, 2), ERR_BUSY);
	assert_true(world->session.has_pending);
	assert_int_equal(resume(world, 1), ERR_OK);
	expect_done(world, 1);
}

/* Reply{code}, with nothing else. */
static enum err bare_reply(void *context, struct slice message, struct bytes *ret_reply)
{
	(void)message;
	Kluis__Reply reply = KLUIS__REPLY__INIT;
	reply.code = *(const unsigned *)context;
	return wire_encode(&reply.base, ret_reply);
}

/* R38: whether a copy was executed before the broker's clock stood back is not known, but to who first asks then. */
static void test_a_broker_with_its_clock_set_back_is_asked_again_later(void **state)
{
	struct world *world = *state;
	unsigned code = ERR_CLOCK;
	struct exchange exchange = world->session.exchange;
	struct exchange behind = {.context = &code, .send = bare_reply};
	world->session.exchange = behind;
	assert_int_equal(call(world, 9, 3), ERR_CLOCK);
	assert_false(world->session.has_pending);
	world->session.exchange = exchange;
	SET_FATES(world, FATE_REQUEST_LOST);
	assert_int_equal(call(world, 1, 1), ERR_NETWORK);
	world->session.exchange = behind;
	assert_int_equal(resume(world, 3), ERR_CLOCK);
	assert_true(world->session.has_pending);
	world->session.exchange = exchange;
	assert_int_equal(resume(world, 1), ERR_OK);
	expect_done(world, 1);
}

static void test_another_programs_lane_is_named(void **state)
{
	struct world *world = *state;
	assert_int_equal(call(world, 1, 1), ERR_OK);
	/* The broker is two further: somebody has used a copy of this memory. */
	world->broker.sequence = 3;
	assert_int_equal(call(world, 2, 1), ERR_SEQUENCE);
	assert_int_equal(world->session.expected, 4);
	assert_non_null(strstr(world->fault.text, "waits for request 4 and got 2"));
}

static void expect_mismatch(struct world *world)
{
	assert_int_equal(call(world, 1, 3), ERR_MISMATCH);
	assert_int_equal(world->broker.received, 1);
	assert_true(world->session.has_pending);
	assert_false(world->session.has_acknowledgement);
	assert_int_equal(resume(world, 1), ERR_OK);
	expect_done(world, 1);
}

/* The entry is refused for its acknowledgement; the lane works again after it, also over a crash. */
static void test_adopt_goes_on_from_the_brokers_number(void **state)
{
	struct world *world = *state;
	struct bytes old CLEANUP(bytes_fini) = {0};
	bytes_init(&old, MESSAGE_MAX);
	assert_int_equal(session_adopt(&world->session), ERR_STATE);
	assert_int_equal(call(world, 1, 1), ERR_OK);
	session_close(&world->session);
	assert_int_equal(bytes_append(&old, bytes_slice(&world->broker.disk)), ERR_OK);
	open_lane(world);
	assert_int_equal(call(world, 2, 1), ERR_OK);
	assert_int_equal(call(world, 3, 1), ERR_OK);
	session_close(&world->session);
	bytes_clear(&world->broker.disk);
	assert_int_equal(bytes_append(&world->broker.disk, bytes_slice(&old)), ERR_OK);
	open_lane(world); /* the folder was restored */

	enum err err = call(world, 4, 1);
	if (err == ERR_REUSED) /* its number is the last one used: an entry says so */
		err = call(world, 4, 1);
	assert_int_equal(err, ERR_SEQUENCE);
	assert_int_equal(session_adopt(&world->session), ERR_OK);
	assert_false(world->session.has_pending);
	assert_int_equal(world->session.sequence + 1, 4);
	assert_int_equal(session_adopt(&world->session), ERR_STATE);
	crash(world);
	assert_int_equal(world->session.sequence + 1, 4);
	assert_int_equal(call(world, 5, 1), ERR_OK);
	assert_int_equal(world->broker.bad_acknowledgements, 1);
	assert_int_equal(call(world, 6, 1), ERR_OK);
	assert_int_equal(world->broker.bad_acknowledgements, 1);
}

static void test_a_garbled_answer_is_not_believed(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_GARBLED);
	expect_mismatch(world);
}

static void test_an_answer_about_another_request_is_not_believed(void **state)
{
	struct world *world = *state;
	SET_FATES(world, FATE_FOREIGN);
	expect_mismatch(world);
}

static void test_an_answer_without_entry_or_reason_is_not_believed(void **state)
{
	struct world *world = *state;
	unsigned codes[] = {ERR_OK, 9999};
	for (size_t i = 0; i < 2; i++) {
		world->session.exchange = (struct exchange){.context = &codes[i], .send = bare_reply};
		assert_int_equal(i == 0 ? call(world, 1, 1) : resume(world, 1), ERR_MISMATCH);
		assert_true(world->session.has_pending);
	}
}

static void test_nothing_is_sent_that_is_not_on_disk(void **state)
{
	struct world *world = *state;
	world->broker.save_err = ERR_DISK_FULL;
	assert_int_equal(call(world, 1, 3), ERR_DISK_FULL);
	assert_int_equal(world->broker.received, 0);
	assert_false(world->session.has_pending);
	world->broker.save_err = ERR_OK;
	assert_int_equal(call(world, 1, 1), ERR_OK);
	expect_done(world, 1);
}

static void test_what_cannot_be_sent_is_not_kept(void **state)
{
	struct world *world = *state;
	struct lane_request request;
	static uint8_t paper[MESSAGE_MAX];
	struct slice papers[] = {SLICE_ARRAY(paper)};
	lane_request_init(&request, 99);
	request.request.papers = papers;
	request.request.paper_count = 1;
	assert_int_equal(session_call(&world->session, &request.request, 1, &world->arena, &world->answer, NULL),
			 ERR_TOO_LARGE);
	assert_int_equal(world->broker.saves, 0);
	assert_int_equal(call(world, 1, 1), ERR_OK);
	expect_done(world, 1);
}

/* ---- what is on disk ---- */

static enum err open_other(struct world *world, const struct secret_key *key, uint32_t lane)
{
	struct session session;
	struct fault fault = {0};
	enum err err = session_open(&session, key, lane, lane_broker_exchange(&world->broker),
				    lane_broker_memory(&world->broker), &fault);
	if (err == ERR_OK)
		session_close(&session);
	else
		assert_non_null(strstr(fault.text, "lane"));
	return err;
}

static void test_memory_opens_with_its_key_and_lane_alone(void **state)
{
	struct world *world = *state;
	struct secret_key other = test_seed_key("example.org/formula/controller", 8);
	assert_int_equal(call(world, 1, 1), ERR_OK);
	assert_int_equal(open_other(world, &world->key, LANE), ERR_OK);
	assert_int_equal(open_other(world, &other, LANE), ERR_CORRUPT);
	assert_int_equal(open_other(world, &world->key, LANE + 1), ERR_CORRUPT);
	secret_key_fini(&other);
}

static void test_damaged_memory_is_refused(void **state)
{
	struct world *world = *state;
	struct bytes *disk = &world->broker.disk;
	assert_int_equal(call(world, 1, 1), ERR_OK);
	for (size_t i = 0; i < disk->length; i += 7) {
		disk->data[i] ^= 0x10;
		assert_int_equal(open_other(world, &world->key, LANE), ERR_CORRUPT);
		disk->data[i] ^= 0x10;
	}
	size_t length = disk->length;
	for (disk->length = 0; disk->length < length; disk->length += 13)
		assert_int_equal(open_other(world, &world->key, LANE), ERR_CORRUPT);
}

static bool contains(struct slice all, struct slice part)
{
	return memmem(all.data, all.length, part.data, part.length) != NULL;
}

static void test_memory_shows_nothing_of_a_request(void **state)
{
	struct world *world = *state;
	static const uint8_t number[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	SET_FATES(world, FATE_REQUEST_LOST);
	assert_int_equal(call(world, 0x1122334455667788, 1), ERR_NETWORK);
	assert_true(contains(bytes_slice(&world->session.pending), SLICE_ARRAY(number)));
	assert_true(contains(bytes_slice(&world->session.pending), slice_text("controller")));
	assert_false(contains(bytes_slice(&world->broker.disk), SLICE_ARRAY(number)));
	assert_false(contains(bytes_slice(&world->broker.disk), slice_text("controller")));
}

static void test_files_are_private_and_one_a_lane(void **state)
{
	struct world *world = *state;
	char folder[SCRATCH_MAX];
	char path[300];
	struct session session;
	struct lane_request request;
	struct stat status;
	scratch_new(folder);
	snprintf(path, sizeof(path), "%s/lane-%d", folder, 5);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(session_open(&session, &world->key, 5, lane_broker_exchange(&world->broker),
					      session_files(folder), NULL),
				 ERR_OK);
		assert_int_equal(session.sequence, round);
		assert_int_equal(session_call(&session, lane_request_init(&request, 1 + (uint64_t)round), 1,
					      &world->arena, &world->answer, NULL),
				 ERR_OK);
		session_close(&session);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
	expect_done(world, 2);
	scratch_remove(folder);
}

/* ---- every allocation and disk call failing once ---- */

/* The answer to the one request, as the broker gave it; the same request gets it every time, being signed by
 * Ed25519. */
struct canned {
	const struct secret_key *key;
	struct bytes reply;
	char folder[SCRATCH_MAX];
};

static enum err send_canned(void *context, struct slice message, struct bytes *ret_reply)
{
	const struct canned *canned = context;
	(void)message;
	return bytes_append(ret_reply, bytes_slice(&canned->reply));
}

static enum err call_canned(void *context)
{
	struct canned *canned = context;
	struct session session;
	struct session_answer answer;
	struct lane_request request;
	char path[300];
	snprintf(path, sizeof(path), "%s/lane-0", canned->folder);
	remove(path);
	CLEANUP(arena_fini) struct arena arena;
	arena_init(&arena, REQUEST_ARENA_MAX);
	struct exchange exchange = {.context = canned, .send = send_canned};
	TRY(session_open(&session, canned->key, 0, exchange, session_files(canned->folder), NULL));
	enum err err = session_call(&session, lane_request_init(&request, 1), 1, &arena, &answer, NULL);
	/* Whatever failed, asking again gives the answer. */
	enum err again = session.has_pending ? session_resume(&session, 1, &arena, &answer, NULL) : err;
	session.is_unsaved = false; /* what session_close saves may fail unseen */
	session_close(&session);
	return again == ERR_OK || err == again ? err : ERR_FINDING;
}

static void test_failures_are_told(void **state)
{
	struct world *world = *state;
	struct canned canned = {.key = &world->key};
	world->session.lane = 0;
	assert_int_equal(call(world, 1, 1), ERR_OK);
	bytes_init(&canned.reply, MESSAGE_MAX);
	assert_int_equal(bytes_append(&canned.reply, bytes_slice(&world->broker.reply)), ERR_OK);
	scratch_new(canned.folder);
	fail_sweep(FAIL_MEMORY, call_canned, &canned);
	scratch_remove(canned.folder);
	bytes_fini(&canned.reply);
}

/* ---- everything at once ---- */

/* One request and what becomes of it, through faults and crashes, until its outcome is known. True: executed. */
static bool see_through(struct world *world, struct random *random, uint64_t number)
{
	enum err err = call(world, number, 1 + (unsigned)random_below(random, 3));
	while (world->session.has_pending) {
		if (random_below(random, 4) == 0)
			crash(world);
		err = resume(world, 1 + (unsigned)random_below(random, 3));
	}
	return err == ERR_OK && world->answer.reply->code == ERR_OK;
}

static void live(struct world *world, uint64_t seed)
{
	struct random random = {.state = seed};
	world->broker.random = &random;
	for (uint64_t number = 1; number <= 60; number++) {
		arena_reset(&world->arena);
		bool is_executed = see_through(world, &random, number);
		if (is_executed != lane_broker_has_executed(&world->broker, number))
			fail_msg("seed %llu: request %llu was %sexecuted, the lane says otherwise",
				 (unsigned long long)seed, (unsigned long long)number, is_executed ? "not " : "");
		if (random_below(&random, 5) == 0) {
			crash(world);
			if (world->session.has_pending)
				(void)!resume(world, 20);
		}
		if (world->session.has_pending)
			return; /* twenty failures in a row */
	}
	for (size_t i = 1; i < world->broker.executed_count; i++)
		assert_true(world->broker.executed[i - 1] < world->broker.executed[i]);
	assert_int_equal(world->broker.bad_acknowledgements, 0);
	assert_int_equal(world->broker.reused, 0);
}

static void test_faults_and_crashes_lose_and_double_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		void *world = NULL;
		assert_int_equal(make(&world), 0);
		live(world, seed);
		drop(&world);
	}
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_each_request_acknowledges_the_entry_before),
		WITH_WORLD(test_a_request_is_on_disk_before_it_leaves),
		WITH_WORLD(test_lost_requests_and_replies_are_tried_again),
		WITH_WORLD(test_an_unknown_outcome_must_be_resumed),
		WITH_WORLD(test_a_crash_after_the_reply_gives_the_same_reply_again),
		WITH_WORLD(test_close_leaves_nothing_to_resume),
		WITH_WORLD(test_a_refusal_without_entry_uses_no_number),
		WITH_WORLD(test_a_refusal_with_entry_uses_the_number),
		WITH_WORLD(test_a_doubtful_refusal_stays_pending),
		WITH_WORLD(test_a_doubtful_refusal_ends_when_every_try_is_answered),
		WITH_WORLD(test_busy_is_tried_again_after_a_pause),
		WITH_WORLD(test_busy_says_nothing_of_an_earlier_copy),
		WITH_WORLD(test_a_broker_with_its_clock_set_back_is_asked_again_later),
		WITH_WORLD(test_another_programs_lane_is_named),
		WITH_WORLD(test_adopt_goes_on_from_the_brokers_number),
		WITH_WORLD(test_a_garbled_answer_is_not_believed),
		WITH_WORLD(test_an_answer_about_another_request_is_not_believed),
		WITH_WORLD(test_an_answer_without_entry_or_reason_is_not_believed),
		WITH_WORLD(test_nothing_is_sent_that_is_not_on_disk),
		WITH_WORLD(test_what_cannot_be_sent_is_not_kept),
		WITH_WORLD(test_memory_opens_with_its_key_and_lane_alone),
		WITH_WORLD(test_damaged_memory_is_refused),
		WITH_WORLD(test_memory_shows_nothing_of_a_request),
		WITH_WORLD(test_files_are_private_and_one_a_lane),
		WITH_WORLD(test_failures_are_told),
		cmocka_unit_test(test_faults_and_crashes_lose_and_double_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
