/* FORMAT.md R101, R23. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "text.h"

static struct franchise *formula;
static struct party *store;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	store = franchise_store(formula, 12, GRANT_SERVICE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static const char *changed(const char *from, const char *to)
{
	const char *next = text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 2");

	return text_replace(&formula->arena, next, from, to);
}

static enum err enter(const char *text, const struct secret_key *key)
{
	struct slice hash = action_hash(formula, slice_text(text));

	return franchise_one(formula, &formula->office, action_charter(formula, hash, action_note(formula, text, key)))
		.code;
}

/* Is the text's charter the one in force? */
static bool is_in_force(const char *text)
{
	struct answer answer = franchise_must(formula, store, action_get_paper(formula, SLICE_EMPTY));

	return slice_equal(answer_item(&answer, 0, 0), action_note(formula, text, &formula->office.key));
}

static void test_next_charter(void **state)
{
	const char *next = changed("names = cashier, manager", "names = cashier, manager, trainee");
	uint32_t number = 12;
	struct action trainee = action_staff(formula, &number, franchise_draw(formula), "trainee", NULL);

	(void)state;
	assert_int_equal(franchise_one(formula, &formula->office, trainee).code, ERR_FIELD);
	assert_int_equal(enter(next, &formula->office.key), ERR_OK);
	assert_true(is_in_force(next));
	assert_int_equal(franchise_one(formula, &formula->office, trainee).code, ERR_OK);
	franchise_restart(formula);
	assert_true(is_in_force(next));
}

/* What follows in the same envelope already means the new one (R48). */
static void test_next_charter_in_one_envelope(void **state)
{
	const char *next = changed("names = cashier, manager", "names = cashier, manager, trainee");
	uint32_t number = 12;
	struct slice hash = action_hash(formula, slice_text(next));
	struct action actions[] = {
		action_charter(formula, hash, action_note(formula, next, &formula->office.key)),
		action_staff(formula, &number, franchise_draw(formula), "trainee", NULL),
	};

	(void)state;
	struct answer answer = franchise_send(formula, &formula->office, actions, 2);
	assert_int_equal(answer.entry.decoded->results[0]->code, ERR_OK);
	assert_int_equal(answer.entry.decoded->results[1]->code, ERR_OK);
}

static void test_charters_that_are_refused(void **state)
{
	const char *good = changed("names = cashier", "names = trainee, cashier");
	const char *bad[] = {
		formula->charter_text, /* the same version again */
		text_replace(&formula->arena, formula->charter_text, "version = 1", "version = 3"),
		changed("number   = 3", "number   = 7"),
		changed("type     = phone", "type     = text"),
		changed("minimal.example/kluis", "other.example/kluis"),
		"rubbish\n",
	};
	struct action action;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum err code = enter(bad[i], &formula->office.key);
		/* another origin is another controller's */
		assert_true(code == ERR_PAPER || (i >= 4 && (code == ERR_SIGNATURE || code == ERR_INPUT)));
		assert_true(is_in_force(formula->charter_text));
	}
	assert_int_equal(enter(good, &store->key), ERR_SIGNATURE);
	action = action_charter(formula, action_hash(formula, slice_text(bad[0])),
				action_note(formula, good, &formula->office.key));
	assert_int_equal(franchise_one(formula, &formula->office, action).code, ERR_PAPER);
	action = action_charter(formula, action_hash(formula, slice_text(good)), slice_text(good)); /* no note */
	assert_int_not_equal(franchise_one(formula, &formula->office, action).code, ERR_OK);
	assert_true(is_in_force(formula->charter_text));
	assert_int_equal(enter(good, &formula->office.key), ERR_OK);
}

/* R23: a field that somebody has a value for stays; one that nobody ever had may go. */
static void test_field_that_disappears(void **state)
{
	const char *field = "[field email]\nnumber   = 4\ncategory = contact\ntype     = email\nlookup   = yes\n";
	const char *without = changed(field, "");

	(void)state;
	franchise_customer(formula, "1=4711|4=a@example.org");
	assert_int_equal(enter(without, &formula->office.key), ERR_PAPER);
	assert_true(is_in_force(formula->charter_text));
}

static void test_field_that_nobody_has_disappears(void **state)
{
	const char *field = "[field email]\nnumber   = 4\ncategory = contact\ntype     = email\nlookup   = yes\n";
	const char *without = changed(field, "");

	(void)state;
	franchise_customer(formula, "1=4711|2=Anna");
	assert_int_equal(enter(without, &formula->office.key), ERR_OK);
	assert_true(is_in_force(without));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_next_charter),
		TEST(test_next_charter_in_one_envelope),
		TEST(test_charters_that_are_refused),
		TEST(test_field_that_disappears),
		TEST(test_field_that_nobody_has_disappears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
