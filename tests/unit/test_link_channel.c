/* Several conversations over one connection: none waits for another, each failure ends the waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "scratch.h"

struct place {
	char folder[SCRATCH_MAX];
	struct fake_server server;
	struct link *link;
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct fault fault = {0};
	scratch_new(place->folder);
	fake_core_init(&place->server.core);
	fake_server_start(&place->server, place->folder);
	if (link_open_lasting(place->server.tls_address, (const char *)place->server.identity.certificate.data,
			      &place->link, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
	assert_true(link_wait(place->link, FAKE_PATIENCE_MS));
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	link_close(&place->link);
	fake_server_stop(&place->server);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static enum err ask(struct channel *channel, const char *text)
{
	struct bytes reply;
	struct exchange exchange = channel_exchange(channel);
	bytes_init(&reply, 100);
	enum err err = exchange.send(exchange.context, slice_text(text), &reply);
	if (err == ERR_OK && !slice_equal(bytes_slice(&reply), slice_text(text)))
		err = ERR_MISMATCH;
	if (err != ERR_OK)
		assert_int_equal(reply.length, 0);
	bytes_fini(&reply);
	return err;
}

static struct channel *open_channel(struct place *place, uint64_t timeout_ms)
{
	struct channel *channel = NULL;
	assert_int_equal(channel_open(place->link, timeout_ms, &channel), ERR_OK);
	return channel;
}

struct waiter {
	pthread_t thread;
	struct channel *channel;
	const char *text;
	enum err err;
};

static void *wait_thread(void *argument)
{
	struct waiter *waiter = argument;
	waiter->err = ask(waiter->channel, waiter->text);
	return NULL;
}

/* Returns when the core has the question. */
static void start_waiting(struct place *place, struct waiter *waiter)
{
	struct core *core = &place->server.core;
	unsigned prepared = fake_core_count(core, &core->prepared);
	waiter->text = "c held";
	pthread_create(&waiter->thread, NULL, wait_thread, waiter);
	assert_true(fake_core_wait(core, &core->prepared, prepared + 1));
}

static enum err end_waiting(struct waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
	return waiter->err;
}

/* Late answers arrive before the link closes: nng 1.5.2 may not get a connection back that closes while it writes to
 * it, and here the broker's end is in the same process. */
static void let_answers_arrive(struct place *place, unsigned count)
{
	struct core *core = &place->server.core;
	fake_core_release(core);
	assert_true(fake_core_wait(core, &core->committed, count));
	clock_sleep_ms(100);
}

static void test_channels_do_not_wait_for_each_other(void **state)
{
	struct place *place = *state;
	struct waiter slow = {.channel = open_channel(place, FAKE_PATIENCE_MS)};
	struct channel *quick = open_channel(place, FAKE_PATIENCE_MS);
	fake_core_hold(&place->server.core);
	start_waiting(place, &slow);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(quick, "a quick"), ERR_OK);
	fake_core_release(&place->server.core);
	assert_int_equal(end_waiting(&slow), ERR_OK);
	assert_int_equal(link_connections(place->link), 1);
	channel_close(&slow.channel);
	channel_close(&quick);
}

static void test_interrupt_ends_one_exchange_alone(void **state)
{
	struct place *place = *state;
	struct waiter one = {.channel = open_channel(place, FAKE_PATIENCE_MS)};
	struct waiter other = {.channel = open_channel(place, FAKE_PATIENCE_MS)};
	fake_core_hold(&place->server.core);
	start_waiting(place, &one);
	start_waiting(place, &other);
	channel_interrupt(one.channel);
	assert_int_equal(end_waiting(&one), ERR_NETWORK);
	fake_core_release(&place->server.core);
	assert_int_equal(end_waiting(&other), ERR_OK);
	/* The late answer is not taken for this one's. */
	assert_int_equal(ask(one.channel, "a again"), ERR_OK);
	channel_interrupt(one.channel);
	assert_int_equal(ask(one.channel, "a once more"), ERR_OK);
	channel_close(&one.channel);
	channel_close(&other.channel);
}

static void test_stop_ends_all_exchanges(void **state)
{
	struct place *place = *state;
	struct waiter one = {.channel = open_channel(place, FAKE_PATIENCE_MS)};
	struct waiter other = {.channel = open_channel(place, FAKE_PATIENCE_MS)};
	fake_core_hold(&place->server.core);
	start_waiting(place, &one);
	start_waiting(place, &other);
	link_stop(place->link);
	assert_int_equal(end_waiting(&one), ERR_NETWORK);
	assert_int_equal(end_waiting(&other), ERR_NETWORK);
	assert_int_equal(ask(one.channel, "a"), ERR_NETWORK);
	let_answers_arrive(place, 2);
	channel_close(&one.channel);
	channel_close(&other.channel);
}

static void test_timeout_is_the_exchanges_own(void **state)
{
	struct place *place = *state;
	struct channel *hasty = open_channel(place, 100);
	struct channel *patient = open_channel(place, FAKE_PATIENCE_MS);
	fake_core_hold(&place->server.core);
	assert_int_equal(ask(hasty, "c"), ERR_TIMEOUT);
	assert_int_equal(ask(patient, "a"), ERR_OK);
	let_answers_arrive(place, 1);
	/* one late answer is no reason to give the connection up */
	assert_int_equal(link_connections(place->link), 1);
	channel_close(&hasty);
	channel_close(&patient);
}

