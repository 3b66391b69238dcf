/* Asking without an entry (FORMAT.md R120): what is sent, and which answers are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/session.h"
#include "sample.h"
#include "test_keys.h"

#define LANE 7

struct world {
	struct secret_key key;
	struct arena arena;
	struct fault fault;
	struct bytes sent;
	unsigned sends;
	Kluis__Reply answer; /* what comes back */
	struct slice garbage;
	enum err network;
};

static enum err send_scripted(void *context, struct slice message, struct bytes *ret_reply)
{
	struct world *world = context;

	world->sends++;
	bytes_clear(&world->sent);
	TRY(bytes_append(&world->sent, message));
	if (world->network != ERR_OK)
		return world->network;
	if (world->garbage.length > 0)
		return bytes_append(ret_reply, world->garbage);
	return wire_encode(&world->answer.base, ret_reply);
}

static int make(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->key = test_seed_key(SAMPLE_ORIGIN "/store/12", 7);
	arena_init(&world->arena, REQUEST_ARENA_MAX);
	bytes_init(&world->sent, MESSAGE_MAX);
	kluis__reply__init(&world->answer);
	*state = world;
	return 0;
}

static int drop(void **state)
{
	struct world *world = *state;

	bytes_fini(&world->sent);
	arena_fini(&world->arena);
	secret_key_fini(&world->key);
	free(world);
	return 0;
}

static enum err ask(struct world *world, Kluis__Operation__KindCase kind, const Kluis__Reply **ret_reply,
		    enum err *ret_code)
{
	struct exchange exchange = {.context = world, .send = send_scripted};

	world->fault.text[0] = '\0';
	return session_ask(&world->key, exchange, LANE, sample_operation(kind, &world->arena), 4711, &world->arena,
			   ret_reply, ret_code, &world->fault);
}

/* One item in one Data. */
static void give_data(struct world *world, const char *text)
{
	Kluis__Data *data = arena_alloc(&world->arena, sizeof(*data));
	Kluis__Data **list = arena_array(&world->arena, 2, sizeof(*list));
	ProtobufCBinaryData *item = arena_alloc(&world->arena, sizeof(*item));

	kluis__data__init(data);
	*item = wire_data(slice_text(text));
	data->items = item;
	data->n_items = 1;
	list[0] = list[1] = data;
	world->answer.data = list;
	world->answer.n_data = 1;
}

static void test_what_is_sent_is_signed_and_has_no_number(void **state)
{
	struct world *world = *state;
	const Kluis__Reply *reply;
	struct envelope envelope;
	enum err code;

	give_data(world, "row");
	assert_int_equal(ask(world, KLUIS__OPERATION__KIND_WATCH, &reply, &code), ERR_OK);
	assert_int_equal(code, ERR_OK);
	assert_int_equal(reply->data[0]->n_items, 1);
	assert_true(slice_equal(wire_slice(reply->data[0]->items[0]), slice_text("row")));
	assert_int_equal(envelope_open(bytes_slice(&world->sent), &world->arena, &envelope, NULL), ERR_OK);
	assert_int_equal(envelope_verify(&envelope, world->key.public.key), ERR_OK);
	assert_string_equal(envelope.decoded->principal, world->key.public.name);
	assert_int_equal(envelope.decoded->sequence, 0);
	assert_int_equal(envelope.decoded->lane, LANE);
	assert_int_equal(envelope.decoded->time_ms, 4711);
	assert_int_equal(envelope.decoded->n_operations, 1);
	assert_int_equal(envelope.decoded->operations[0]->kind_case, KLUIS__OPERATION__KIND_WATCH);
	assert_false(envelope.decoded->has_agreement);
	assert_false(envelope.decoded->has_employee);
	assert_null(envelope.decoded->acknowledgement);
}

