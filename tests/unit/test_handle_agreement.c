/*
 * Agreements from draft to end: FORMAT.md R26 to R29, R105, R117.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "kluis/note.h"
#include "test_keys.h"
#include "text.h"

#define YEAR_2028_MS UINT64_C(1830297600000)

static struct franchise *formula;
static struct party *store, *bare;
static const char *text; /* of an agreement for the store, which has none yet */

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, NULL);
	bare = franchise_store(formula, 13, NULL);
	text = franchise_agreement(formula, 12, GRANT_SERVICE, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static enum err draft(const char *agreement)
{
	return franchise_one(formula, &formula->office, action_draft(formula, 12, agreement)).code;
}

static enum err offer(const char *agreement)
{
	return franchise_one(formula, &formula->office, action_offer(formula, agreement, &formula->office.key)).code;
}

static enum err accept(const char *agreement)
{
	return franchise_one(formula, store, action_accept(formula, agreement, &store->key)).code;
}

static enum err stand(uint32_t action)
{
	return franchise_one(formula, &formula->office, action_standing(formula, 12, action)).code;
}

static enum err lookup(const char *agreement)
{
	struct slice hash = action_hash(formula, slice_text(agreement));

	store->has_agreement = true;
	memcpy(store->agreement, hash.data, HASH_SIZE);
	return franchise_one(formula, store, action_lookup(formula, "service", "1=4711")).code;
}

static const char *superseding(const char *current, const char *grants)
{
	return franchise_agreement(formula, 12, grants, action_hash(formula, slice_text(current)).data);
}

/* The store's agreements as "state hash-prefix|...": current first. */
static const char *agreements(void)
{
	struct answer answer = franchise_must(formula, store, action_agreements(formula, NULL));
	const char *list = "";

	for (size_t i = 0; i < answer_items(&answer, 0); i++) {
		Kluis__AgreementRow *row;

		assert_int_equal(
			WIRE_DECODE(AgreementRow, agreement_row, answer_item(&answer, 0, i), &formula->arena, &row),
			ERR_OK);
		assert_int_equal(row->store, 12);
		list = arena_printf(&formula->arena, "%s%u %02x|", list, row->state, row->hash.data[0]);
	}
	return list;
}

static const char *expected(const char *first, unsigned state, const char *second, unsigned second_state)
{
	const char *list =
		arena_printf(&formula->arena, "%u %02x|", state, action_hash(formula, slice_text(first)).data[0]);

	if (second == NULL)
		return list;
	return arena_printf(&formula->arena, "%s%u %02x|", list, second_state,
			    action_hash(formula, slice_text(second)).data[0]);
}

static void check_paper(const char *agreement, const struct secret_key *const *keys, size_t count)
{
	struct slice hash = action_hash(formula, slice_text(agreement));
	struct answer answer = franchise_must(formula, &formula->office, action_get_paper(formula, hash));
	struct note *note = arena_alloc(&formula->arena, sizeof(*note));
	struct fault fault = {""};

	assert_int_equal(note_parse(answer_item(&answer, 0, 0), &formula->arena, note, &fault), ERR_OK);
	assert_true(slice_equal(note->text, slice_text(agreement)));
	assert_int_equal(note->signature_count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(note_verify(note, &keys[i]->public), ERR_OK);
}

/* ---- the way to an agreement ---- */

static void test_from_draft_to_active(void **state)
{
	const struct secret_key *keys[] = {&formula->office.key, &store->key};

	(void)state;
	assert_string_equal(agreements(), "");
	assert_int_equal(lookup(text), ERR_NO_AGREEMENT);
	assert_int_equal(draft(text), ERR_OK);
	assert_string_equal(agreements(), expected(text, AGREEMENT_DRAFTED, NULL, 0));
	assert_int_equal(lookup(text), ERR_NO_AGREEMENT);
	assert_int_equal(accept(text), ERR_STATE); /* not offered yet */
	assert_int_equal(offer(text), ERR_OK);
	check_paper(text, keys, 1);
	assert_string_equal(agreements(), expected(text, AGREEMENT_OFFERED, NULL, 0));
	assert_int_equal(lookup(text), ERR_NO_AGREEMENT);
	assert_int_equal(offer(text), ERR_STATE); /* once */
	assert_int_equal(accept(text), ERR_OK);
	assert_string_equal(agreements(), expected(text, AGREEMENT_ACTIVE, NULL, 0));
	check_paper(text, keys, 2);
	assert_int_equal(accept(text), ERR_NOT_FOUND);	 /* no candidate any more */
	assert_int_equal(lookup(text), ERR_NO_EMPLOYEE); /* it decides now */
}

static void test_draft_of_a_text_that_does_not_fit(void **state)
{
	struct arena *arena = &formula->arena;
	const char *other_store = franchise_agreement(formula, 13, GRANT_SERVICE, NULL);
	const char *other_charter = text_replace(arena, text, "charter = ", "charter = 00");
	const char *other_purpose = text_replace(arena, text, "purpose = service", "purpose = curiosity");
	const char *texts[] = {other_store, other_charter, other_purpose, "rubbish\n", "\n"};
	struct action action;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(draft(texts[i]), ERR_PAPER);
		assert_string_equal(agreements(), "");
	}
	action = action_draft(formula, 12, text);
	action.operation->draft->hash.data[0] ^= 1;
	assert_int_equal(franchise_one(formula, &formula->office, action).code, ERR_PAPER);
	assert_int_equal(franchise_one(formula, &formula->office, action_draft(formula, 99, text)).code, ERR_STORE);
	/* after a later charter the text must name that one */
	franchise_charter(formula, text_replace(arena, formula->charter_text, "version = 1", "version = 2"));
	assert_int_equal(draft(text), ERR_PAPER);
}

static void test_draft_replaces_the_candidate(void **state)
{
	const char *other = franchise_agreement(formula, 12, GRANT_ALL, NULL);

	(void)state;
	assert_int_equal(draft(text), ERR_OK);
	assert_int_equal(offer(text), ERR_OK);
	assert_int_equal(draft(other), ERR_OK);
	assert_string_equal(agreements(), expected(other, AGREEMENT_DRAFTED, NULL, 0));
	assert_int_equal(accept(text), ERR_NOT_FOUND);
	assert_int_equal(offer(text), ERR_NOT_FOUND);
	assert_int_equal(offer(other), ERR_OK);
	assert_int_equal(accept(other), ERR_OK);
}

static void test_offer_after_a_later_charter(void **state)
{
	(void)state;
	assert_int_equal(draft(text), ERR_OK);
	franchise_charter(formula, text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 2"));
	assert_int_equal(offer(text), ERR_PAPER);
	/* but one that was offered before may be accepted: its names mean what its own charter says (R25) */
}

static void test_accept_after_a_later_charter(void **state)
{
	(void)state;
	assert_int_equal(draft(text), ERR_OK);
	assert_int_equal(offer(text), ERR_OK);
	franchise_charter(formula, text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 2"));
	assert_int_equal(accept(text), ERR_OK);
	assert_string_equal(agreements(), expected(text, AGREEMENT_ACTIVE, NULL, 0));
}

static void test_signatures_of_somebody_else(void **state)
{
	struct action action;

	(void)state;
	assert_int_equal(draft(text), ERR_OK);
	action = action_offer(formula, text, &store->key);
	assert_int_equal(franchise_one(formula, &formula->office, action).code, ERR_SIGNATURE);
	assert_string_equal(agreements(), expected(text, AGREEMENT_DRAFTED, NULL, 0));
	assert_int_equal(offer(text), ERR_OK);
	action = action_accept(formula, text, &bare->key);
	assert_int_equal(franchise_one(formula, store, action).code, ERR_SIGNATURE);
	action = action_accept(formula, text, &store->key);
	action.operation->accept->signature.data[0] ^= 1;
	assert_int_equal(franchise_one(formula, store, action).code, ERR_SIGNATURE);
	/* another store signs its own candidates only */
	assert_int_equal(franchise_one(formula, bare, action_accept(formula, text, &bare->key)).code, ERR_NOT_FOUND);
	assert_string_equal(agreements(), expected(text, AGREEMENT_OFFERED, NULL, 0));
	assert_int_equal(accept(text), ERR_OK);
}

static void test_offer_of_what_was_not_drafted(void **state)
{
	(void)state;
	assert_int_equal(offer(text), ERR_NOT_FOUND);
	assert_int_equal(accept(text), ERR_NOT_FOUND);
}

/* ---- one after the other (R29) ---- */

static void make_active(const char *agreement)
{
	assert_int_equal(draft(agreement), ERR_OK);
	assert_int_equal(offer(agreement), ERR_OK);
	assert_int_equal(accept(agreement), ERR_OK);
}

static void test_accept_of_one_that_supersedes(void **state)
{
	const char *unnamed = franchise_agreement(formula, 12, GRANT_ALL, NULL);
	const char *next = superseding(text, GRANT_ALL);

	(void)state;
	make_active(text);
	assert_int_equal(draft(unnamed), ERR_OK);
	assert_int_equal(offer(unnamed), ERR_OK);
	assert_int_equal(accept(unnamed), ERR_STATE);
	assert_string_equal(agreements(), expected(text, AGREEMENT_ACTIVE, unnamed, AGREEMENT_OFFERED));
	assert_int_equal(draft(next), ERR_OK);
	assert_int_equal(offer(next), ERR_OK);
	assert_int_equal(lookup(text), ERR_NO_EMPLOYEE); /* the old one decides until then */
	assert_int_equal(lookup(next), ERR_OTHER_AGREEMENT);
	assert_int_equal(accept(next), ERR_OK);
	assert_string_equal(agreements(), expected(next, AGREEMENT_ACTIVE, NULL, 0));
	assert_int_equal(lookup(text), ERR_OTHER_AGREEMENT);
	assert_int_equal(lookup(next), ERR_NO_EMPLOYEE);
}

static void test_accept_of_one_that_begins_later(void **state)
{
	const char *next = text_replace(&formula->arena, superseding(text, GRANT_ALL), "2026-01-01", "2026-12-01");

	(void)state;
	make_active(text);
	assert_int_equal(draft(next), ERR_OK);
	assert_int_equal(offer(next), ERR_OK);
	assert_int_equal(accept(next), ERR_STATE);
	formula->now_ms = UINT64_C(1796083200000); /* 2026-12-01 */
	assert_int_equal(accept(next), ERR_OK);
}

static void test_accept_while_suspended(void **state)
{
	const char *next = superseding(text, GRANT_ALL);

	(void)state;
	make_active(text);
	assert_int_equal(draft(next), ERR_OK);
	assert_int_equal(offer(next), ERR_OK);
	assert_int_equal(stand(1), ERR_OK);
	assert_int_equal(accept(next), ERR_SUSPENDED);
	assert_int_equal(stand(2), ERR_OK);
	assert_int_equal(accept(next), ERR_OK);
}

static void test_accept_after_the_end(void **state)
{
	const char *next = franchise_agreement(formula, 12, GRANT_ALL, NULL);

	(void)state;
	make_active(text);
	assert_int_equal(stand(3), ERR_OK);
	make_active(next); /* names nothing: there is nothing in force */
	next = text_replace(&formula->arena, next, "2028-01-01", "2029-01-01");
	assert_int_equal(draft(next), ERR_OK);
	assert_int_equal(offer(next), ERR_OK);
	assert_int_equal(accept(next), ERR_STATE);
	formula->now_ms = YEAR_2028_MS;
	assert_int_equal(accept(next), ERR_OK);
}

/* The text that is in force, drafted once more: what was signed stays signed, and in force. */
static void test_draft_of_the_text_in_force(void **state)
{
	const struct secret_key *keys[] = {&formula->office.key, &store->key};

	(void)state;
	make_active(text);
	assert_int_equal(draft(text), ERR_OK);
	assert_string_equal(agreements(), expected(text, AGREEMENT_ACTIVE, text, AGREEMENT_DRAFTED));
	check_paper(text, keys, 2);
	franchise_restart(formula); /* nothing remembered of papers */
	assert_int_equal(lookup(text), ERR_NO_EMPLOYEE);
	/* and after it was ended it can be taken up again */
	assert_int_equal(stand(3), ERR_OK);
	assert_int_equal(offer(text), ERR_OK);
	assert_int_equal(accept(text), ERR_OK);
	check_paper(text, keys, 2);
	franchise_restart(formula);
	assert_int_equal(lookup(text), ERR_NO_EMPLOYEE);
}

/* ---- suspended, resumed, terminated (R28) ---- */

static void test_standing_of_every_state(void **state)
{
	/* each row: what is done, what it gives */
	static const struct {
		uint32_t action;
		enum err code, then;
	} steps[] = {
		{2, ERR_STATE, ERR_NO_EMPLOYEE}, {1, ERR_OK, ERR_SUSPENDED},	 {1, ERR_STATE, ERR_SUSPENDED},
		{2, ERR_OK, ERR_NO_EMPLOYEE},	 {1, ERR_OK, ERR_SUSPENDED},	 {3, ERR_OK, ERR_TERMINATED},
		{1, ERR_STATE, ERR_TERMINATED},	 {2, ERR_STATE, ERR_TERMINATED}, {3, ERR_STATE, ERR_TERMINATED},
	};

	(void)state;
	for (uint32_t action = 1; action <= 3; action++)
		assert_int_equal(stand(action), ERR_STATE); /* no agreement */
	assert_int_equal(draft(text), ERR_OK);
	assert_int_equal(stand(1), ERR_STATE); /* a candidate is not in force */
	assert_int_equal(offer(text), ERR_OK);
	assert_int_equal(accept(text), ERR_OK);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(stand(steps[i].action), steps[i].code);
		assert_int_equal(lookup(text), steps[i].then);
	}
	assert_int_equal(franchise_one(formula, &formula->office, action_standing(formula, 99, 1)).code, ERR_STORE);
	assert_int_equal(stand(4), ERR_INPUT);
	assert_int_equal(stand(0), ERR_INPUT);
}

static void test_standing_from_active_to_terminated(void **state)
{
	(void)state;
	make_active(text);
	assert_int_equal(stand(3), ERR_OK);
	assert_int_equal(lookup(text), ERR_TERMINATED);
}

/* ---- reading (R117) ---- */

static void test_agreements_of_a_store(void **state)
{
	uint32_t own = 12, other = 13, nobody = 99;

	(void)state;
	make_active(text);
	assert_int_equal(franchise_one(formula, store, action_agreements(formula, &own)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, action_agreements(formula, &other)).code, ERR_STORE);
	assert_int_equal(franchise_one(formula, &formula->office, action_agreements(formula, NULL)).code, ERR_STORE);
	assert_int_equal(franchise_one(formula, &formula->office, action_agreements(formula, &nobody)).code, ERR_STORE);
	struct answer answer = franchise_must(formula, &formula->office, action_agreements(formula, &own));
	assert_int_equal(answer_items(&answer, 0), 1);
	answer = franchise_must(formula, &formula->office, action_agreements(formula, &other));
	assert_int_equal(answer_items(&answer, 0), 0);
}

static void test_papers_that_a_store_may_read(void **state)
{
	struct slice own = action_hash(formula, slice_text(text));
	struct slice charter = action_hash(formula, slice_text(formula->charter_text));
	struct slice nothing = action_hash(formula, slice_text("nothing"));

	(void)state;
	make_active(text);
	assert_int_equal(franchise_one(formula, store, action_get_paper(formula, own)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, action_get_paper(formula, charter)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, store, action_get_paper(formula, nothing)).code, ERR_NOT_FOUND);
	/* the same answer to another store as for what does not exist */
	assert_int_equal(franchise_one(formula, bare, action_get_paper(formula, own)).code, ERR_NOT_FOUND);
	assert_int_equal(franchise_one(formula, &formula->office, action_get_paper(formula, own)).code, ERR_OK);
	assert_int_equal(franchise_one(formula, &formula->office, action_get_paper(formula, nothing)).code,
			 ERR_NOT_FOUND);
	/* the charter of its agreement, also when another is in force; an empty hash gives that other */
	const char *next = text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 2");
	franchise_charter(formula, next);
	assert_int_equal(franchise_one(formula, store, action_get_paper(formula, charter)).code, ERR_OK);
	struct answer answer = franchise_must(formula, bare, action_get_paper(formula, SLICE_EMPTY));
	assert_true(slice_equal(answer_item(&answer, 0, 0), action_note(formula, next, &formula->office.key)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_from_draft_to_active),
		TEST(test_draft_of_a_text_that_does_not_fit),
		TEST(test_draft_replaces_the_candidate),
		TEST(test_offer_after_a_later_charter),
		TEST(test_accept_after_a_later_charter),
		TEST(test_signatures_of_somebody_else),
		TEST(test_offer_of_what_was_not_drafted),
		TEST(test_accept_of_one_that_supersedes),
		TEST(test_accept_of_one_that_begins_later),
		TEST(test_accept_while_suspended),
		TEST(test_accept_after_the_end),
		TEST(test_draft_of_the_text_in_force),
		TEST(test_standing_of_every_state),
		TEST(test_standing_from_active_to_terminated),
		TEST(test_agreements_of_a_store),
		TEST(test_papers_that_a_store_may_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
