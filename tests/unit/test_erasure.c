/* How the erasures of a log stand at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "action.h"
#include "audit_log.h"
#include "custody_story.h"
#include "key_action.h"

static struct custody_story custody;
static struct finding_lines lines;

static int set_up(void **state)
{
	(void)state;
	custody_begin(&custody);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	custody_end(&custody);
	return 0;
}

static void check(uint64_t erased, uint64_t complete, uint64_t owed, uint64_t overdue)
{
	struct audit_log *log = audit_log_of(custody.formula);
	struct erasure_counts counts = audit_log_check(log, &lines).erasures;

	audit_log_free(&log);
	assert_string_equal(lines.all, "");
	assert_int_equal(counts.erased, erased);
	assert_int_equal(counts.complete, complete);
	assert_int_equal(counts.owed, owed);
	assert_int_equal(counts.overdue, overdue);
}

static void rotate(void)
{
	struct franchise *formula = custody.formula;

	franchise_must(formula, &formula->office, action_master_key(formula, 2, 1));
	while (franchise_must(formula, &formula->office, action_rewrap(formula, 10)).result->has_more)
		;
	check(2, 0, 0, 0); /* under way */
	franchise_must(formula, &formula->office, action_master_key(formula, 2, 2));
}

static void test_from_outstanding_to_complete(void **state)
{
	struct franchise *formula = custody.formula;
	struct ring ring;

	(void)state;
	ring_take(&ring, formula);
	ring_add_master(&ring, 2);
	check(0, 0, 0, 0);
	franchise_must(formula, custody.store, action_lease(formula, "service", &custody.book));
	franchise_must(formula, &formula->office, action_erase(formula, custody.anna, 1));
	check(1, 0, 1, 0);
	formula->now_ms += 4 * DAY_MS; /* past the lease of 72 hours */
	franchise_must(formula, &formula->office, action_erase(formula, custody.bert, 6));
	check(2, 0, 2, 2);
	franchise_must(formula, custody.store, action_purge_customer(formula, "service", custody.anna));
	check(2, 0, 1, 1);
	franchise_must(formula, custody.store, action_purge(formula, "service", ERR_EXPIRED)); /* bert with all */
	check(2, 0, 0, 0);
	rotate();
	check(2, 2, 0, 0);
	ring_fini(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from_outstanding_to_complete, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
