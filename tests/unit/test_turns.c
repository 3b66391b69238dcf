/* Requests through the server with real sockets: shared commits, both processors, hostile peers, a flood, the end. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_core.h"
#include "kluis/clock.h"
#include "kluis/limits.h"
#include "kluis/link.h"
#include "scratch.h"

static void expect_served(struct fake_place *place)
{
	struct link *link = fake_connect(&place->server);
	assert_int_equal(fake_ask(link, "c"), ERR_OK);
	link_close(&link);
}

/* ---- many at once ---- */

struct client {
	struct fake_place *place;
	const char *text;
	int rounds;
	enum err err;
	pthread_t thread;
};

static void *run_client(void *argument)
{
	struct client *client = argument;
	struct link *link = NULL;
	client->err =
		link_open(client->place->server.tls_address,
			  (const char *)client->place->server.identity.certificate.data, FAKE_PATIENCE_MS, &link, NULL);
	for (int i = 0; i < client->rounds && client->err == ERR_OK; i++)
		client->err = fake_ask(link, client->text);
	link_close(&link);
	return NULL;
}

static void start_clients(struct fake_place *place, struct client *clients, size_t count, const char *text, int rounds)
{
	for (size_t i = 0; i < count; i++) {
		clients[i] = (struct client){.place = place, .text = text, .rounds = rounds};
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
	}
}

static void join_clients(struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
}

