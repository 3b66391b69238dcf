/* FORMAT.md R144: registering, the round to cosign, cosigning it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/checkpoint.h"
#include "unlogged.h"

#define TIME_S 1800000000

static struct franchise *formula;
static struct party *store;
static struct secret_key witness;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	witness = witness_key(store);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	secret_key_fini(&witness);
	franchise_free(&formula);
	return 0;
}

/* The round as the store gets it; its note is checked as a witness would. */
struct shown {
	struct slice note, text;
	struct checkpoint checkpoint;
	struct merkle_proof proof;
};

static struct shown *get_round(uint64_t old_size)
{
	struct shown *shown = arena_alloc(&formula->arena, sizeof *shown);
	struct note *note = arena_alloc(&formula->arena, sizeof *note);
	const Kluis__Reply *reply;

	assert_int_equal(unlogged_ask(formula, store, unlogged_get_round(formula, old_size), &reply), ERR_OK);
	assert_int_equal(reply->data[0]->n_items, 2);
	shown->note = wire_slice(reply->data[0]->items[0]);
	assert_int_equal(checkpoint_open(shown->note, &formula->log.public, &shown->checkpoint, NULL), ERR_OK);
	assert_int_equal(note_parse(shown->note, &formula->arena, note, NULL), ERR_OK);
	shown->text = note->text;
	struct slice hashes = wire_slice(reply->data[0]->items[1]);
	assert_int_equal(hashes.length % HASH_SIZE, 0);
	shown->proof.count = hashes.length / HASH_SIZE;
	if (hashes.length > 0)
		memcpy(shown->proof.hashes, hashes.data, hashes.length);
	return shown;
}

static enum err cosign_at(const struct shown *shown, uint64_t size, const struct secret_key *key)
{
	return unlogged_ask(formula, store, unlogged_cosign(formula, size, shown->text, key, TIME_S), NULL);
}

static void test_witness_proves_that_it_has_the_key(void **state)
{
	struct secret_key other = witness_key(&formula->office);
	struct action action = action_witness(formula, store, &other);

	(void)state;
	memcpy(action.operation->witness->public_key.data, witness.public.key, KEY_SIZE);
	assert_int_equal(franchise_one(formula, store, action).code, ERR_SIGNATURE);
	/* a signature for another store's name */
	struct party *neighbour = franchise_store(formula, 13, NULL);
	action = action_witness(formula, neighbour, &witness);
	assert_int_equal(franchise_one(formula, store, action).code, ERR_SIGNATURE);
	franchise_must(formula, store, action_witness(formula, store, &witness));
	assert_int_equal(franchise_one(formula, &formula->office, action_witness(formula, store, &witness)).code,
			 ERR_FORBIDDEN);
	secret_key_fini(&other);
}

static void test_there_is_no_round_before_the_first(void **state)
{
	(void)state;
	assert_int_equal(unlogged_ask(formula, store, unlogged_get_round(formula, 0), NULL), ERR_NOT_FOUND);
	assert_int_equal(franchise_one(formula, &formula->office, action_get_cosigned(formula)).code, ERR_NOT_FOUND);
}

static void test_the_round_comes_with_the_proof_from_what_was_cosigned(void **state)
{
	(void)state;
	franchise_round(formula);
	struct shown *first = get_round(0);
	assert_int_equal(first->checkpoint.size, core_size(formula->core));
	assert_int_equal(first->proof.count, 0);
	for (int i = 0; i < 10; i++)
		franchise_customer(formula, "2=Anna");
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	struct shown *second = get_round(first->checkpoint.size);
	assert_true(second->checkpoint.size > first->checkpoint.size);
	assert_int_equal(merkle_verify_consistency(first->checkpoint.size, second->checkpoint.size,
						   &first->checkpoint.root, &second->checkpoint.root, &second->proof),
			 ERR_OK);
	/* from further than there is: the size says it */
	assert_int_equal(get_round(second->checkpoint.size + 1)->proof.count, 0);
	assert_int_equal(get_round(second->checkpoint.size)->proof.count, 0);
}

