#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "recompute.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static const struct audit_lie lies[] = {
	{KIND(STANDING), 1, lie_permit, "it must be refused (state"},
	{KIND(STANDING), 0, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(OPEN_STORE), 0, lie_turn_unchanged, "recorded as unchanged, but by the log it is not"},
	{KIND(ACCEPT), 0, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(OFFER), 0, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(STAFF), 0, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(JOIN), 0, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(INVITE), 2, lie_permit, "it must be refused (value"},
	{KIND(INVITE), 0, lie_refuse_by_hours, "the log gives no such reason"},
};

static void test_recompute_finds_each_lie_about_papers_and_people(void **state)
{
	(void)state;
	audit_log_tell(story, lies, sizeof(lies) / sizeof(lies[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recompute_finds_each_lie_about_papers_and_people),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up, audit_log_tear_down);
}
