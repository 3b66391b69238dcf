/* Keys that follow other keys, decided again from the log; and lies about them. FORMAT.md R140 to R143. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "key_action.h"
#include "test_keys.h"
#include "verify.h"

#define STORE_12 FRANCHISE_ORIGIN "/store/12"
#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct franchise *formula;
static struct ring ring;
static struct finding_lines lines;
static struct secret_key next, third;

static void office(struct action action)
{
	franchise_one(formula, &formula->office, action);
}

/* A store rotates, is refused two rotations, is revoked and joins again; the master key is rotated. */
static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	ring_take(&ring, formula);
	struct party *store = franchise_store(formula, 12, GRANT_SERVICE);
	next = test_seed_key(STORE_12, 77);
	third = test_seed_key(STORE_12, 78);
	franchise_one(formula, store, action_rotate_key(formula, store, &next, &third));
	franchise_one(formula, store, action_rotate_key(formula, store, &store->key, NULL));
	franchise_must(formula, store, action_rotate_key(formula, store, &next, NULL));
	struct party party = *store;
	party.key = next;
	franchise_must(formula, &party, action_agreements(formula, NULL));
	office(action_revoke(formula, FRANCHISE_ORIGIN "/store/13"));
	office(action_revoke(formula, STORE_12));
	struct slice code = franchise_draw(formula);
	office(action_invite(formula, STORE_12, code, formula->now_ms + DAY_MS));
	struct party again = {.key = third, .store = 12};
	franchise_must(formula, &again, action_join(formula, &third.public, code));
	franchise_must(formula, &again, action_agreements(formula, NULL));
	ring_add_master(&ring, 2);
	office(action_master_key(formula, 3, 1));
	office(action_master_key(formula, 2, 1));
	office(action_master_key(formula, 2, 2));
	office(action_rewrap(formula, 1000));
	office(action_master_key(formula, 2, 2));
	story = audit_log_of(formula);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	audit_log_free(&story);
	franchise_free(&formula);
	ring_fini(&ring);
	secret_key_fini(&next);
	secret_key_fini(&third);
	return 0;
}

static void test_all_of_it_holds(void **state)
{
	struct verify_options options = {.log = story->key.public};
	struct findings findings = finding_lines_init(&lines);
	struct verify_summary summary;
	struct fault fault = {""};

	(void)state;
	audit_log_check(story, &lines);
	assert_string_equal(lines.all, "");
	findings = finding_lines_init(&lines);
	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &summary, &fault), ERR_OK);
	assert_string_equal(lines.all, "");
}

static void grant(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = 0;
}

static void refuse(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_STATE;
}

/* Each result turned into its opposite is found. */
static void test_lies(void **state)
{
	static const struct {
		Kluis__Operation__KindCase kind;
		size_t n;
		void (*change)(Kluis__Entry *entry, struct arena *arena);
	} rows[] = {
		{KIND(ROTATE_KEY), 0, grant}, {KIND(ROTATE_KEY), 1, grant}, {KIND(ROTATE_KEY), 2, refuse},
		{KIND(REVOKE), 0, grant},     {KIND(REVOKE), 1, refuse},    {KIND(MASTER_KEY), 0, grant},
		{KIND(REWRAP), 0, refuse},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t index = audit_log_find(story, rows[i].kind, rows[i].n);
		struct slice kept = story->entries[index];
		char where[32];
		audit_log_change(story, index, rows[i].change);
		audit_log_check(story, &lines);
		snprintf(where, sizeof where, "entry %zu", index);
		assert_true(lines.count > 0);
		assert_non_null(strstr(lines.all, where));
		story->entries[index] = kept;
	}
}

/* Entries signed by a key that was not in force. */
static void test_signatures_follow_the_rotation(void **state)
{
	size_t rotation = audit_log_find(story, KIND(ROTATE_KEY), 2);
	struct verify_options options = {.log = story->key.public};
	struct findings findings;
	struct verify_summary summary;
	struct fault fault = {""};

	(void)state;
	audit_log_change(story, rotation, refuse); /* as if it had not been: what follows is signed by a stranger */
	audit_log_mirror(story);
	findings = finding_lines_init(&lines);
	assert_int_equal(verify_mirror(story->mirror, &options, &findings, &summary, &fault), ERR_OK);
	assert_non_null(strstr(lines.all, "signature"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_of_it_holds),
		TEST(test_lies),
		TEST(test_signatures_follow_the_rotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
