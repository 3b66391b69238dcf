/*
 * The loops of the daemon's threads: what they do after what, and that they never spin. Link, keeper, courier and
 * cosigner are here and come to what they are told (--wrap, tests.cmake).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/clock.h"
#include "run/daemon_internal.h"

#define PATIENCE_MS 20000 /* for what comes soon on an idle machine */

static struct daemon *files;
static pthread_t thread;
static struct agreement agreement;

/* What the parts come to from now on, and how often each was asked. */
static struct {
	_Atomic bool is_away, is_rotation_due, is_key_unsure;
	_Atomic enum keeper_result keeper;
	_Atomic enum courier_result courier;
	_Atomic enum err cosigner;
	_Atomic unsigned more; /* the next so many steps of either come to MORE */
	_Atomic unsigned waits, keeps, carries, cosigns, registrations, turns;
} fake;

/* ---- the parts ---- */

bool __wrap_link_wait(struct link *link, uint64_t timeout_ms);
bool __wrap_link_wait(struct link *link, uint64_t timeout_ms)
{
	(void)link, (void)timeout_ms;
	fake.waits++;
	if (fake.is_away)
		clock_sleep_ms(5);
	return !fake.is_away;
}

enum keeper_result __wrap_keeper_step(struct keeper *keeper, struct fault *fault);
enum keeper_result __wrap_keeper_step(struct keeper *keeper, struct fault *fault)
{
	(void)keeper, (void)fault;
	fake.keeps++;
	if (fake.more == 0)
		return fake.keeper;
	fake.more--;
	return KEEPER_MORE;
}

enum courier_result __wrap_courier_step(struct courier *courier, struct fault *fault);
enum courier_result __wrap_courier_step(struct courier *courier, struct fault *fault)
{
	(void)courier, (void)fault;
	fake.carries++;
	if (fake.more == 0)
		return fake.courier;
	fake.more--;
	return COURIER_MORE;
}

enum err __wrap_cosigner_step(const struct cosigner_options *options, struct fault *fault);
enum err __wrap_cosigner_step(const struct cosigner_options *options, struct fault *fault)
{
	(void)options, (void)fault;
	fake.cosigns++;
	return fake.cosigner;
}

enum err __wrap_office_witness(struct office *office, const struct secret_key *witness, struct fault *fault);
enum err __wrap_office_witness(struct office *office, const struct secret_key *witness, struct fault *fault)
{
	(void)office, (void)witness, (void)fault;
	fake.registrations++;
	return ERR_OK;
}

struct exchange __wrap_channel_exchange(struct channel *channel);
struct exchange __wrap_channel_exchange(struct channel *channel)
{
	return (struct exchange){.context = channel};
}

bool __wrap_daemon_is_rotation_due(struct daemon *daemon);
bool __wrap_daemon_is_rotation_due(struct daemon *daemon)
{
	(void)daemon;
	return fake.is_rotation_due;
}

bool __wrap_daemon_turn_key(struct daemon *daemon);
bool __wrap_daemon_turn_key(struct daemon *daemon)
{
	(void)daemon;
	fake.turns++;
	fake.is_rotation_due = fake.is_key_unsure;
	return !fake.is_key_unsure;
}

/* ---- running them ---- */

static int set_up(void **state)
{
	pthread_condattr_t attributes;

	(void)state;
	memset(&fake, 0, sizeof fake);
	files = calloc(1, sizeof *files);
	assert_non_null(files);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&files->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&files->mutex, NULL);
	assert_int_equal(sluice_init(&files->sluice), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sluice_fini(&files->sluice);
	pthread_mutex_destroy(&files->mutex);
	pthread_cond_destroy(&files->woken);
	free(files);
	return 0;
}

static uint64_t started_ms;

static void start(void *(*loop)(void *))
{
	started_ms = clock_steady_ms();
	assert_int_equal(pthread_create(&thread, NULL, loop, files), 0);
}

