#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "kluis/operation.h"
#include "recompute.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct finding_lines lines;

/* Every kind of operation has its row: a refusal out of nowhere is found, whatever the kind. */
static void recompute_strange(Kluis__Operation__KindCase kind, enum principal_kind principal, uint32_t code)
{
	struct findings findings = finding_lines_init(&lines);
	struct state facts = {.findings = &findings};
	struct entry entry = {.principal = {.kind = principal}};
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Result result = KLUIS__RESULT__INIT;
	struct step step = {.entry = &entry, .operation = &operation, .result = &result, .row = operation_row(kind)};

	operation.kind_case = kind;
	result.code = code;
	recompute(&facts, &step);
}

static void test_who_may_not_send_is_forbidden(void **state)
{
	const struct operation_row *rows;
	size_t count;

	(void)state;
	rows = operation_rows(&count);
	for (size_t i = 0; i < count; i++)
		for (unsigned kind = PRINCIPAL_CONTROLLER; kind <= PRINCIPAL_AUDITOR; kind++) {
			if ((rows[i].may & 1u << kind) != 0 || rows[i].is_unlogged)
				continue;
			recompute_strange(rows[i].kind, (enum principal_kind)kind, ERR_OK);
			assert_int_equal(lines.count, 1);
			assert_non_null(strstr(lines.first, "but by the log it is forbidden"));
			recompute_strange(rows[i].kind, (enum principal_kind)kind, ERR_FORBIDDEN);
			assert_int_equal(lines.count, 0);
		}
}

/* R120 */
static void test_what_leaves_no_entry_has_none(void **state)
{
	(void)state;
	recompute_strange(KIND(WATCH), PRINCIPAL_STORE, ERR_OK);
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.first, "of a kind that leaves no entry"));
}

static void test_before_the_charter_nothing_has_a_meaning(void **state)
{
	(void)state;
	recompute_strange(KIND(CENSUS), PRINCIPAL_CONTROLLER, ERR_OK);
	assert_non_null(strstr(lines.first, "but by the log it is state"));
	recompute_strange(KIND(CENSUS), PRINCIPAL_CONTROLLER, ERR_STATE);
	assert_int_equal(lines.count, 0);
}

static void see(const struct state *state, const struct step *step)
{
	/* a reason that no operation of head office has */
	struct finding_lines *place = &lines;
	struct findings findings = finding_lines_init(place);
	struct state facts = *state;
	Kluis__Result result = *step->result;
	struct step strange = *step;

	facts.findings = &findings;
	result.code = ERR_CLOCK;
	strange.result = &result;
	recompute(&facts, &strange);
	assert_int_equal(place->count, 1);
}

static void test_each_kind_of_the_story_has_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < story->count; i++) {
		struct entry entry;

		assert_int_equal(entry_open(story->entries[i], &story->arena, &entry, NULL), ERR_OK);
		if (entry.decoded->code == ERR_OK)
			audit_log_look(story, i, see);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_may_not_send_is_forbidden),
		cmocka_unit_test(test_what_leaves_no_entry_has_none),
		cmocka_unit_test(test_before_the_charter_nothing_has_a_meaning),
		cmocka_unit_test(test_each_kind_of_the_story_has_its_row),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up, audit_log_tear_down);
}
