/* Which keys the broker has: FORMAT.md R141. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "key_action.h"
#include "kluis/checkpoint.h"

static struct franchise *formula;
static struct party *store;
static struct ring ring;
static struct trust one, two; /* versions */

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	ring_take(&ring, formula);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	ring_fini(&ring);
	return 0;
}

static enum err enter(struct slice note)
{
	return franchise_one(formula, &formula->office, action_trust(formula, note)).code;
}

/* Version 1, which names both and is signed by both. */
static struct slice first_version(const struct secret_key *const *both)
{
	trust_put_after(&one, NULL, both, 2);
	return trust_note(formula, &one, both, 2);
}

/* Bits of the ring's logs that signed the checkpoint of now. */
static unsigned signers(void)
{
	unsigned bits = 0;

	assert_int_equal(core_checkpoint(formula->core), ERR_OK);
	struct answer answer = franchise_must(formula, &formula->office, action_get_checkpoint(formula));
	struct slice note = answer_item(&answer, 0, 0);
	for (size_t i = 0; i < ring.log_count; i++) {
		struct checkpoint checkpoint;
		if (checkpoint_open(note, &ring.logs[i].public, &checkpoint, NULL) == ERR_OK) {
			bits |= 1u << i;
			assert_int_equal(checkpoint.size + 1, core_size(formula->core));
		}
	}
	return bits;
}

static void test_rotation_of_the_log(void **state)
{
	const struct secret_key *first = &ring.logs[0], *second = ring_add_log(&ring, 50);
	const struct secret_key *both[] = {first, second};
	struct slice note = first_version(both);

	(void)state;
	assert_int_equal(signers(), 1);
	assert_int_equal(enter(note), ERR_OK);
	assert_int_equal(signers(), 1 | 2);
	franchise_restart(formula);
	assert_int_equal(signers(), 1 | 2);
	trust_put_of(&one, formula, note);
	trust_put_after(&two, &one, &second, 1);
	assert_int_equal(enter(trust_note(formula, &two, &first, 1)), ERR_OK);
	assert_int_equal(signers(), 2);
	/* the old one's file is gone */
	ring.logs[0].public.id ^= 1;
	franchise_restart(formula);
	assert_int_equal(franchise_one(formula, store, action_agreements(formula, NULL)).code, ERR_OK);
	ring.logs[0].public.id ^= 1;
	assert_int_equal(signers(), 2);
}

/* Killed between the note's entry and the next checkpoint: the stored one is by the old key. */
static void test_restart_before_the_first_checkpoint_under_a_version(void **state)
{
	const struct secret_key *second = ring_add_log(&ring, 50);

	(void)state;
	trust_put_after(&one, NULL, &second, 1);
	assert_int_equal(signers(), 1);
	assert_int_equal(enter(trust_note(formula, &one, &second, 1)), ERR_OK);
	franchise_restart(formula);
	assert_int_equal(signers(), 2);
}

static void test_what_is_refused(void **state)
{
	const struct secret_key *first = &ring.logs[0], *second = ring_add_log(&ring, 50);
	const struct secret_key *both[] = {first, second};
	struct slice note;
	struct action action;

	(void)state;
	trust_put_after(&one, NULL, both, 2);
	note = trust_note(formula, &one, both, 2);
	trust_put_of(&one, formula, note);
	action = action_trust(formula, note);
	action.paper = slice_text("[trust]\n");
	assert_int_equal(franchise_one(formula, &formula->office, action).code, ERR_PAPER);
	assert_int_equal(enter(trust_note(formula, &one, &first, 1)), ERR_SIGNATURE);
	trust_put_after(&two, &one, both, 2);
	assert_int_equal(enter(trust_note(formula, &two, both, 2)), ERR_PAPER); /* version 2 first */
	action = action_trust(formula, note);
	action.operation->trust->hash.data[0] ^= 1;
	assert_int_equal(franchise_one(formula, &formula->office, action).code, ERR_PAPER);
	assert_int_equal(franchise_one(formula, store, action_trust(formula, note)).code, ERR_FORBIDDEN);
	ring.log_count = 0;
	assert_int_equal(enter(note), ERR_STATE); /* nobody could sign the log any more */
	ring.log_count = 2;
	assert_int_equal(enter(note), ERR_OK);
	assert_int_equal(enter(note), ERR_PAPER); /* not the next any more */
}

static void test_two_versions_in_one_request(void **state)
{
	const struct secret_key *first = &ring.logs[0], *second = ring_add_log(&ring, 50);
	const struct secret_key *both[] = {first, second};
	struct slice note = first_version(both);
	struct action actions[2];

	(void)state;
	trust_put_of(&one, formula, note);
	trust_put_after(&two, &one, &second, 1);
	actions[0] = action_trust(formula, note);
	actions[1] = action_trust(formula, trust_note(formula, &two, &first, 1));
	assert_int_equal(franchise_send(formula, &formula->office, actions, 2).code, ERR_OK);
	assert_int_equal(signers(), 2);
}

static struct slice paper(struct party *party, const uint8_t hash[static HASH_SIZE])
{
	struct answer answer = franchise_one(formula, party, action_get_paper(formula, SLICE(hash, HASH_SIZE)));

	return answer.code == ERR_OK ? answer_item(&answer, 0, 0) : SLICE_EMPTY;
}

/* Everybody gets every version, and the one in force without knowing its hash. */
static void test_papers_for_everybody(void **state)
{
	static const uint8_t zeros[HASH_SIZE];
	const struct secret_key *first = &ring.logs[0];
	struct slice note, second;

	(void)state;
	trust_put_after(&one, NULL, &first, 1);
	note = trust_note(formula, &one, &first, 1);
	assert_int_equal(paper(store, zeros).length, 0);
	assert_int_equal(enter(note), ERR_OK);
	trust_put_of(&one, formula, note);
	trust_put_after(&two, &one, &first, 1);
	second = trust_note(formula, &two, &first, 1);
	assert_int_equal(enter(second), ERR_OK);
	trust_put_of(&two, formula, second);
	assert_true(slice_equal(paper(store, zeros), second));
	assert_true(slice_equal(paper(&formula->office, zeros), second));
	assert_true(slice_equal(paper(store, two.hash), second));
	assert_true(slice_equal(paper(store, one.hash), note));
	assert_int_equal(paper(store, two.logs[0].key).length, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotation_of_the_log),	 TEST(test_restart_before_the_first_checkpoint_under_a_version),
		TEST(test_what_is_refused),	 TEST(test_two_versions_in_one_request),
		TEST(test_papers_for_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