/* Whatever it waits for, it ends at once: nothing waits longer than a tenth of the longest pause. */
static void stop(void)
{
	uint64_t began_ms = clock_steady_ms();

	pthread_mutex_lock(&files->mutex);
	files->is_stopping = true;
	pthread_cond_broadcast(&files->woken);
	pthread_mutex_unlock(&files->mutex);
	pthread_join(thread, NULL);
	assert_true(clock_steady_ms() - began_ms < 3000);
}

static void await(const _Atomic unsigned *count, unsigned least)
{
	for (uint64_t began_ms = clock_steady_ms(); clock_steady_ms() - began_ms < PATIENCE_MS && *count < least;)
		clock_sleep_ms(1);
	assert_true(*count >= least);
}

/* ---- how often at the most ---- */

/* Since started_ms, with pauses of at least first_ms, twice that, four times that ...: the most steps that there can
 * have been. count is looked at before the clock. */
static void check_growing(unsigned count, uint64_t first_ms)
{
	uint64_t elapsed_ms = clock_steady_ms() - started_ms, at_ms = first_ms;
	unsigned most = 1;

	for (uint64_t pause_ms = first_ms; at_ms <= elapsed_ms; most++)
		at_ms += pause_ms = 2 * pause_ms;
	assert_in_range(count, 1, most);
}

/* The same with pauses of that length. */
static void check_even(unsigned count, uint64_t pause_ms)
{
	assert_in_range(count, 1, (clock_steady_ms() - started_ms) / pause_ms + 1);
}

/* ---- the keeper ---- */

static void test_keeper_that_fails_pauses_longer_each_time(void **state)
{
	static const enum keeper_result failures[] = {KEEPER_AWAY, KEEPER_REFUSED, KEEPER_ALARM};

	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		fake.keeps = 0;
		files->is_stopping = false;
		fake.keeper = failures[i];
		start(daemon_keep);
		await(&fake.keeps, 2);
		clock_sleep_ms(1000);
		check_growing(fake.keeps, 100);
		stop();
	}
}

static void test_keeper_goes_on_at_once_while_there_is_more(void **state)
{
	uint64_t began_ms = clock_steady_ms();

	(void)state;
	fake.more = 2000;
	fake.keeper = KEEPER_AWAY;
	start(daemon_keep);
	await(&fake.keeps, 2001);
	assert_true(clock_steady_ms() - began_ms < PATIENCE_MS);
	stop();
}

/* A broker that answers each watch at once has it asked five times a second. */
static void test_keeper_that_is_current_does_not_spin(void **state)
{
	(void)state;
	fake.keeper = KEEPER_CURRENT;
	start(daemon_keep);
	clock_sleep_ms(700);
	check_even(fake.keeps, 200);
	stop();
}

static void test_nothing_is_tried_without_a_link(void **state)
{
	(void)state;
	fake.is_away = true;
	start(daemon_keep);
	await(&fake.waits, 10);
	assert_int_equal(fake.keeps, 0);
	assert_true(files->keeper_shown_ms != 0); /* alive all the same */
	fake.keeper = KEEPER_AWAY;
	fake.is_away = false;
	await(&fake.keeps, 1);
	stop();
	files->is_stopping = false;
	fake.is_away = true;
	fake.waits = 0;
	start(daemon_carry);
	await(&fake.waits, 10);
	assert_int_equal(fake.carries, 0);
	assert_true(files->courier_shown_ms != 0);
	stop();
}

/* ---- the key ---- */

static void test_nothing_else_while_the_key_is_replaced(void **state)
{
	(void)state;
	fake.is_rotation_due = fake.is_key_unsure = true;
	fake.keeper = KEEPER_AWAY;
	start(daemon_keep);
	await(&fake.turns, 2);
	check_growing(fake.turns, 200);
	assert_int_equal(fake.keeps, 0);
	fake.is_key_unsure = false;
	await(&fake.keeps, 1);
	stop();
}

