#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "recompute.h"

#define KIND(name) KLUIS__OPERATION__KIND_##name

static void name_other_clause(Kluis__Entry *entry, struct arena *arena)
{
	entry->results[0]->clause = arena_text(arena, slice_text("grant other"));
}

static void add_field(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->disclosures[0]->fields |= 8; /* email, which grant service does not have */
}

static void disclose_version_9(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->disclosures[0]->version = 9;
}

static void disclose_by_grant_3(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->disclosures[0]->grant = 3;
}

static void disclose_nothing(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->n_disclosures = 0;
}

static void name_nobody(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	memset(entry->results[0]->customer.data, 0xEE, PSEUDONYM_SIZE);
}

static void turn_cursor_back(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->cursor = 0;
}

static void withhold(Kluis__Entry *entry, struct arena *arena)
{
	Kluis__Disclosure *disclosure = entry->results[0]->disclosures[0];

	(void)arena;
	disclosure->has_commitment = false;
	disclosure->version = 0;
	disclosure->fields = 0;
	disclosure->has_withheld = true;
	disclosure->withheld = ERR_SCOPE;
}

static void write_version_7(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->version = 7;
}

static void disclose_beside(Kluis__Entry *entry, struct arena *arena)
{
	Kluis__Disclosure *disclosure = arena_alloc(arena, sizeof(*disclosure));

	kluis__disclosure__init(disclosure);
	disclosure->customer = entry->results[0]->customer;
	disclosure->has_commitment = true;
	disclosure->commitment = wire_data(SLICE(arena_alloc(arena, HASH_SIZE), HASH_SIZE));
	disclosure->version = 1;
	disclosure->fields = 1;
	entry->results[0]->disclosures = arena_alloc(arena, sizeof(disclosure));
	entry->results[0]->disclosures[0] = disclosure;
	entry->results[0]->n_disclosures = 1;
}

/* What a broker might write of the story (audit_log.c) that is not so, and what must be said of it. */
static const struct audit_lie lies[] = {
	{KIND(LOOKUP), 1, lie_permit, "recorded as permitted"},
	{KIND(LOOKUP), 1, lie_refuse_by_hours, "by the log it is scope"},
	{KIND(LOOKUP), 3, lie_permit, "by the log it is no_grant_purpose"},
	{KIND(LOOKUP), 2, lie_permit, "permitted without naming a customer"},
	{KIND(LOOKUP), 2, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(LOOKUP), 0, lie_refuse_by_hours, "refused (hours), but the log gives no such reason"},
	{KIND(LOOKUP), 0, name_other_clause,
	 "names the clause \"grant other\", but by the log it is \"grant service\""},
	{KIND(LOOKUP), 1, name_other_clause, "but by the log it is \"grant service: customers\""},
	{KIND(LOOKUP), 0, add_field, "discloses fields of customer"},
	{KIND(LOOKUP), 0, disclose_version_9, "discloses version 9 of customer"},
	{KIND(LOOKUP), 0, disclose_by_grant_3, "under grant number 3, but by the log number 0 decides"},
	{KIND(LOOKUP), 0, disclose_nothing, "does not disclose exactly the customer that was found"},
	{KIND(LOOKUP), 0, name_nobody, "a customer whom no entry has registered"},
	{KIND(LOOKUP), 6, lie_permit, "by the log it is restricted"},
	{KIND(LOOKUP), 8, lie_permit, "by the log it is per_day"},
	{KIND(LOOKUP), 10, lie_permit, "by the log it is suspended"},
	{KIND(SYNC), 1, turn_cursor_back, "its cursor goes back from 1 to 0"},
	{KIND(SYNC), 0, withhold, "but the log allows it"},
	{KIND(SYNC), 0, add_field, "discloses fields of customer"},
	{KIND(UPDATE), 0, write_version_7, "writes version 7 after version 1"},
	{KIND(UPDATE), 0, disclose_beside, "which this operation never does"},
	{KIND(UPDATE), 1, lie_permit, "it must be refused (not_granted_field"},
	{KIND(UPDATE), 2, lie_permit, "by the log it is scope"},
	{KIND(RECEIPT), 2, lie_turn_unchanged, "but its id was not used before"},
	{KIND(RECEIPT), 3, lie_turn_unchanged, "but its id was used before"},
	{KIND(REGISTRATION), 2, write_version_7, "does not begin with version 1"},
	{KIND(REGISTRATION), 2, lie_refuse_by_hours, "the log gives no such reason"},
	{KIND(CONSENT), 0, lie_turn_unchanged, "was otherwise before"},
	{KIND(RESTRICTION), 0, lie_turn_unchanged, "was otherwise before"},
};

static void test_recompute_finds_each_lie_about_customers(void **state)
{
	(void)state;
	audit_log_tell(story, lies, sizeof(lies) / sizeof(lies[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recompute_finds_each_lie_about_customers),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up, audit_log_tear_down);
}
