/* Outside witnesses, played by a web server that keeps C2SP tlog-witness or lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/checkpoint.h"
#include "kluis/clock.h"
#include "server/http_post.h"
#include "server/outside_witness.h"
#include "test_keys.h"
#include "web_server.h"

#define WITNESS "witness.example/a"
#define SIZE 8

#define STATIONS 5

/* The core's side: one round, what was taken into it. */
struct core {
	pthread_mutex_t mutex;
	uint64_t size;
	struct bytes note;
	unsigned taken[STATIONS];
	uint64_t taken_size;
};

enum play {
	HONEST,
	REMEMBERS,
	REMEMBERS_MORE,
	REPEATS_ITS_SIZE,
	WRONG_KEY,
	GARBAGE,
	UNKNOWN_LOG,
	BROKEN,
	SILENT,
};

/* One witness. */
struct station {
	const struct world *world;
	enum play play;
	struct web_server server;
	char answer[4096];
};

struct world {
	struct core core;
	struct secret_key log, key, wrong_key;
	struct outside_witness witnesses[STATIONS];
	struct outside_witnesses *outside;
	struct station stations[STATIONS];
	struct station *one; /* the first */
};

static enum err read_round(struct core *core, uint64_t old_size, struct bytes *ret_note, uint64_t *ret_size,
			   struct merkle_proof *ret_proof)
{
	enum err err = ERR_NOT_FOUND;

	pthread_mutex_lock(&core->mutex);
	if (core->size > 0)
		err = old_size > core->size ? ERR_INPUT : bytes_append(ret_note, bytes_slice(&core->note));
	*ret_size = core->size;
	ret_proof->count = old_size > 0 && old_size < core->size ? 1 : 0;
	memset(ret_proof->hashes[0].bytes, 0, HASH_SIZE);
	pthread_mutex_unlock(&core->mutex);
	return err;
}

static void take(struct core *core, size_t i, const struct public_key *cosigner, uint64_t size,
		 const uint8_t cosignature[static COSIGNATURE_SIZE])
{
	(void)cosigner, (void)cosignature;
	pthread_mutex_lock(&core->mutex);
	core->taken[i]++;
	core->taken_size = size;
	pthread_mutex_unlock(&core->mutex);
}

static void cosign(struct station *station, const char *request, const struct secret_key *key)
{
	const char *text = strstr(request, "\n\nexample.com/kluis/log\n") + 2;
	size_t length = (size_t)(strstr(text, "\n\n") + 1 - text);
	struct bytes lines = {0};

	bytes_init(&lines, 2048);
	if (bytes_append_u8(&lines, '\n') == ERR_OK &&
	    note_append_cosignature(&lines, SLICE(text, length), key, 1800000000) == ERR_OK)
		snprintf(station->answer, sizeof station->answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s",
			 lines.length - 1, (int)(lines.length - 1), (const char *)lines.data + 1);
	bytes_fini(&lines);
}

static void say(struct station *station, const char *status, const char *body)
{
	snprintf(station->answer, sizeof station->answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
		 strlen(body), body);
}

static const char *play(void *context, const char *request, unsigned number)
{
	struct station *station = context;
	const struct world *world = station->world;
	bool is_from_5 = strstr(request, "\r\n\r\nold 5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n") != NULL;

	if (station->play == HONEST)
		cosign(station, request, &world->key);
	else if (station->play == REMEMBERS && is_from_5)
		cosign(station, request, &world->key);
	else if (station->play == REMEMBERS || station->play == REPEATS_ITS_SIZE)
		say(station, "409 Conflict", "5\n");
	else if (station->play == REMEMBERS_MORE)
		say(station, "409 Conflict", "4711\n");
	else if (station->play == WRONG_KEY)
		cosign(station, request, &world->wrong_key);
	else if (station->play == GARBAGE)
		say(station, "200 OK", "thank you\n");
	else if (station->play == SILENT)
		return NULL;
	else if (station->play == UNKNOWN_LOG)
		say(station, "404 Not Found", "");
	else if (number == 0)
		say(station, "503 Later", "");
	return station->answer;
}