/* ---- the witness ---- */

static void test_witness_in_its_time(void **state)
{
	(void)state;
	fake.more = 100;
	fake.keeper = KEEPER_AWAY;
	start(daemon_keep); /* no witness by its configuration */
	await(&fake.keeps, 101);
	stop();
	files->is_stopping = false;
	files->config.is_witness = true;
	files->config.witness_every_ms = 3600000;
	fake.more = 100;
	fake.keeps = 0;
	start(daemon_keep); /* nor before there is an agreement */
	await(&fake.keeps, 101);
	stop();
	assert_int_equal(fake.cosigns, 0);
	files->is_stopping = false;
	files->shop.agreement = &agreement;
	fake.more = 100;
	fake.keeps = 0;
	start(daemon_keep);
	await(&fake.keeps, 101);
	stop();
	assert_int_equal(fake.cosigns, 1);
	assert_int_equal(fake.registrations, 1);
}

/* A key that the broker does not know is registered again. */
static void test_witness_that_was_forgotten(void **state)
{
	(void)state;
	files->config.is_witness = true;
	files->config.witness_every_ms = 1;
	files->shop.agreement = &agreement;
	fake.keeper = KEEPER_CURRENT;
	start(daemon_keep);
	await(&fake.cosigns, 3);
	assert_int_equal(fake.registrations, 1);
	fake.cosigner = ERR_NOT_FOUND;
	await(&fake.registrations, 2);
	stop();
}

/* ---- the courier ---- */

static void test_courier_sleeps_until_it_is_woken(void **state)
{
	(void)state;
	fake.courier = COURIER_IDLE;
	start(daemon_carry);
	await(&fake.carries, 1);
	clock_sleep_ms(300);
	check_even(fake.carries, 1000);
	unsigned before = fake.carries;
	uint64_t began_ms = clock_steady_ms();
	for (unsigned i = 1; i <= 10; i++) {
		daemon_wake_courier(files);
		await(&fake.carries, before + i);
	}
	assert_true(clock_steady_ms() - began_ms < 5000); /* ten seconds without being woken */
	before = fake.carries;
	await(&fake.carries, before + 1);
	stop();
}

static void test_courier_that_fails_pauses(void **state)
{
	(void)state;
	fake.courier = COURIER_REFUSED;
	start(daemon_carry);
	clock_sleep_ms(1000);
	check_growing(fake.carries, 200);
	stop();
	/* also while somebody waits for the keeper to replace the key */
	files->is_stopping = false;
	files->rotation.asked = 1;
	fake.carries = 0;
	start(daemon_carry);
	clock_sleep_ms(500);
	check_growing(fake.carries, 200);
	stop();
	files->is_stopping = false;
	fake.carries = 0;
	fake.more = 1000;
	start(daemon_carry);
	await(&fake.carries, 1001);
	stop();
}

static void test_courier_waits_while_the_key_is_replaced(void **state)
{
	(void)state;
	fake.courier = COURIER_IDLE;
	sluice_close(&files->sluice);
	start(daemon_carry);
	await(&fake.waits, 1);
	clock_sleep_ms(200);
	assert_int_equal(fake.carries, 0);
	sluice_open(&files->sluice);
	await(&fake.carries, 1);
	sluice_close(&files->sluice); /* it has left */
	sluice_end(&files->sluice);
	stop();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keeper_that_fails_pauses_longer_each_time),
		TEST(test_keeper_goes_on_at_once_while_there_is_more),
		TEST(test_keeper_that_is_current_does_not_spin),
		TEST(test_nothing_is_tried_without_a_link),
		TEST(test_nothing_else_while_the_key_is_replaced),
		TEST(test_witness_in_its_time),
		TEST(test_witness_that_was_forgotten),
		TEST(test_courier_sleeps_until_it_is_woken),
		TEST(test_courier_that_fails_pauses),
		TEST(test_courier_waits_while_the_key_is_replaced),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
