/* Rounds of cosigning: when they begin and end, what the note holds then (FORMAT.md R144, R12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/round.h"
#include "core/tables.h"
#include "test_keys.h"
#include "unlogged.h"

#define TIME_S 1800000000
#define OUTSIDE "witness.example/a"

static struct franchise *formula;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct slice round_text_now(uint64_t *ret_size)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct merkle_proof proof;
	struct round round = {0};
	struct slice text;

	bytes_init(&note, PAPER_MAX);
	assert_int_equal(core_round_read(formula->core, 0, &note, ret_size, &proof), ERR_OK);
	uint8_t *copy = arena_copy(&formula->arena, bytes_slice(&note));
	round.note = SLICE(copy, note.length);
	assert_int_equal(round_text(&round, &formula->arena, &text), ERR_OK);
	return text;
}

static void cosign_as(struct party *store)
{
	struct secret_key witness = witness_key(store);
	uint64_t size;
	struct slice text = round_text_now(&size);

	assert_int_equal(unlogged_ask(formula, store, unlogged_cosign(formula, size, text, &witness, TIME_S), NULL),
			 ERR_OK);
	secret_key_fini(&witness);
}

static struct party *witness_store(uint32_t number)
{
	struct party *store = franchise_store(formula, number, NULL);
	struct secret_key witness = witness_key(store);

	franchise_must(formula, store, action_witness(formula, store, &witness));
	secret_key_fini(&witness);
	return store;
}

/* The note that GetCosigned gives, parsed; NULL if there is none. */
static const struct note *cosigned(struct slice *ret_note)
{
	struct answer answer = franchise_one(formula, &formula->office, action_get_cosigned(formula));
	struct note *note = arena_alloc(&formula->arena, sizeof *note);
	struct slice bytes;

	if (answer.code == ERR_NOT_FOUND)
		return NULL;
	assert_int_equal(answer.code, ERR_OK);
	bytes = answer_item(&answer, 0, 0);
	assert_int_equal(note_parse(bytes, &formula->arena, note, NULL), ERR_OK);
	if (ret_note != NULL)
		*ret_note = bytes;
	return note;
}

static void expect_cosigned_by(const struct note *note, const struct party *store)
{
	struct secret_key witness = witness_key(store);
	struct public_key cosigner;
	uint64_t time_s;

	assert_int_equal(
		public_key_init(&cosigner, slice_text(witness.public.name), KEY_TYPE_COSIGNATURE, witness.public.key),
		ERR_OK);
	assert_int_equal(note_verify_cosignature(note, &cosigner, &time_s), ERR_OK);
	assert_int_equal(time_s, TIME_S);
	secret_key_fini(&witness);
}

static void test_rows(void **state)
{
	struct bytes row CLEANUP(bytes_fini) = {0};
	struct round round = {.began_ms = 7, .is_over = true, .size = 9, .note = slice_text("note\n")}, back;
	uint8_t place[COSIGNATURE_KEY_MAX], other[COSIGNATURE_KEY_MAX];
	uint32_t low = 2, high = 300;

	(void)state;
	bytes_init(&row, 100);
	assert_int_equal(round_encode(&round, &row), ERR_OK);
	assert_int_equal(round_decode(bytes_slice(&row), &back), ERR_OK);
	assert_int_equal(back.began_ms, 7);
	assert_true(back.is_over);
	assert_int_equal(back.size, 9);
	assert_true(slice_equal(back.note, round.note));
	for (size_t length = 0; length < 18; length++)
		assert_int_equal(round_decode(SLICE(row.data, length), &back), ERR_CORRUPT);
	/* outside witnesses sort before stores, stores by number */
	struct slice a = cosignature_key(&low, NULL, place), b = cosignature_key(&high, NULL, other);
	assert_int_equal(a.length, b.length);
	assert_true(memcmp(a.data, b.data, a.length) < 0);
	b = cosignature_key(NULL, "zzz", other);
	assert_true(memcmp(b.data, a.data, 1) < 0);
}

