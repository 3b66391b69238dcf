/* The tills' line: lookups that wait share an envelope, each gets its own answer, an idle one waits for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "alarm.h"
#include "key_action.h"
#include "kluis/clock.h"
#include "kluis/envelope.h"
#include "run/line.h"
#include "shop_world.h"

struct stand {
	struct shop_world world;
	struct line *line;
	struct desk_line till;
	struct exchange core;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_held, is_inside; /* an envelope is under way, and stays */
	bool is_up;
};

static enum err held_send(void *context, struct slice message, struct bytes *ret_reply)
{
	struct stand *stand = context;
	pthread_mutex_lock(&stand->mutex);
	stand->is_inside = true;
	pthread_cond_broadcast(&stand->changed);
	while (stand->is_held)
		pthread_cond_wait(&stand->changed, &stand->mutex);
	pthread_mutex_unlock(&stand->mutex);
	return stand->core.send(stand->core.context, message, ret_reply);
}

static bool is_up(void *context)
{
	return ((struct stand *)context)->is_up;
}

static int begin(void **state)
{
	struct stand *stand = calloc(1, sizeof *stand);
	shop_world_begin(&stand->world);
	shop_world_keep(&stand->world);
	pthread_mutex_init(&stand->mutex, NULL);
	pthread_cond_init(&stand->changed, NULL);
	stand->core = shop_world_exchange(&stand->world);
	stand->is_up = true;
	struct line_options options = {.shop = &stand->world.shop,
				       .exchange = {.context = stand, .send = held_send},
				       .memory = session_files(stand->world.folder),
				       .is_up = is_up,
				       .context = stand};
	assert_int_equal(line_new(&options, &stand->line, NULL), ERR_OK);
	stand->till = line_of_desk(stand->line);
	*state = stand;
	return 0;
}

static int end(void **state)
{
	struct stand *stand = *state;
	line_free(&stand->line);
	pthread_mutex_destroy(&stand->mutex);
	pthread_cond_destroy(&stand->changed);
	shop_world_end(&stand->world);
	free(stand);
	return 0;
}

struct till {
	struct stand *stand;
	pthread_t thread;
	char card[8];
	enum err err;
	struct arena arena;
	const Kluis__Result *result;
	const Kluis__Part *part;
	uint64_t index;
};

/* The name that the answer has; NULL without one. */
static const char *name_of(struct till *till)
{
	Kluis__Values *values;
	if (till->part == NULL)
		return NULL;
	assert_int_equal(WIRE_DECODE(Values, values, wire_slice(till->part->content), &till->arena, &values), ERR_OK);
	for (size_t i = 0; i < values->n_values; i++)
		if (values->values[i]->field == 2)
			return values->values[i]->value;
	return NULL;
}

static void *look_up(void *context)
{
	struct till *till = context;
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Lookup lookup = KLUIS__LOOKUP__INIT;
	Kluis__Value value = KLUIS__VALUE__INIT, *list = &value;
	Kluis__Values values = KLUIS__VALUES__INIT;
	Kluis__Part *part = NULL;
	char purpose[] = "service";
	arena_init(&till->arena, REQUEST_ARENA_MAX);
	value.field = lookup.field = 1;
	value.value = till->card;
	values.values = &list;
	values.n_values = 1;
	till->err = part_make(&values.base, &till->arena, &part, &lookup.commitment);
	operation.purpose = purpose;
	operation.kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	operation.lookup = &lookup;
	struct slice employee = SLICE(till->stand->world.party->employee, PSEUDONYM_SIZE);
	till->err = till->stand->till.lookup(till->stand->till.context, &operation, part, employee, &till->arena,
					     &till->result, &till->part, &till->index, NULL);
	return NULL;
}

static void start(struct stand *stand, struct till *till, const char *card)
{
	*till = (struct till){.stand = stand};
	snprintf(till->card, sizeof till->card, "%s", card);
	assert_int_equal(pthread_create(&till->thread, NULL, look_up, till), 0);
}

static void hold(struct stand *stand, bool is_held)
{
	pthread_mutex_lock(&stand->mutex);
	stand->is_held = is_held;
	pthread_cond_broadcast(&stand->changed);
	pthread_mutex_unlock(&stand->mutex);
}