/* Nobody there any more, though TCP does not know it: dialled anew, and whoever waits learns it. */
static void test_silence_gives_the_connection_up(void **state)
{
	struct place *place = *state;
	struct waiter waiter = {.channel = open_channel(place, FAKE_PATIENCE_MS)};
	struct channel *hasty = open_channel(place, 50);
	fake_core_hold(&place->server.core);
	start_waiting(place, &waiter);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(hasty, "c"), ERR_TIMEOUT);
	assert_int_equal(end_waiting(&waiter), ERR_NETWORK);
	uint64_t until_ms = clock_steady_ms() + FAKE_PATIENCE_MS;
	while (link_connections(place->link) < 2 && clock_steady_ms() < until_ms)
		clock_sleep_ms(5);
	assert_int_equal(link_connections(place->link), 2);
	let_answers_arrive(place, 4);
	channel_close(&waiter.channel);
	channel_close(&hasty);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool is_at_gate;

static void wait_at_gate(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	(void)pipe, (void)event, (void)argument;
	is_at_gate = true;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void close_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	(void)event, (void)argument;
	nng_pipe_close(pipe);
}

/* Has nng's one thread that takes connections away wait, as that of 1.5.2 does for a connection that was closed between
 * two parts of a message. */
static void hold_up_nng(nng_socket sockets[2])
{
	pthread_mutex_lock(&gate);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(nng_pair0_open(&sockets[i]), 0);
	assert_int_equal(nng_pipe_notify(sockets[1], NNG_PIPE_EV_ADD_POST, close_pipe, NULL), 0);
	assert_int_equal(nng_pipe_notify(sockets[1], NNG_PIPE_EV_REM_POST, wait_at_gate, NULL), 0);
	assert_int_equal(nng_socket_set_ms(sockets[1], NNG_OPT_RECONNMINT, FAKE_PATIENCE_MS), 0);
	assert_int_equal(nng_listen(sockets[0], "inproc://gate", NULL, 0), 0);
	assert_int_equal(nng_dial(sockets[1], "inproc://gate", NULL, 0), 0);
	while (!is_at_gate)
		clock_sleep_ms(1);
}

static bool is_stuck_soon(struct place *place)
{
	uint64_t until_ms = clock_steady_ms() + FAKE_PATIENCE_MS;
	while (!link_is_stuck(place->link, 100) && clock_steady_ms() < until_ms)
		clock_sleep_ms(5);
	return link_is_stuck(place->link, 100);
}

/* The connection is given up, and nothing comes of it. */
static void test_a_connection_that_does_not_go(void **state)
{
	struct place *place = *state;
	struct channel *hasty = open_channel(place, 50);
	nng_socket sockets[2];
	hold_up_nng(sockets);
	fake_core_hold(&place->server.core);
	assert_int_equal(ask(hasty, "c"), ERR_TIMEOUT);
	assert_false(link_is_stuck(place->link, 0)); /* no reason to give it up yet */
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(hasty, "c"), ERR_TIMEOUT);
	assert_true(is_stuck_soon(place));
	assert_true(link_is_up(place->link));
	assert_false(link_is_stuck(place->link, FAKE_PATIENCE_MS));
	pthread_mutex_unlock(&gate);
	let_answers_arrive(place, 3);
	uint64_t until_ms = clock_steady_ms() + FAKE_PATIENCE_MS;
	while (link_connections(place->link) < 2 && clock_steady_ms() < until_ms)
		clock_sleep_ms(5);
	assert_int_equal(link_connections(place->link), 2);
	assert_false(link_is_stuck(place->link, 0));
	channel_close(&hasty);
	for (size_t i = 0; i < 2; i++)
		nng_close(sockets[i]);
}

static void test_send_keeps_the_limits(void **state)
{
	struct place *place = *state;
	struct channel *channel = open_channel(place, FAKE_PATIENCE_MS);
	struct exchange exchange = channel_exchange(channel);
	struct bytes reply;
	static uint8_t much[MESSAGE_MAX + 1];
	bytes_init(&reply, 4);
	assert_int_equal(exchange.send(exchange.context, SLICE_ARRAY(much), &reply), ERR_TOO_LARGE);
	assert_int_equal(exchange.send(exchange.context, slice_text("a longer"), &reply), ERR_TOO_LARGE);
	assert_int_equal(ask(channel, "t"), ERR_TOO_LARGE);
	assert_int_equal(ask(channel, "a"), ERR_OK);
	bytes_fini(&reply);
	channel_close(&channel);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_channels_do_not_wait_for_each_other),
		WITH_PLACE(test_interrupt_ends_one_exchange_alone),
		WITH_PLACE(test_stop_ends_all_exchanges),
		WITH_PLACE(test_timeout_is_the_exchanges_own),
		WITH_PLACE(test_silence_gives_the_connection_up),
		WITH_PLACE(test_a_connection_that_does_not_go),
		WITH_PLACE(test_send_keeps_the_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