static void begin_round(struct world *world, uint64_t size)
{
	struct hash root = {.bytes = {(uint8_t)size}};

	pthread_mutex_lock(&world->core.mutex);
	bytes_clear(&world->core.note);
	world->core.size = size;
	assert_int_equal(checkpoint_sign(size, &root, &world->log, &world->core.note), ERR_OK);
	pthread_mutex_unlock(&world->core.mutex);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof *world);

	if (keys_init() != ERR_OK)
		return -1;
	world->one = &world->stations[0];
	world->log = test_seed_key("example.com/kluis/log", 2);
	world->key = test_seed_key(WITNESS, 9);
	world->wrong_key = test_seed_key(WITNESS, 10);
	pthread_mutex_init(&world->core.mutex, NULL);
	bytes_init(&world->core.note, PAPER_MAX);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	outside_witnesses_free(&world->outside);
	for (size_t i = 0; i < STATIONS; i++)
		if (world->stations[i].world != NULL)
			web_server_stop(&world->stations[i].server);
	bytes_fini(&world->core.note);
	pthread_mutex_destroy(&world->core.mutex);
	secret_key_fini(&world->log);
	secret_key_fini(&world->key);
	secret_key_fini(&world->wrong_key);
	free(world);
	return 0;
}

static void open_station(struct world *world, size_t i, enum play how)
{
	struct station *station = &world->stations[i];
	struct outside_witness *witness = &world->witnesses[i];
	struct fault fault = {""};
	char url[64];

	station->world = world;
	station->play = how;
	station->server.answer = play;
	station->server.context = station;
	web_server_start(&station->server);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", station->server.port);
	assert_int_equal(outside_witness_url(url, witness->url, &fault), ERR_OK);
	snprintf(witness->name, sizeof witness->name, "%zu", i);
	assert_int_equal(
		public_key_init(&witness->key, slice_text(WITNESS), KEY_TYPE_COSIGNATURE, world->key.public.key),
		ERR_OK);
}

static void start_all(struct world *world, size_t count, const enum play how[])
{
	struct outside_core core = {.core = &world->core, .read = read_round, .take = take};

	for (size_t i = 0; i < count; i++)
		open_station(world, i, how[i]);
	assert_int_equal(outside_witnesses_new(world->witnesses, count, &core, &world->outside), ERR_OK);
}

static void start(struct world *world, enum play how)
{
	start_all(world, 1, &how);
}

static unsigned count_taken(struct world *world, size_t i)
{
	pthread_mutex_lock(&world->core.mutex);
	unsigned taken = world->core.taken[i];
	pthread_mutex_unlock(&world->core.mutex);
	return taken;
}

static bool is_taken(struct world *world, size_t i, unsigned times, uint64_t size)
{
	for (uint64_t until_ms = clock_steady_ms() + 20000; clock_steady_ms() < until_ms; clock_sleep_ms(5)) {
		pthread_mutex_lock(&world->core.mutex);
		bool is = world->core.taken[i] == times && world->core.taken_size == size;
		pthread_mutex_unlock(&world->core.mutex);
		if (is)
			return true;
	}
	return false;
}

static void test_a_round_is_cosigned_once(void **state)
{
	struct world *world = *state;

	start(world, HONEST);
	clock_sleep_ms(600);
	assert_int_equal(world->one->server.requests, 0); /* no round yet */
	begin_round(world, SIZE);
	assert_true(is_taken(world, 0, 1, SIZE));
	assert_non_null(strstr(world->one->server.request, "POST /add-checkpoint "));
	clock_sleep_ms(1200);
	assert_int_equal(world->one->server.requests, 1);
	begin_round(world, SIZE + 3);
	assert_true(is_taken(world, 0, 2, SIZE + 3));
	assert_int_equal(world->one->server.requests, 2);
	assert_non_null(strstr(world->one->server.request, "\r\n\r\nold 8\n")); /* from where it stood */
}

