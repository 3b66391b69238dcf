/* Changes that meet, as an auditor sees them (FORMAT.md R131): what the broker wrote must come out, and any other must
 * not. */
#include "meeting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "random.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static struct finding_lines lines;
static struct franchise *formula;
static struct party *first, *second;
static struct slice customer;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	first = franchise_store(formula, 12, GRANT_ALL);
	second = franchise_store(formula, 7, GRANT_ALL);
	customer = franchise_visitor(formula, first, "1=4711|2=Anna|3=0612345678");
	formula->now_ms += 60000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	franchise_free(&formula);
	return 0;
}

static struct answer update(struct party *party, uint64_t made_ms, const uint32_t *basis, const char *values)
{
	struct action action = action_update(formula, "service", customer, values);

	action.operation->update->has_made_ms = true;
	action.operation->update->made_ms = made_ms;
	action.operation->update->has_basis = basis != NULL;
	action.operation->update->basis = basis == NULL ? 0 : *basis;
	return franchise_must(formula, party, action);
}

/* The story that the lies are told in: updates 0 to 3. */
static void tell(void)
{
	const uint32_t basis = 1;

	update(first, formula->now_ms - 10000, &basis, "2=Anne|3=0600000001");
	update(second, formula->now_ms - 20000, &basis, "2=Annie|4=a@example.org"); /* loses its name */
	update(second, formula->now_ms + 99999, &basis, "2=Anneke");		    /* not later than now */
	franchise_must(formula, first, action_update(formula, "service", customer, "2=Anna"));
}

static void forget_what_was_lost(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_lost = false;
	entry->results[0]->lost = 0;
}
static void lose_the_name(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_lost = true;
	entry->results[0]->lost = 2;
}
static void lose_more(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->lost |= 8;
}
static void say_that_nothing_was_lost(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_lost = true;
}

static void test_lies(void **state)
{
	static const struct audit_lie lies[] = {
		{KIND(UPDATE), 1, forget_what_was_lost, "but by the log they are 0000000000000002 (R131)"},
		{KIND(UPDATE), 1, lose_more, "records as lost the fields of mask 000000000000000a"},
		{KIND(UPDATE), 0, lose_the_name, "but by the log they are 0000000000000000"},
		{KIND(UPDATE), 0, say_that_nothing_was_lost, "but by the log they are 0000000000000000"},
		{KIND(UPDATE), 2, lose_the_name, "but by the log they are 0000000000000000"},
		{KIND(UPDATE), 3, lose_the_name, "but by the log they are 0000000000000000"},
	};

	(void)state;
	tell();
	struct audit_log *log = audit_log_of(formula);
	audit_log_check(log, &lines);
	assert_int_equal(lines.count, 0);
	audit_log_tell(log, lies, sizeof lies / sizeof lies[0]);
	audit_log_free(&log);
}

/* Broker and auditor each have their own code for it: they must agree on whatever stores send. */
static void test_broker_and_auditor_agree(void **state)
{
	struct random random = {13};
	unsigned lost = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct party *party = random_below(&random, 2) == 0 ? first : second;
		uint32_t basis = (uint32_t)random_below(&random, i + 2);
		const char *values = arena_printf(&formula->arena, "2=%s|3=06%08u", i % 5 == 0 ? "" : "Anna", i);

		if (random_below(&random, 3) == 0)
			values = "2=Anneke|4=a@example.org";
		switch (random_below(&random, 8)) {
		case 0:
			franchise_must(formula, &formula->office, action_update(formula, NULL, customer, values));
			break;
		case 1:
			franchise_must(formula, party, action_update(formula, "service", customer, values));
			break;
		default:
			lost += 0 != update(party, formula->now_ms - 3000 + random_below(&random, 4000),
					    random_below(&random, 3) == 0 ? NULL : &basis, values)
					     .result->has_lost;
		}
		formula->now_ms += random_below(&random, 700);
	}
	assert_true(lost > 50);
	struct audit_log *log = audit_log_of(formula);
	audit_log_check(log, &lines);
	assert_string_equal(lines.all, "");
	audit_log_free(&log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lies),
		TEST(test_broker_and_auditor_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
