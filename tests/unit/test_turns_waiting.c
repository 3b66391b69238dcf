/* Long polls through the server with real sockets: woken by news, ended by time, connection or the end, and nothing
 * taken from those who work. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "kluis/limits.h"
#include "kluis/link.h"
#include "scratch.h"

#define LONG_MS "30000" /* a wait that no test sits out */

/* One who waits, in a thread and on a connection of its own. */
struct watcher {
	struct link *link;
	const char *text;
	enum err err;
	uint64_t answered_ms;
	pthread_t thread;
};

static void *run_watcher(void *argument)
{
	struct watcher *watcher = argument;
	watcher->err = fake_ask(watcher->link, watcher->text);
	watcher->answered_ms = clock_steady_ms();
	return NULL;
}

/* Returns when the server has prepared it. */
static void start(struct fake_place *place, struct watcher *watcher, const char *text)
{
	unsigned before = fake_core_count(&place->server.core, &place->server.core.prepared);
	watcher->text = text;
	watcher->link = fake_connect(&place->server);
	assert_int_equal(pthread_create(&watcher->thread, NULL, run_watcher, watcher), 0);
	assert_true(fake_core_wait(&place->server.core, &place->server.core.prepared, before + 1));
}

static void join(struct watcher *watcher)
{
	assert_int_equal(pthread_join(watcher->thread, NULL), 0);
	link_close(&watcher->link);
}

/* On one connection, closed when all is over: nng 1.5.2 may never give back a connection over TLS that is closed while
 * an answer is written out, and the more are closed the likelier that is. */
static void ask(struct fake_place *place, const char *text)
{
	if (place->link == NULL)
		place->link = fake_connect(&place->server);
	assert_int_equal(fake_ask(place->link, text), ERR_OK);
}

static void test_news_is_answered_at_once(void **state)
{
	struct fake_place *place = *state;
	struct watcher mine = {0}, others = {0}, all = {0};
	struct link *link = fake_connect(&place->server);
	start(place, &mine, "w12:0:" LONG_MS);
	start(place, &others, "w13:0:" LONG_MS);
	start(place, &all, "W14:0:" LONG_MS);
	assert_int_equal(fake_ask(link, "c"), ERR_OK); /* news for nobody */
	unsigned prepared = fake_core_count(&place->server.core, &place->server.core.prepared);
	uint64_t told_ms = clock_steady_ms();
	assert_int_equal(fake_ask(link, "n12"), ERR_OK);
	join(&mine);
	assert_int_equal(mine.err, ERR_OK);
	assert_true(mine.answered_ms - told_ms < 2000);
	/* the commit and the one who was concerned: nobody else was woken */
	assert_int_equal(fake_core_count(&place->server.core, &place->server.core.prepared), prepared + 2);
	assert_int_equal(fake_ask(link, "na"), ERR_OK);
	join(&all);
	assert_int_equal(all.err, ERR_OK);
	assert_int_equal(fake_core_count(&place->server.core, &place->server.core.prepared), prepared + 4);
	assert_int_equal(fake_ask(link, "n*"), ERR_OK);
	join(&others);
	assert_int_equal(others.err, ERR_OK);
	link_close(&link);
}

static void test_the_time_is_up(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	uint64_t began_ms = clock_steady_ms();
	assert_int_equal(fake_ask(link, "w12:0:300"), ERR_OK);
	assert_true(clock_steady_ms() - began_ms >= 300);
	assert_true(clock_steady_ms() - began_ms < 10000);
	/* and it holds nothing any more */
	assert_int_equal(fake_ask(link, "c"), ERR_OK);
	link_close(&link);
}

/* When the clock makes another answer it is looked at again, and waits on if there is none. */
static void test_the_clock_is_looked_at(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	place->server.core.change_ms = 100;
	uint64_t began_ms = clock_steady_ms();
	unsigned before = fake_core_count(&place->server.core, &place->server.core.prepared);
	assert_int_equal(fake_ask(link, "w12:0:350"), ERR_OK);
	assert_true(clock_steady_ms() - began_ms >= 350);
	unsigned looks = fake_core_count(&place->server.core, &place->server.core.prepared) - before;
	assert_in_range(looks, 3, 5); /* at once, every 100 ms, at the end */
	place->server.core.change_ms = 0;
	link_close(&link);
}