static void test_a_witness_that_remembers_gets_the_proof_from_there(void **state)
{
	struct world *world = *state;

	begin_round(world, SIZE);
	start(world, REMEMBERS);
	assert_true(is_taken(world, 0, 1, SIZE));
	assert_int_equal(world->one->server.requests, 2);
}

/* What cannot be used is asked for no more than once or twice a round, and nothing of it is taken: a witness ahead of
 * the log, one that goes round in circles, another key's cosignature, an answer that is none, one that does not know
 * the log. */
static void test_what_cannot_be_used_is_given_up(void **state)
{
	static const enum play plays[STATIONS] = {REMEMBERS_MORE, REPEATS_ITS_SIZE, WRONG_KEY, GARBAGE, UNKNOWN_LOG};
	static const unsigned requests[STATIONS] = {1, 2, 1, 1, 1};
	struct world *world = *state;

	begin_round(world, SIZE);
	start_all(world, STATIONS, plays);
	for (size_t i = 0; i < STATIONS; i++)
		assert_true(web_server_wait(&world->stations[i].server, requests[i]));
	clock_sleep_ms(1200);
	for (size_t i = 0; i < STATIONS; i++)
		assert_int_equal(world->stations[i].server.requests, requests[i]);
	begin_round(world, SIZE + 1); /* a new round, a new try */
	for (size_t i = 0; i < STATIONS; i++) {
		assert_true(web_server_wait(&world->stations[i].server, requests[i] + 1));
		assert_int_equal(count_taken(world, i), 0);
	}
}

static void test_silent_ones_hold_nobody_up(void **state)
{
	static const enum play plays[] = {SILENT, SILENT, HONEST};
	struct world *world = *state;

	begin_round(world, SIZE);
	uint64_t began_ms = clock_steady_ms();
	start_all(world, 3, plays);
	assert_true(is_taken(world, 2, 1, SIZE));
	assert_true(clock_steady_ms() - began_ms < HTTP_POST_TIMEOUT_MS);
	assert_true(web_server_wait(&world->stations[0].server, 1));
	assert_true(web_server_wait(&world->stations[1].server, 1));
	assert_true(clock_steady_ms() - began_ms < HTTP_POST_TIMEOUT_MS);
	outside_witnesses_free(&world->outside); /* nor does the end wait for them */
	assert_true(clock_steady_ms() - began_ms < HTTP_POST_TIMEOUT_MS);
}

/* It is asked again, but not at once. */
static void test_a_witness_that_is_away(void **state)
{
	struct world *world = *state;

	begin_round(world, SIZE);
	start(world, BROKEN);
	assert_true(web_server_wait(&world->one->server, 1));
	world->one->play = HONEST;
	clock_sleep_ms(2000);
	assert_int_equal(world->one->server.requests, 1);
	assert_true(is_taken(world, 0, 1, SIZE));
	assert_int_equal(world->one->server.requests, 2);
}

static void test_urls(void **state)
{
	static const char *const wrong[] = {"",
					    "witness.example",
					    "ftp://witness.example",
					    "http://",
					    "http:///path",
					    "https://w.example/a b",
					    "https://user@w.example/",
					    "https://w.example/?x",
					    "https://w.example/#x",
					    "https://w.example/\xC3\xA9"};
	char url[WITNESS_URL_MAX + 1], long_url[WITNESS_URL_MAX + 9] = "https://";
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(outside_witness_url(wrong[i], url, &fault), ERR_INPUT);
	memset(long_url + 8, 'a', WITNESS_URL_MAX - 7);
	assert_int_equal(outside_witness_url(long_url, url, &fault), ERR_INPUT);
	long_url[WITNESS_URL_MAX] = '\0';
	assert_int_equal(outside_witness_url(long_url, url, &fault), ERR_OK);
	assert_int_equal(outside_witness_url("https://w.example:8443/one//", url, &fault), ERR_OK);
	assert_string_equal(url, "https://w.example:8443/one");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_round_is_cosigned_once),
		TEST(test_a_witness_that_remembers_gets_the_proof_from_there),
		TEST(test_what_cannot_be_used_is_given_up),
		TEST(test_silent_ones_hold_nobody_up),
		TEST(test_a_witness_that_is_away),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