static void test_cosign_is_checked(void **state)
{
	struct secret_key other = witness_key(&formula->office);

	(void)state;
	franchise_must(formula, store, action_witness(formula, store, &witness));
	franchise_round(formula);
	struct shown *shown = get_round(0);
	uint64_t size = shown->checkpoint.size, entries = core_size(formula->core);
	assert_int_equal(cosign_at(shown, size, &other), ERR_SIGNATURE);
	assert_int_equal(cosign_at(shown, size - 1, &witness), ERR_STATE);
	assert_int_equal(cosign_at(shown, size + 1, &witness), ERR_STATE);
	shown->text = slice_text("another text\n");
	assert_int_equal(cosign_at(shown, size, &witness), ERR_SIGNATURE);
	shown = get_round(0);
	assert_int_equal(cosign_at(shown, size, &witness), ERR_OK);
	assert_int_equal(cosign_at(shown, size, &witness), ERR_OK); /* again at will */
	assert_int_equal(core_size(formula->core), entries);	    /* R120 */
	secret_key_fini(&other);
}

static void test_cosign_needs_a_registered_key(void **state)
{
	(void)state;
	franchise_round(formula);
	struct shown *shown = get_round(0);
	assert_int_equal(cosign_at(shown, shown->checkpoint.size, &witness), ERR_NOT_FOUND);
}

/* Its commit is its own, so requests on either side of it in one batch have their entries. */
static void test_a_cosignature_among_entries(void **state)
{
	struct prepared *batch[3];
	struct flight flights[2];

	(void)state;
	franchise_must(formula, store, action_witness(formula, store, &witness));
	franchise_round(formula);
	struct shown *shown = get_round(0);
	uint64_t entries = core_size(formula->core);
	Kluis__Operation *cosign = unlogged_cosign(formula, shown->checkpoint.size, shown->text, &witness, TIME_S);
	struct slice message = unlogged_message(formula, store, cosign);
	for (uint32_t i = 0; i < 2; i++)
		flights[i] = flight_new(formula, &formula->office, 10 + i, action_census(formula));
	batch[0] = flights[0].prepared;
	assert_int_equal(core_prepare(formula->core, message, formula->now_ms, &batch[1]), ERR_OK);
	batch[2] = flights[1].prepared;
	assert_true(prepared_needs_commit(batch[1]));
	assert_int_equal(core_commit(formula->core, batch, 3, formula->now_ms), ERR_OK);
	assert_int_equal(core_size(formula->core), entries + 2);
	assert_int_equal(flight_answer(formula, &flights[0]).code, ERR_OK);
	assert_int_equal(flight_answer(formula, &flights[1]).code, ERR_OK);
	Kluis__Reply *reply;
	assert_int_equal(WIRE_DECODE(Reply, reply, core_reply(batch[1]), &formula->arena, &reply), ERR_OK);
	assert_int_equal(reply->code, ERR_OK);
	assert_false(reply->has_entry);
	prepared_free(&batch[1]);
}

/* Prepared on one round, committed in the next: it is that one's witness no more. */
static void test_a_round_that_ended_meanwhile_is_another(void **state)
{
	struct prepared *prepared CLEANUP(prepared_free) = NULL;
	Kluis__Reply *reply;

	(void)state;
	franchise_must(formula, store, action_witness(formula, store, &witness));
	franchise_round(formula);
	struct shown *shown = get_round(0);
	franchise_customer(formula, "2=Anna");
	struct slice message = unlogged_message(
		formula, store, unlogged_cosign(formula, shown->checkpoint.size, shown->text, &witness, TIME_S));
	assert_int_equal(core_prepare(formula->core, message, formula->now_ms, &prepared), ERR_OK);
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	assert_int_equal(core_commit(formula->core, &prepared, 1, formula->now_ms), ERR_OK);
	assert_int_equal(WIRE_DECODE(Reply, reply, core_reply(prepared), &formula->arena, &reply), ERR_OK);
	assert_int_equal(reply->code, ERR_STATE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_witness_proves_that_it_has_the_key),
		TEST(test_there_is_no_round_before_the_first),
		TEST(test_the_round_comes_with_the_proof_from_what_was_cosigned),
		TEST(test_cosign_is_checked),
		TEST(test_cosign_needs_a_registered_key),
		TEST(test_a_cosignature_among_entries),
		TEST(test_a_round_that_ended_meanwhile_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