/* The one that it knew of at last does not wait. */
static void test_what_is_known_already_does_not_end_the_wait(void **state)
{
	struct fake_place *place = *state;
	struct watcher watcher = {0};
	ask(place, "n12");
	ask(place, "w12:0:" LONG_MS); /* there is one that it does not know */
	start(place, &watcher, "w12:1:" LONG_MS);
	clock_sleep_ms(50);
	assert_int_equal(watcher.answered_ms, 0);
	ask(place, "n12");
	join(&watcher);
	assert_int_equal(watcher.err, ERR_OK);
}

static void wait_for_commits(struct fake_place *place, unsigned commits)
{
	assert_true(fake_core_wait(&place->server.core, &place->server.core.commits, commits));
}

/* As many commits as there can be between preparing and parking: each wait ends by its own news. */
static void test_no_wake_up_is_lost(void **state)
{
	struct fake_place *place = *state;
	struct watcher watcher = {.link = fake_connect(&place->server)};
	for (unsigned round = 0; round < 200; round++) {
		char text[32];
		snprintf(text, sizeof(text), "w12:%u:" LONG_MS, round);
		watcher.text = text;
		assert_int_equal(pthread_create(&watcher.thread, NULL, run_watcher, &watcher), 0);
		ask(place, "n12");
		uint64_t told_ms = clock_steady_ms();
		assert_int_equal(pthread_join(watcher.thread, NULL), 0);
		assert_int_equal(watcher.err, ERR_OK);
		assert_true(watcher.answered_ms < told_ms + 20000);
	}
	wait_for_commits(place, 200);
	link_close(&watcher.link);
}

/* ---- many ---- */

#define CROWD 600 /* more than work at a time */

struct crowd {
	nng_socket sockets[CROWD];
};

/* Sends without waiting for answers, each on a connection of its own, over ipc: without a handshake each. */
static void send_without_waiting(nng_socket socket, const char *text)
{
	nng_msg *message;
	assert_int_equal(nng_msg_alloc(&message, 0), 0);
	assert_int_equal(nng_msg_append(message, text, strlen(text)), 0);
	assert_int_equal(nng_sendmsg(socket, message, 0), 0);
}

static void expect_answer(nng_socket socket, const char *text)
{
	nng_msg *message;
	assert_int_equal(nng_recvmsg(socket, &message, 0), 0);
	assert_true(slice_equal(SLICE(nng_msg_body(message), nng_msg_len(message)), slice_text(text)));
	nng_msg_free(message);
}

static void connect_crowd(struct fake_place *place, struct crowd *crowd)
{
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(nng_req0_open(&crowd->sockets[i]), 0);
		assert_int_equal(nng_socket_set_ms(crowd->sockets[i], NNG_OPT_RECVTIMEO, FAKE_PATIENCE_MS), 0);
		assert_int_equal(nng_dial(crowd->sockets[i], place->server.ipc_address, NULL, 0), 0);
	}
}

static void close_crowd(struct crowd *crowd)
{
	for (size_t i = 0; i < CROWD; i++)
		nng_close(crowd->sockets[i]);
}

/* More wait than requests may be worked on: others are served all the same, and all are answered by one commit. */
static void test_a_crowd_that_waits_takes_nobodys_place(void **state)
{
	struct fake_place *place = *state;
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	connect_crowd(place, crowd);
	for (size_t i = 0; i < CROWD; i++)
		send_without_waiting(crowd->sockets[i], "w12:0:" LONG_MS);
	assert_true(fake_core_wait(&place->server.core, &place->server.core.prepared, CROWD));
	for (int i = 0; i < 20; i++)
		ask(place, "c");
	uint64_t told_ms = clock_steady_ms();
	ask(place, "n12");
	for (size_t i = 0; i < CROWD; i++)
		expect_answer(crowd->sockets[i], "w12:0:" LONG_MS);
	print_message("%d woken and answered in %llu ms\n", CROWD, (unsigned long long)(clock_steady_ms() - told_ms));
	/* the places are there again */
	for (size_t i = 0; i < CROWD; i++)
		send_without_waiting(crowd->sockets[i], "c");
	for (size_t i = 0; i < CROWD; i++)
		expect_answer(crowd->sockets[i], "c");
	close_crowd(crowd);
	free(crowd);
}

