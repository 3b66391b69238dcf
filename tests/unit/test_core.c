/*
 * Opening, starting again, and messages that are no requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "fail.h"
#include "random.h"
#include "test_keys.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	franchise_visitor(formula, store, "1=4711|2=Anna");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static enum err reopen(const struct core_keys *keys, uint64_t now_ms, struct fault *fault)
{
	struct core *core CLEANUP(core_close) = NULL;

	return core_open(formula->store, keys, now_ms, &core, fault);
}

static void test_open_with_other_keys(void **state)
{
	uint8_t master[KEY_SIZE];
	struct secret_key log = test_seed_key(formula->log.public.name, 77);
	struct secret_key other = test_seed_key(formula->keys.controller.name, 78);
	struct core_keys keys = formula->keys;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	memset(master, 9, sizeof(master));
	keys.master = master;
	assert_int_equal(reopen(&keys, formula->now_ms, &fault), ERR_CRYPTO);
	assert_non_null(strstr(fault.text, "master.key"));
	keys = formula->keys;
	keys.log = &log;
	fault.text[0] = '\0';
	assert_int_equal(reopen(&keys, formula->now_ms, &fault), ERR_CORRUPT);
	assert_non_null(strstr(fault.text, "log.key"));
	keys = formula->keys;
	keys.controller = other.public;
	fault.text[0] = '\0';
	assert_int_equal(reopen(&keys, formula->now_ms, &fault), ERR_CORRUPT);
	assert_non_null(strstr(fault.text, "controller.key"));
	assert_int_equal(reopen(&formula->keys, formula->now_ms, &fault), ERR_OK);
	secret_key_fini(&log);
	secret_key_fini(&other);
}

static void test_open_with_the_clock_set_back(void **state)
{
	struct fault fault = {""};

	(void)state;
	assert_int_equal(reopen(&formula->keys, formula->now_ms - CLOCK_TOLERANCE_MS, &fault), ERR_OK);
	assert_int_equal(reopen(&formula->keys, formula->now_ms - CLOCK_TOLERANCE_MS - 1, &fault), ERR_CLOCK);
	assert_non_null(strstr(fault.text, "clock"));
}

static void test_restart_goes_on(void **state)
{
	uint64_t size = core_size(formula->core), last_ms = formula->now_ms;

	(void)state;
	franchise_restart(formula);
	assert_int_equal(core_size(formula->core), size);
	formula->now_ms -= 3000;
	struct answer answer = franchise_must(formula, store, action_lookup(formula, "service", "1=4711"));
	assert_int_equal(answer.reply->index, size);
	assert_true(answer.entry.decoded->time_ms == last_ms); /* R47, also across a restart */
	assert_string_equal(answer_values(formula, &answer, 0), "1=4711|2=Anna");
	formula->now_ms = last_ms;
	/* places in feeds go on too: what changes now comes after what was seen */
	uint64_t cursor = franchise_must(formula, store, action_sync(formula, "service", 0, 10)).result->cursor;
	franchise_restart(formula);
	franchise_visitor(formula, store, "1=4712");
	answer = franchise_must(formula, store, action_sync(formula, "service", cursor, 10));
	assert_int_equal(answer.result->n_disclosures, 1);
	assert_true(answer.result->cursor > cursor);
}

static enum err reply_code(struct slice message, enum core_trust *ret_trust)
{
	struct prepared *prepared CLEANUP(prepared_free) = NULL;
	Kluis__Reply *reply;

	assert_int_equal(core_prepare(formula->core, message, formula->now_ms, &prepared), ERR_OK);
	*ret_trust = prepared_trust(prepared);
	if (prepared_needs_commit(prepared))
		return ERR_OK;
	assert_int_equal(WIRE_DECODE(Reply, reply, core_reply(prepared), &formula->arena, &reply), ERR_OK);
	assert_false(reply->has_entry || reply->has_index || reply->personal != NULL || reply->n_data > 0);
	assert_int_not_equal(reply->code, ERR_OK);
	return (enum err)reply->code;
}