/* A refusal is an answer: the call succeeds and the code says what the broker says. */
static void test_a_refusal_is_an_answer(void **state)
{
	struct world *world = *state;
	const Kluis__Reply *reply = NULL;
	enum err code = ERR_OK;

	world->answer.code = ERR_SUSPENDED;
	assert_int_equal(ask(world, KLUIS__OPERATION__KIND_WATCH, &reply, &code), ERR_OK);
	assert_int_equal(code, ERR_SUSPENDED);
	assert_non_null(reply);
	world->answer.code = ERR_OK;
	assert_int_equal(ask(world, KLUIS__OPERATION__KIND_COSIGN, &reply, &code), ERR_OK);
	assert_int_equal(code, ERR_OK);
	assert_int_equal(reply->n_data, 0);
}

static void expect_mismatch(struct world *world, Kluis__Operation__KindCase kind)
{
	const Kluis__Reply *reply = NULL;
	enum err code = ERR_STATE;

	assert_int_equal(ask(world, kind, &reply, &code), ERR_MISMATCH);
	assert_int_equal(code, ERR_STATE);
	assert_null(reply);
	assert_true(world->fault.text[0] != '\0');
	world->answer = (Kluis__Reply)KLUIS__REPLY__INIT;
}

static void test_what_belongs_to_an_entry_is_not_believed(void **state)
{
	struct world *world = *state;
	Kluis__Personal personal = KLUIS__PERSONAL__INIT;

	give_data(world, "row");
	world->answer.has_entry = true;
	world->answer.entry = wire_data(slice_text("entry"));
	expect_mismatch(world, KLUIS__OPERATION__KIND_WATCH);
	give_data(world, "row");
	world->answer.has_index = true;
	expect_mismatch(world, KLUIS__OPERATION__KIND_WATCH);
	give_data(world, "row");
	world->answer.personal = &personal;
	expect_mismatch(world, KLUIS__OPERATION__KIND_WATCH);
}

static void test_other_data_than_the_kinds_is_not_believed(void **state)
{
	struct world *world = *state;

	expect_mismatch(world, KLUIS__OPERATION__KIND_WATCH);
	expect_mismatch(world, KLUIS__OPERATION__KIND_GET_ROUND);
	give_data(world, "row");
	expect_mismatch(world, KLUIS__OPERATION__KIND_COSIGN);
	give_data(world, "row");
	world->answer.n_data = 2;
	expect_mismatch(world, KLUIS__OPERATION__KIND_WATCH);
	give_data(world, "row");
	world->answer.code = ERR_BUSY;
	expect_mismatch(world, KLUIS__OPERATION__KIND_WATCH);
	world->answer.code = 9999;
	expect_mismatch(world, KLUIS__OPERATION__KIND_COSIGN);
	world->garbage = slice_text("\xff\xff");
	expect_mismatch(world, KLUIS__OPERATION__KIND_COSIGN);
}

/* It is not repeated: who waited in vain knows when to ask again. */
static void test_a_failed_exchange_is_told(void **state)
{
	struct world *world = *state;
	const Kluis__Reply *reply = NULL;
	enum err code = ERR_STATE;

	world->network = ERR_TIMEOUT;
	assert_int_equal(ask(world, KLUIS__OPERATION__KIND_WATCH, &reply, &code), ERR_TIMEOUT);
	assert_int_equal(world->sends, 1);
	assert_null(reply);
	world->network = ERR_OK;
	world->answer.code = ERR_BUSY;
	assert_int_equal(ask(world, KLUIS__OPERATION__KIND_WATCH, &reply, &code), ERR_OK);
	assert_int_equal(code, ERR_BUSY);
	assert_int_equal(world->sends, 2);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_what_is_sent_is_signed_and_has_no_number),
		WITH_WORLD(test_a_refusal_is_an_answer),
		WITH_WORLD(test_what_belongs_to_an_entry_is_not_believed),
		WITH_WORLD(test_other_data_than_the_kinds_is_not_believed),
		WITH_WORLD(test_a_failed_exchange_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
