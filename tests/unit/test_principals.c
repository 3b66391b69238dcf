#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "principals.h"

static struct finding_lines lines;
static struct findings findings;
static struct arena facts;
static struct principals principals;

static int set_up(void **state)
{
	(void)state;
	story = audit_log_story(false);
	findings = finding_lines_init(&lines);
	arena_init(&facts, (size_t)16 * 1024 * 1024);
	principals_init(&principals, &story->controller, &facts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	principals_fini(&principals);
	arena_fini(&facts);
	audit_log_free(&story);
	return 0;
}

static struct entry entry_at(size_t index)
{
	struct entry entry;

	assert_int_equal(entry_open(story->entries[index], &story->arena, &entry, NULL), ERR_OK);
	return entry;
}

static void take(size_t index)
{
	struct entry entry = entry_at(index);

	assert_int_equal(principals_take(&principals, index, &entry, &findings), ERR_OK);
}

static void take_until(size_t end)
{
	for (size_t i = 0; i < end; i++)
		take(i);
	if (lines.count > 0)
		fail_msg("%s", lines.all);
}

static void test_keys_are_known_from_the_join_on(void **state)
{
	size_t join = audit_log_find(story, KLUIS__OPERATION__KIND_JOIN, 0);
	struct entry entry = entry_at(join), next = entry_at(join + 3); /* accept */
	uint8_t key[KEY_SIZE];

	(void)state;
	assert_int_equal(next.principal.kind, PRINCIPAL_STORE);
	take_until(join);
	assert_false(principals_key(&principals, &next, key));
	assert_true(principals_key(&principals, &entry, key)); /* a join brings its own */
	assert_int_equal(entry_verify(&entry, key), ERR_OK);
	take(join);
	assert_true(principals_key(&principals, &next, key));
	assert_int_equal(entry_verify(&next, key), ERR_OK);
	assert_null(principals_find(&principals, slice_text("nobody.example/store/1")));
}

static void test_whole_story_is_in_order(void **state)
{
	(void)state;
	take_until(story->count);
	assert_int_equal(principals.by_name.count, 3);
}

static void test_left_out_repeated_and_exchanged_entries_are_found(void **state)
{
	size_t lookup = audit_log_find(story, KLUIS__OPERATION__KIND_LOOKUP, 0);

	(void)state;
	take_until(lookup);
	take(lookup + 1); /* one of the same lane left out */
	assert_int_equal(lines.count, 2);
	assert_non_null(strstr(lines.first, "(R34)"));
	assert_non_null(strstr(lines.last, "(R35)"));
	take(lookup + 1); /* once more */
	assert_non_null(strstr(lines.last, "(R35)"));
	assert_int_equal(lines.count, 4);
}

static void refuse_acknowledgement(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->code = ERR_ACKNOWLEDGEMENT;
	entry->n_results = 0;
}

static void call_it_reused(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->code = ERR_REUSED;
	entry->n_results = 0;
}

static void test_refusals_that_were_none_are_found(void **state)
{
	size_t lookup = audit_log_find(story, KLUIS__OPERATION__KIND_LOOKUP, 0);

	(void)state;
	take_until(lookup);
	audit_log_change(story, lookup, call_it_reused);
	take(lookup);
	assert_non_null(strstr(lines.last, "refused as a reuse of number"));
	audit_log_change(story, lookup, refuse_acknowledgement);
	take(lookup);
	assert_non_null(strstr(lines.last, "which is right"));
	assert_int_equal(lines.count, 2);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_keys_are_known_from_the_join_on),
		FRESH(test_whole_story_is_in_order),
		FRESH(test_left_out_repeated_and_exchanged_entries_are_found),
		FRESH(test_refusals_that_were_none_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