/* I9: each message cut off or with a byte changed is refused by a code and changes nothing. */
static void test_spoilt_messages(void **state)
{
	struct action action = action_lookup(formula, "service", "1=4711");
	struct slice message = franchise_message(formula, store, &action, 1);
	uint8_t *copy = arena_copy(&formula->arena, message);
	uint64_t size = core_size(formula->core);
	enum core_trust trust;

	(void)state;
	for (size_t length = 0; length < message.length; length++)
		assert_int_not_equal(reply_code(SLICE(copy, length), &trust), ERR_OK);
	for (size_t i = 0; i < message.length; i++) {
		for (unsigned bit = 0; bit < 8; bit += 7) {
			copy[i] ^= (uint8_t)(1u << bit);
			assert_int_not_equal(reply_code(SLICE(copy, message.length), &trust), ERR_OK);
			assert_int_not_equal(trust, CORE_AUTHENTICATED);
			copy[i] ^= (uint8_t)(1u << bit);
		}
	}
	assert_int_equal(core_size(formula->core), size);
	assert_int_equal(reply_code(message, &trust), ERR_OK);
	assert_int_equal(trust, CORE_AUTHENTICATED);
}

static void test_rubbish(void **state)
{
	struct random random = {1};
	uint8_t rubbish[300];
	enum core_trust trust;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		random_fill(&random, rubbish, sizeof(rubbish));
		assert_int_not_equal(reply_code(SLICE(rubbish, 1 + random_below(&random, sizeof(rubbish))), &trust),
				     ERR_OK);
		assert_int_equal(trust, CORE_GARBAGE);
	}
	assert_int_equal(reply_code(SLICE_EMPTY, &trust), ERR_INPUT);
	uint8_t *large = arena_alloc(&formula->arena, MESSAGE_MAX + 1);
	assert_int_equal(reply_code(SLICE(large, MESSAGE_MAX + 1), &trust), ERR_TOO_LARGE);
}

static void test_join_of_another_formula_or_with_company(void **state)
{
	struct party foreign = {.key = test_seed_key("other.example/formula/store/1", 57)};
	struct party ours = {.key = test_seed_key(FRANCHISE_ORIGIN "/store/13", 58)};
	struct action actions[2] = {action_join(formula, &foreign.key.public, franchise_draw(formula))};
	enum core_trust trust;

	(void)state;
	assert_int_equal(reply_code(franchise_message(formula, &foreign, actions, 1), &trust), ERR_PRINCIPAL);
	actions[0] = action_join(formula, &ours.key.public, franchise_draw(formula));
	actions[1] = action_agreements(formula, NULL);
	enum err err = reply_code(franchise_message(formula, &ours, actions, 2), &trust);
	assert_true(err == ERR_INPUT);
	/* a join that is signed by another key than it brings */
	actions[0] = action_join(formula, &foreign.key.public, franchise_draw(formula));
	assert_int_equal(reply_code(franchise_message(formula, &ours, actions, 1), &trust), ERR_PRINCIPAL);
	/* and one that brings no code that was given */
	actions[0] = action_join(formula, &ours.key.public, franchise_draw(formula));
	assert_int_equal(reply_code(franchise_message(formula, &ours, actions, 1), &trust), ERR_CODE);
	assert_int_equal(trust, CORE_UNKNOWN);
	secret_key_fini(&foreign.key);
	secret_key_fini(&ours.key);
}

/* What is given back is used again, with nothing left of who used it before. */
static void test_prepared_are_used_again(void **state)
{
	struct action action = action_lookup(formula, "service", "1=4711");
	struct slice message = franchise_message(formula, store, &action, 1);
	struct prepared *first = NULL, *second = NULL;

	(void)state;
	assert_int_equal(core_prepare(formula->core, message, formula->now_ms, &first), ERR_OK);
	assert_int_equal(core_commit(formula->core, &first, 1, formula->now_ms), ERR_OK);
	assert_true(core_reply(first).length > 0);
	struct prepared *place = first;
	prepared_free(&first);
	assert_null(first);
	assert_int_equal(core_prepare(formula->core, slice_text("x"), formula->now_ms, &second), ERR_OK);
	assert_ptr_equal(second, place);
	assert_int_equal(prepared_trust(second), CORE_GARBAGE);
	assert_false(prepared_needs_commit(second));
	assert_true(core_reply(second).length < 100);
	prepared_free(&second);
	prepared_free(&second); /* of none */
}

static enum err open_once(void *context)
{
	struct fault fault = {""};

	(void)context;
	return reopen(&formula->keys, formula->now_ms, &fault);
}

static void test_open_when_memory_fails(void **state)
{
	(void)state;
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	fail_sweep(FAIL_MEMORY, open_once, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_with_other_keys),
		TEST(test_open_with_the_clock_set_back),
		TEST(test_restart_goes_on),
		TEST(test_spoilt_messages),
		TEST(test_rubbish),
		TEST(test_join_of_another_formula_or_with_company),
		TEST(test_prepared_are_used_again),
		TEST(test_open_when_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