static void test_what_waits_shares_a_commit(void **state)
{
	struct fake_place *place = *state;
	struct core *core = &place->server.core;
	struct client clients[8];
	fake_core_hold(core);
	start_clients(place, clients, 8, "c", 4);
	assert_true(fake_core_wait(core, &core->prepared, 8));
	fake_core_release(core);
	join_clients(clients, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(clients[i].err, ERR_OK);
	assert_int_equal(core->committed, 32);
	assert_true(core->commits < 32);
	assert_true(core->largest_batch > 1);
}

static void test_prepare_runs_on_both_processors(void **state)
{
	struct fake_place *place = *state;
	struct client clients[2];
	start_clients(place, clients, 2, "p", 1);
	join_clients(clients, 2);
	assert_int_equal(clients[0].err, ERR_OK);
	assert_int_equal(clients[1].err, ERR_OK);
	assert_int_equal(place->server.core.most_in_prepare, 2);
}

static void test_the_last_batch_gets_its_checkpoint_when_idle(void **state)
{
	struct fake_place *place = *state;
	struct core *core = &place->server.core;
	struct link *link = fake_connect(&place->server);
	assert_int_equal(fake_ask(link, "a"), ERR_OK);
	clock_sleep_ms(3 * CHECKPOINT_INTERVAL_MS);
	assert_int_equal(fake_core_count(core, &core->checkpoints), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(fake_ask(link, "c"), ERR_OK);
	assert_true(fake_core_wait(core, &core->committed_at_checkpoint, 5));
	assert_true(fake_core_count(core, &core->checkpoints) <= 6);
	link_close(&link);
}

static void test_a_failed_commit_is_answered(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	place->server.core.commit_err = ERR_DISK_FULL;
	assert_int_equal(fake_ask(link, "c"), ERR_OK); /* the fake's reply; a real core's says why */
	link_close(&link);
}

/* ---- hostile peers ---- */

static void test_garbage_closes_the_connection(void **state)
{
	struct fake_place *place = *state;
	struct link *link = fake_connect(&place->server);
	assert_int_equal(fake_ask(link, "a"), ERR_OK);
	for (int i = 1; i < BAD_MESSAGES_PER_PIPE; i++)
		assert_int_equal(fake_ask(link, "garbage"), ERR_OK);
	assert_int_equal(fake_ask(link, "garbage"), ERR_NETWORK);
	/* nng connects anew. */
	assert_int_equal(fake_ask(link, "a"), ERR_OK);
	link_close(&link);
}

static void push(int descriptor, const void *bytes, size_t length)
{
	assert_int_equal(send(descriptor, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* A connection to the control socket that speaks the SP protocol by hand (RFC of nanomsg: 0 "SP" 0, then the REQ
 * protocol's number 0x30). */
static int raw_ipc(const struct fake_place *place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/control.sock", place->folder);
	int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(descriptor >= 0);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	static const uint8_t header[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	push(descriptor, header, sizeof(header));
	uint8_t theirs[8];
	assert_int_equal(recv(descriptor, theirs, sizeof(theirs), MSG_WAITALL), sizeof(theirs));
	return descriptor;
}

/* One message: a type byte, its length, the request's number with the top bit set, the text. In one piece: the server
 * may close as soon as it has seen the length. */
static void push_message(int descriptor, uint64_t length, const char *text)
{
	uint8_t message[64] = {1, [9] = 0x80};
	size_t size = strlen(text);

	assert_in_range(size, 1, sizeof(message) - 13);
	put_u64(message + 1, length);
	memcpy(message + 13, text, size);
	push(descriptor, message, 13 + size);
}

/* True if the server closes within FAKE_PATIENCE_MS; what it sends before is thrown away. */
static bool is_closed(int descriptor)
{
	struct timeval patience = {.tv_sec = FAKE_PATIENCE_MS / 1000};
	char buffer[2048];
	ssize_t count;
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	do {
		count = recv(descriptor, buffer, sizeof(buffer), 0);
	} while (count > 0);
	/* with bytes of ours still unread there, closing resets */
	bool is_closed = count == 0 || errno == ECONNRESET;
	close(descriptor);
	return is_closed;
}

static void test_oversized_and_truncated_messages_close_the_connection(void **state)
{
	struct fake_place *place = *state;
	int descriptor = raw_ipc(place);
	push_message(descriptor, 4 + MESSAGE_MAX + 1, "c too large by one byte");
	assert_true(is_closed(descriptor));

	descriptor = raw_ipc(place);
	static const uint8_t too_short[] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 0x80, 0};
	push(descriptor, too_short, sizeof(too_short));
	assert_true(is_closed(descriptor));

	descriptor = raw_ipc(place);
	push_message(descriptor, 4 + 100, "c the rest never comes");
	close(descriptor);
	expect_served(place);
	assert_int_equal(place->server.core.prepared, 1);
}

static void test_who_does_not_read_its_answers_is_closed(void **state)
{
	struct fake_place *place = *state;
	int descriptor = raw_ipc(place);
	for (int i = 0; i < 8; i++)
		push_message(descriptor, 4 + 1, "b");
	expect_served(place);
	/* closed while all is still unread */
	struct pollfd hangs_up = {.fd = descriptor};
	assert_int_equal(poll(&hangs_up, 1, FAKE_PATIENCE_MS), 1);
	assert_true(is_closed(descriptor));
	expect_served(place);
}

/* ---- the flood ---- */

struct flood {
	struct fake_place *place;
	pthread_t thread;
	unsigned sent;
	unsigned busy;
	bool is_over; /* guarded by the core's mutex */
};

static bool is_over(struct flood *flood)
{
	pthread_mutex_lock(&flood->place->server.core.mutex);
	bool over = flood->is_over;
	pthread_mutex_unlock(&flood->place->server.core.mutex);
	return over;
}

static void *run_flood(void *argument)
{
	struct flood *flood = argument;
	struct link *link = NULL;
	if (link_open(flood->place->server.tls_address, (const char *)flood->place->server.identity.certificate.data,
		      FAKE_PATIENCE_MS, &link, NULL) != ERR_OK)
		return NULL;
	while (!is_over(flood)) {
		flood->busy += fake_ask(link, "unknown") == ERR_BUSY;
		flood->sent++;
	}
	link_close(&link);
	return NULL;
}

#define FLOODERS 6

/* Six connections send unauthenticated messages as fast as they can, for as long as 300 requests of a store take, over
 * a connection from before and over new ones. */
static void test_a_flood_leaves_stores_served(void **state)
{
	struct fake_place *place = *state;
	struct core *core = &place->server.core;
	struct flood floods[FLOODERS] = {0};
	uint64_t began_ms = clock_steady_ms();
	struct link *before = fake_connect(&place->server);
	assert_int_equal(fake_ask(before, "a"), ERR_OK);
	for (size_t i = 0; i < FLOODERS; i++) {
		floods[i].place = place;
		assert_int_equal(pthread_create(&floods[i].thread, NULL, run_flood, &floods[i]), 0);
	}
	assert_true(fake_core_wait(core, &core->prepared_unknown, UNKNOWN_VERIFICATIONS_PER_SECOND));
	for (int i = 0; i < 290; i++)
		assert_int_equal(fake_ask(before, i % 2 == 0 ? "a" : "c"), ERR_OK);
	for (int i = 0; i < 10; i++)
		expect_served(place);
	link_close(&before);

	unsigned sent = 0;
	unsigned busy = 0;
	pthread_mutex_lock(&core->mutex);
	for (size_t i = 0; i < FLOODERS; i++)
		floods[i].is_over = true;
	pthread_mutex_unlock(&core->mutex);
	for (size_t i = 0; i < FLOODERS; i++) {
		assert_int_equal(pthread_join(floods[i].thread, NULL), 0);
		sent += floods[i].sent;
		busy += floods[i].busy;
	}
	/* What strangers had looked at: a second's worth to begin with, then at the rate, and each one's free ones. */
	uint64_t seconds = (clock_steady_ms() - began_ms) / 1000 + 2;
	uint64_t looked_at_max = seconds * UNKNOWN_VERIFICATIONS_PER_SECOND + FLOODERS * FREE_VERIFICATIONS_PER_PIPE;
	assert_true(core->prepared_unknown <= looked_at_max);
	/* A slow machine may not get past the rate. */
	assert_true(busy > 0 || sent <= looked_at_max);
}

/* ---- the end ---- */

static void *release_soon(void *core)
{
	clock_sleep_ms(200);
	fake_core_release(core);
	return NULL;
}

static void test_close_answers_what_is_in(void **state)
{
	struct fake_place *place = *state;
	struct core *core = &place->server.core;
	struct client clients[4];
	fake_core_hold(core);
	start_clients(place, clients, 4, "c", 1);
	assert_true(fake_core_wait(core, &core->prepared, 4));
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, release_soon, core), 0);
	server_close(&place->server.server);
	assert_int_equal(pthread_join(thread, NULL), 0);
	join_clients(clients, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(clients[i].err, ERR_OK);
	assert_int_equal(core->committed, 4);
	assert_int_equal(core->committed_at_checkpoint, 4);
}

/* ---- what head office should look at ---- */

/* Said once the entry stands, and of nobody else's request. */
static void test_findings_are_said(void **state)
{
	struct fake_place *place = *state;
	char text[2000];
	FILE *file = tmpfile();
	assert_non_null(file);
	struct link *link = fake_connect(&place->server);
	int before = dup(STDERR_FILENO);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	enum err quiet = fake_ask(link, "c");
	enum err err = fake_ask(link, "f");
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	link_close(&link);
	assert_int_equal(quiet, ERR_OK);
	assert_int_equal(err, ERR_OK);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_non_null(strstr(text, "finding: store 12: the store's key was used from two places"));
	assert_non_null(strstr(text, "; see kluis-broker findings\n"));
	assert_null(strstr(strstr(text, "finding: ") + 1, "finding: "));
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, fake_place_set_up, fake_place_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_what_waits_shares_a_commit),
		WITH_PLACE(test_prepare_runs_on_both_processors),
		WITH_PLACE(test_the_last_batch_gets_its_checkpoint_when_idle),
		WITH_PLACE(test_a_failed_commit_is_answered),
		WITH_PLACE(test_garbage_closes_the_connection),
		WITH_PLACE(test_oversized_and_truncated_messages_close_the_connection),
		WITH_PLACE(test_who_does_not_read_its_answers_is_closed),
		WITH_PLACE(test_a_flood_leaves_stores_served),
		WITH_PLACE(test_close_answers_what_is_in),
		WITH_PLACE(test_findings_are_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