static void test_a_round_takes_its_time_and_waits_for_growth(void **state)
{
	uint64_t first, second;

	(void)state;
	core_set_witness_interval(formula->core, 5000);
	assert_int_equal(franchise_round(formula), 5000);
	round_text_now(&first);
	assert_int_equal(first, core_size(formula->core));
	franchise_customer(formula, "2=Anna");
	formula->now_ms += 4000;
	assert_int_equal(franchise_round(formula), 1000);
	round_text_now(&second);
	assert_int_equal(second, first); /* it lasts */
	formula->now_ms += 1000;
	assert_int_equal(franchise_round(formula), 5000);
	round_text_now(&second);
	assert_int_equal(second, first + 1);
	/* without growth there is nothing else to cosign */
	formula->now_ms += 5000;
	assert_true(franchise_round(formula) == UINT64_MAX);
	round_text_now(&second);
	assert_int_equal(second, first + 1);
	franchise_customer(formula, "2=Bert");
	assert_int_equal(franchise_round(formula), 5000);
	round_text_now(&second);
	assert_int_equal(second, first + 2);
}

/* A clock set back does not keep the round for ever. */
static void test_a_round_ends_though_the_clock_is_set_back(void **state)
{
	uint64_t first, second, next_ms;

	(void)state;
	franchise_round(formula);
	round_text_now(&first);
	franchise_customer(formula, "2=Anna");
	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	assert_int_equal(core_round(formula->core, formula->now_ms - 3600000, &next_ms), ERR_OK);
	round_text_now(&second);
	assert_true(second > first);
}

static void test_the_note_has_who_cosigned_in_time(void **state)
{
	struct party *a = witness_store(3), *b = witness_store(4);
	struct slice bytes;
	struct checkpoint checkpoint;
	uint64_t size;

	(void)state;
	franchise_round(formula);
	round_text_now(&size);
	assert_null(cosigned(NULL));
	cosign_as(b);
	assert_null(cosigned(NULL)); /* not before it is over */
	cosign_as(a);
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	const struct note *note = cosigned(&bytes);
	assert_non_null(note);
	assert_int_equal(note->signature_count, 3);
	expect_cosigned_by(note, a);
	expect_cosigned_by(note, b);
	assert_int_equal(checkpoint_open(bytes, &formula->log.public, &checkpoint, NULL), ERR_OK);
	assert_int_equal(checkpoint.size, size);
	/* a round that nobody cosigned leaves the note; the next one has its own cosigners alone */
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	cosigned(&bytes);
	assert_int_equal(checkpoint_open(bytes, &formula->log.public, &checkpoint, NULL), ERR_OK);
	assert_int_equal(checkpoint.size, size);
	cosign_as(b);
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	note = cosigned(NULL);
	assert_int_equal(note->signature_count, 2);
	expect_cosigned_by(note, b);
}

static void test_a_round_survives_a_restart(void **state)
{
	struct party *store = witness_store(3);
	uint64_t before, after;

	(void)state;
	franchise_round(formula);
	round_text_now(&before);
	cosign_as(store);
	formula->now_ms += 20000;
	franchise_restart(formula);
	franchise_customer(formula, "2=Anna");
	assert_int_equal(franchise_round(formula), WITNESS_INTERVAL_MS - 20000);
	round_text_now(&after);
	assert_int_equal(after, before);
	formula->now_ms += 40000;
	franchise_round(formula);
	expect_cosigned_by(cosigned(NULL), store);
}

static void take_outside(uint64_t size, const struct secret_key *key, size_t i)
{
	struct public_key cosigner;
	uint8_t payload[COSIGNATURE_SIZE];
	uint64_t now_size;
	struct slice text = round_text_now(&now_size);

	assert_int_equal(
		public_key_init(&cosigner, slice_text(key->public.name), KEY_TYPE_COSIGNATURE, key->public.key),
		ERR_OK);
	assert_int_equal(note_make_cosignature(text, key, TIME_S, payload), ERR_OK);
	core_take_cosignature(formula->core, i, &cosigner, size, payload);
}

static void test_outside_witnesses_are_taken_in(void **state)
{
	struct secret_key outside = test_seed_key(OUTSIDE, 90);
	struct party *store = witness_store(3);
	uint64_t size;

	(void)state;
	franchise_round(formula);
	round_text_now(&size);
	cosign_as(store);
	take_outside(size, &outside, 2);
	take_outside(size - 1, &outside, 3); /* of another round: by name the last one counts */
	take_outside(size, &outside, 4);
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	const struct note *note = cosigned(NULL);
	assert_int_equal(note->signature_count, 3);
	assert_true(slice_equal(note->signatures[1].name, slice_text(OUTSIDE)));
	expect_cosigned_by(note, store);
	secret_key_fini(&outside);
}

