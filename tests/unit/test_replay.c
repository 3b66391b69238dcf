#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "fail.h"

static struct finding_lines lines;

static void test_check_finds_nothing_in_what_a_broker_wrote(void **state)
{
	struct replay_counts counts = audit_log_check(story, &lines);

	(void)state;
	if (lines.count != 0)
		fail_msg("%s", lines.all);
	assert_int_equal(counts.entries, story->count);
	/* two requests were refused whole: a number used twice, a wrong acknowledgement */
	assert_int_equal(counts.operations, story->count - 2);
	assert_int_equal(counts.refused, 13);
	assert_int_equal(counts.disclosures, 9);
}

static void refuse_whole(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->code = ERR_BUSY;
	entry->n_results = 0;
}

static void test_check_finds_requests_refused_whole(void **state)
{
	static const struct audit_lie lies[] = {
		{KLUIS__OPERATION__KIND_LOOKUP, 0, refuse_whole, "refused whole (busy), which takes no entry"}};

	(void)state;
	audit_log_tell(story, lies, 1);
}

/* Each step of each entry once, in order. */
static enum err count_step(void *context, const struct state *state, const struct step *step, struct fault *fault)
{
	uint64_t *next = context;

	(void)state;
	(void)fault;
	assert_int_equal(step->index, *next);
	assert_int_equal(step->operation == NULL, step->entry->decoded->code != 0);
	(*next)++;
	return *next == 30 ? ERR_BUSY : ERR_OK;
}

static void test_each_hands_failures_up(void **state)
{
	struct findings findings = finding_lines_init(&lines);
	struct mirror mirror;
	struct fault fault = {""};
	uint64_t next = 0;

	(void)state;
	audit_log_mirror(story);
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	assert_int_equal(replay_each(&mirror, &story->controller, &findings, count_step, &next, &fault), ERR_BUSY);
	assert_int_equal(next, 30);
	mirror_close(&mirror);
}

static enum err check_once(void *context)
{
	struct mirror *mirror = context;
	struct findings findings = finding_lines_init(&lines);
	struct replay_counts counts;
	struct fault fault = {""};
	enum err err = replay_check(mirror, &story->controller, &findings, NULL, &counts, &fault);

	return findings.count > 0 ? ERR_OK : err;
}

static void test_check_survives_failing_calls(void **state)
{
	struct mirror mirror;
	struct fault fault = {""};

	(void)state;
	audit_log_mirror(story);
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	fail_sweep(FAIL_MEMORY, check_once, &mirror);
	mirror_close(&mirror);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_finds_nothing_in_what_a_broker_wrote),
		cmocka_unit_test(test_check_finds_requests_refused_whole),
		cmocka_unit_test(test_each_hands_failures_up),
		cmocka_unit_test(test_check_survives_failing_calls),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up, audit_log_tear_down);
}