/* Connections that go leave no place taken: prepared requests are freed, and as many may wait again. */
static void test_a_connection_that_goes_leaves_its_place(void **state)
{
	struct fake_place *place = *state;
	for (int round = 0; round < 3; round++) {
		struct crowd *crowd = calloc(1, sizeof(*crowd));
		unsigned before = fake_core_count(&place->server.core, &place->server.core.prepared);
		connect_crowd(place, crowd);
		for (size_t i = 0; i < CROWD; i++)
			send_without_waiting(crowd->sockets[i], "w12:0:" LONG_MS);
		assert_true(fake_core_wait(&place->server.core, &place->server.core.prepared, before + CROWD));
		close_crowd(crowd);
		free(crowd);
	}
	ask(place, "c");
}

static void test_a_connection_may_have_few_that_wait(void **state)
{
	struct fake_place *place = *state;
	nng_socket socket;
	nng_ctx contexts[PARKED_PER_PIPE + 1];
	nng_aio *aios[PARKED_PER_PIPE + 1];
	assert_int_equal(nng_req0_open(&socket), 0);
	assert_int_equal(nng_dial(socket, place->server.ipc_address, NULL, 0), 0);
	for (unsigned i = 0; i <= PARKED_PER_PIPE; i++) {
		nng_msg *message;
		assert_int_equal(nng_ctx_open(&contexts[i], socket), 0);
		assert_int_equal(nng_aio_alloc(&aios[i], NULL, NULL), 0);
		assert_int_equal(nng_msg_alloc(&message, 0), 0);
		assert_int_equal(nng_msg_append(message, "w12:0:" LONG_MS, strlen("w12:0:" LONG_MS)), 0);
		nng_aio_set_msg(aios[i], message);
		nng_ctx_send(contexts[i], aios[i]);
		nng_aio_wait(aios[i]);
		assert_int_equal(nng_aio_result(aios[i]), 0);
		assert_true(fake_core_wait(&place->server.core, &place->server.core.prepared, i + 1));
	}
	/* the last one is told to come again */
	nng_ctx_recv(contexts[PARKED_PER_PIPE], aios[PARKED_PER_PIPE]);
	nng_aio_wait(aios[PARKED_PER_PIPE]);
	assert_int_equal(nng_aio_result(aios[PARKED_PER_PIPE]), 0);
	nng_msg *busy = nng_aio_get_msg(aios[PARKED_PER_PIPE]);
	static const uint8_t expected[] = {0x08, ERR_BUSY};
	assert_true(slice_equal(SLICE(nng_msg_body(busy), nng_msg_len(busy)), SLICE_ARRAY(expected)));
	nng_msg_free(busy);
	for (unsigned i = 0; i <= PARKED_PER_PIPE; i++) {
		nng_aio_free(aios[i]);
		nng_ctx_close(contexts[i]);
	}
	nng_close(socket);
}

/* A few connections only: nng 1.5.2 may not come to an end when many are closed on both sides at once (server.c). */
static void test_the_end_does_not_wait_for_who_waits(void **state)
{
	struct fake_place *place = *state;
	nng_socket sockets[8];
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(nng_req0_open(&sockets[i]), 0);
		assert_int_equal(nng_socket_set_ms(sockets[i], NNG_OPT_RECONNMINT, 60000), 0);
		assert_int_equal(nng_dial(sockets[i], place->server.ipc_address, NULL, 0), 0);
		send_without_waiting(sockets[i], "w12:0:" LONG_MS);
	}
	assert_true(fake_core_wait(&place->server.core, &place->server.core.prepared, 8));
	uint64_t began_ms = clock_steady_ms();
	server_close(&place->server.server);
	assert_true(clock_steady_ms() - began_ms < 10000);
	for (size_t i = 0; i < 8; i++)
		nng_close(sockets[i]);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, fake_place_set_up, fake_place_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_news_is_answered_at_once),
		WITH_PLACE(test_the_time_is_up),
		WITH_PLACE(test_the_clock_is_looked_at),
		WITH_PLACE(test_what_is_known_already_does_not_end_the_wait),
		WITH_PLACE(test_no_wake_up_is_lost),
		WITH_PLACE(test_a_crowd_that_waits_takes_nobodys_place),
		WITH_PLACE(test_a_connection_that_goes_leaves_its_place),
		WITH_PLACE(test_a_connection_may_have_few_that_wait),
		WITH_PLACE(test_the_end_does_not_wait_for_who_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
