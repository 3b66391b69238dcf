/* Incidents and data subjects' requests, as an auditor decides them again (FORMAT.md R133, R134). */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "audit_log.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct finding_lines lines;

static void refuse_for_nobody(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_NO_EMPLOYEE;
}
static struct audit_log *notices_story(void)
{
	struct franchise *formula = franchise_new(NULL);
	struct party *store = franchise_store(formula, 12, GRANT_ALL);
	struct slice id = franchise_draw(formula), other = franchise_draw(formula);
	struct slice customer = franchise_customer(formula, "1=4711");

	franchise_must(formula, store, action_incident(formula, id, 1, "one"));
	franchise_must(formula, store, action_incident(formula, id, 1, "one")); /* unchanged */
	franchise_must(formula, store, action_subject_request(formula, other, 17, customer, "forget me"));
	franchise_must(formula, store, action_subject_request(formula, id, 15, SLICE_EMPTY, "x")); /* of an incident */
	franchise_must(formula, &formula->office, action_notices(formula));
	franchise_one(formula, store,
		      action_incident(formula, franchise_draw(formula), 1, "")); /* no text: the log cannot tell */
	store->has_employee = false;
	franchise_must(formula, store, action_incident(formula, franchise_draw(formula), 1, "the agent's own"));
	franchise_one(formula, store, action_subject_request(formula, franchise_draw(formula), 15, SLICE_EMPTY, "x"));
	struct audit_log *log = audit_log_of(formula);
	franchise_free(&formula);
	return log;
}

static void test_lies(void **state)
{
	static const struct audit_lie lies[] = {
		{KIND(INCIDENT), 0, refuse_for_nobody, "refused (no_employee), but the log gives no such reason"},
		{KIND(INCIDENT), 0, lie_turn_unchanged, "recorded as unchanged, but by the log its id is new"},
		{KIND(INCIDENT), 1, lie_turn_unchanged, "recorded as new, but by the log its id is known already"},
		{KIND(INCIDENT), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
		{KIND(SUBJECT_REQUEST), 0, lie_turn_unchanged, "its id is new"},
		{KIND(SUBJECT_REQUEST), 1, lie_turn_unchanged, "its id is known already"},
		{KIND(SUBJECT_REQUEST), 2, lie_permit, "it must be refused (no_employee"},
		{KIND(NOTICES), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
	};
	struct audit_log *log = notices_story();

	(void)state;
	audit_log_check(log, &lines);
	assert_string_equal(lines.all, "");
	audit_log_tell(log, lies, sizeof lies / sizeof lies[0]);
	audit_log_free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