static void wait_inside(struct stand *stand)
{
	pthread_mutex_lock(&stand->mutex);
	while (!stand->is_inside)
		pthread_cond_wait(&stand->changed, &stand->mutex);
	pthread_mutex_unlock(&stand->mutex);
}

static void test_each_gets_its_own_answer_of_a_shared_envelope(void **state)
{
	struct stand *stand = *state;
	struct till first, tills[3];
	static const char *const cards[] = {"4712", "9999", "4711"};
	uint64_t envelopes, lookups;
	hold(stand, true);
	start(stand, &first, "4711");
	wait_inside(stand);
	for (int i = 0; i < 3; i++)
		start(stand, &tills[i], cards[i]);
	clock_sleep_ms(300); /* until they wait */
	hold(stand, false);
	pthread_join(first.thread, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(tills[i].thread, NULL);
	line_counts(stand->line, &envelopes, &lookups);
	assert_int_equal(lookups, 4);
	assert_int_equal(envelopes, 2);
	assert_int_equal(first.err, ERR_OK);
	assert_string_equal(name_of(&first), "Anna Smith");
	assert_string_equal(name_of(&tills[0]), "Bert Jones");
	assert_int_equal(tills[1].err, ERR_OK);
	assert_int_equal(tills[1].result->code, ERR_NOT_FOUND);
	assert_null(tills[1].part);
	assert_string_equal(name_of(&tills[2]), "Anna Smith");
	assert_int_equal(tills[0].index, tills[2].index);
	assert_int_not_equal(first.index, tills[0].index);
	arena_fini(&first.arena);
	for (int i = 0; i < 3; i++)
		arena_fini(&tills[i].arena);
}

static void expect_one(struct stand *stand, const char *card, enum err expected)
{
	struct till till = {.stand = stand};
	snprintf(till.card, sizeof till.card, "%s", card);
	look_up(&till);
	assert_int_equal(till.err, expected);
	if (expected == ERR_OK)
		assert_non_null(name_of(&till));
	arena_fini(&till.arena);
}

static void test_away_nothing_is_signed(void **state)
{
	struct stand *stand = *state;
	stand->is_up = false;
	unsigned sent = stand->world.sent;
	expect_one(stand, "4711", ERR_NETWORK);
	assert_int_equal(stand->world.sent, sent);
	stand->is_up = true;
	expect_one(stand, "4711", ERR_OK);
}

static void test_a_lost_answer_holds_up_only_its_own(void **state)
{
	struct stand *stand = *state;
	stand->world.lose_reply = 1;
	expect_one(stand, "4711", ERR_TIMEOUT);
	expect_one(stand, "4712", ERR_OK);
	stand->world.is_cut = true;
	expect_one(stand, "4711", ERR_NETWORK);
	expect_one(stand, "4711", ERR_NETWORK);
	stand->world.is_cut = false;
	expect_one(stand, "4711", ERR_OK);
}

/* What a till did not wait for is got before the key is replaced; twice, since the broker knows one key that was. */
static void test_settled_before_the_key_is_replaced(void **state)
{
	struct stand *stand = *state;
	struct shop_world *world = &stand->world;
	for (uint8_t seed = 90; seed < 92; seed++) {
		world->lose_reply = 1;
		expect_one(stand, "4711", ERR_TIMEOUT);
		world->is_cut = true;
		assert_int_equal(line_settle(stand->line, NULL), ERR_NETWORK);
		world->is_cut = false;
		assert_int_equal(line_settle(stand->line, NULL), ERR_OK);
		unsigned sent = world->sent;
		assert_int_equal(line_settle(stand->line, NULL), ERR_OK); /* nothing more to get */
		assert_int_equal(world->sent, sent);
		rotate_party(world->formula, world->party, seed);
	}
	expect_one(stand, "4712", ERR_OK);
	assert_int_equal(alarm_count(world->shop.store), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_gets_its_own_answer_of_a_shared_envelope),
		TEST(test_away_nothing_is_signed),
		TEST(test_a_lost_answer_holds_up_only_its_own),
		TEST(test_settled_before_the_key_is_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