static enum err put_many(struct store_txn *txn, void *context)
{
	struct bytes row CLEANUP(bytes_fini) = {0};
	struct secret_key key = test_seed_key(OUTSIDE, 91);
	uint8_t place[COSIGNATURE_KEY_MAX], payload[COSIGNATURE_SIZE] = {0};
	uint64_t size = *(uint64_t *)context;

	for (uint32_t number = 100; number < 300; number++) {
		bytes_init(&row, COSIGNATURE_ROW_MAX);
		char name[PRINCIPAL_MAX + 1];
		struct public_key cosigner;
		assert_int_equal(principal_witness_name(slice_text(FRANCHISE_ORIGIN), number, name), ERR_OK);
		assert_int_equal(public_key_init(&cosigner, slice_text(name), KEY_TYPE_COSIGNATURE, key.public.key),
				 ERR_OK);
		assert_int_equal(cosignature_encode(size, &cosigner, payload, &row), ERR_OK);
		store_put(txn, TABLE_COSIGNATURE, cosignature_key(&number, NULL, place), bytes_slice(&row));
		bytes_fini(&row);
	}
	secret_key_fini(&key);
	return ERR_OK;
}

/* R12: at most 64 lines; the first ones are always the same, so a policy can count on them. */
static void test_a_note_has_no_more_lines_than_a_note_may(void **state)
{
	struct secret_key outside = test_seed_key(OUTSIDE, 90);
	uint64_t size;

	(void)state;
	franchise_round(formula);
	round_text_now(&size);
	assert_int_equal(store_update(formula->store, put_many, &size), ERR_OK);
	take_outside(size, &outside, 0);
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	const struct note *note = cosigned(NULL);
	assert_int_equal(note->signature_count, NOTE_SIGNATURES_MAX);
	assert_true(slice_equal(note->signatures[1].name, slice_text(OUTSIDE)));
	assert_true(slice_equal(note->signatures[2].name, slice_text(FRANCHISE_ORIGIN "/witness/store/100")));
	assert_true(slice_equal(note->signatures[63].name, slice_text(FRANCHISE_ORIGIN "/witness/store/161")));
	secret_key_fini(&outside);
}

static void test_round_read_proves_what_grew(void **state)
{
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct merkle_proof proof;
	struct checkpoint old, new;
	uint64_t size;

	(void)state;
	bytes_init(&note, PAPER_MAX);
	assert_int_equal(core_round_read(formula->core, 0, &note, &size, &proof), ERR_NOT_FOUND);
	franchise_round(formula);
	assert_int_equal(core_round_read(formula->core, 0, &note, &size, &proof), ERR_OK);
	assert_int_equal(checkpoint_open(bytes_slice(&note), &formula->log.public, &old, NULL), ERR_OK);
	old.origin = SLICE_EMPTY;
	for (int i = 0; i < 5; i++)
		franchise_customer(formula, "2=Anna");
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	bytes_clear(&note);
	assert_int_equal(core_round_read(formula->core, old.size, &note, &size, &proof), ERR_OK);
	assert_int_equal(checkpoint_open(bytes_slice(&note), &formula->log.public, &new, NULL), ERR_OK);
	assert_int_equal(new.size, size);
	assert_int_equal(merkle_verify_consistency(old.size, new.size, &old.root, &new.root, &proof), ERR_OK);
	assert_int_equal(core_round_read(formula->core, size + 1, &note, &size, &proof), ERR_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rows),
		TEST(test_a_round_takes_its_time_and_waits_for_growth),
		TEST(test_a_round_ends_though_the_clock_is_set_back),
		TEST(test_the_note_has_who_cosigned_in_time),
		TEST(test_a_round_survives_a_restart),
		TEST(test_outside_witnesses_are_taken_in),
		TEST(test_a_note_has_no_more_lines_than_a_note_may),
		TEST(test_round_read_proves_what_grew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
