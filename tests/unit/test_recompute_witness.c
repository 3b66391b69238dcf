/* Witnesses and rosters in a log, decided again: the truth holds, and each lie is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "unlogged.h"

static int set_up(void **state)
{
	struct franchise *formula = franchise_new(NULL);
	struct party *store = franchise_store(formula, 12, GRANT_SERVICE);
	struct party *other = franchise_store(formula, 13, GRANT_SERVICE);
	struct secret_key witness = witness_key(store);

	(void)state;
	franchise_must(formula, store, action_witness(formula, store, &witness));
	assert_int_equal(franchise_one(formula, other, action_witness(formula, store, &witness)).code, ERR_SIGNATURE);
	assert_int_equal(franchise_one(formula, &formula->office, action_witness(formula, store, &witness)).code,
			 ERR_FORBIDDEN);
	franchise_must(formula, store, action_roster(formula));
	assert_int_equal(franchise_one(formula, &formula->office, action_get_cosigned(formula)).code, ERR_NOT_FOUND);
	franchise_round(formula);
	uint64_t size;
	struct bytes note CLEANUP(bytes_fini) = {0};
	struct merkle_proof *proof = arena_alloc(&formula->arena, sizeof *proof);
	bytes_init(&note, PAPER_MAX);
	assert_int_equal(core_round_read(formula->core, 0, &note, &size, proof), ERR_OK);
	struct slice text = slice_part(bytes_slice(&note), 0,
				       (size_t)((uint8_t *)memmem(note.data, note.length, "\n\n", 2) + 1 - note.data));
	assert_int_equal(unlogged_ask(formula, store, unlogged_cosign(formula, size, text, &witness, 5), NULL), ERR_OK);
	formula->now_ms += WITNESS_INTERVAL_MS;
	franchise_round(formula);
	franchise_must(formula, &formula->office, action_get_cosigned(formula));
	story = audit_log_of(formula);
	secret_key_fini(&witness);
	franchise_free(&formula);
	return 0;
}

static void test_the_truth_holds(void **state)
{
	struct finding_lines *lines = arena_alloc(&story->arena, sizeof *lines);

	(void)state;
	audit_log_check(story, lines);
	if (lines->count != 0)
		fail_msg("%s", lines->all);
}

static void lie_say_signature(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_SIGNATURE;
}

static void lie_say_not_found(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_NOT_FOUND;
}

static void lie_say_state(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_STATE;
}

static void test_each_lie_is_named(void **state)
{
	static const struct audit_lie lies[] = {
		{KLUIS__OPERATION__KIND_WITNESS, 0, lie_say_signature, ""},
		{KLUIS__OPERATION__KIND_WITNESS, 1, lie_permit, ""},
		{KLUIS__OPERATION__KIND_WITNESS, 2, lie_permit, ""},
		{KLUIS__OPERATION__KIND_ROSTER, 0, lie_say_not_found, ""},
		{KLUIS__OPERATION__KIND_GET_COSIGNED, 1, lie_say_state, ""},
	};

	(void)state;
	audit_log_tell(story, lies, sizeof lies / sizeof lies[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_truth_holds),
		cmocka_unit_test(test_each_lie_is_named),
	};

	return cmocka_run_group_tests(tests, set_up, audit_log_tear_down);
}
