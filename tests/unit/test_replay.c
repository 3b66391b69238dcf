#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "replay.h"

static struct audit_log *story;
static struct finding_lines lines;

static int set_up(void **state)
{
	(void)state;
	story = audit_log_story(false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	audit_log_free(&story);
	return 0;
}

static struct replay_counts check(void)
{
	struct findings findings = finding_lines_init(&lines);
	struct mirror mirror;
	struct replay_counts counts;
	struct fault fault = {""};

	audit_log_mirror(story);
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	enum err err = replay_check(&mirror, &story->controller, &findings, &counts, &fault);
	mirror_close(&mirror);
	if (err != ERR_OK)
		fail_msg("replay: %s", fault.text);
	return counts;
}

static void test_check_finds_nothing_in_what_a_broker_wrote(void **state)
{
	struct replay_counts counts = check();

	(void)state;
	if (lines.count != 0)
		fail_msg("%s", lines.all);
	assert_int_equal(counts.entries, story->count);
	assert_true(counts.refused > 8);
	assert_true(counts.disclosures > 5);
}

/* ---- a broker that writes what is not so ---- */

#define KIND(name) KLUIS__OPERATION__KIND_##name

static void permit_it(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_OK;
}

static void refuse_by_hours(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->code = ERR_HOURS;
	entry->results[0]->n_disclosures = 0;
}

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

static void turn_unchanged(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->has_is_unchanged = true;
	entry->results[0]->is_unchanged = !entry->results[0]->is_unchanged;
}

static void write_version_7(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->results[0]->version = 7;
}

static void refuse_whole(Kluis__Entry *entry, struct arena *arena)
{
	(void)arena;
	entry->code = ERR_BUSY;
	entry->n_results = 0;
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

/* Which entry of the story is spoilt how, and what must be said of it. */
static const struct {
	Kluis__Operation__KindCase kind;
	size_t n; /* of the kind */
	void (*change)(Kluis__Entry *entry, struct arena *arena);
	const char *finding;
} lies[] = {
	{KIND(LOOKUP), 1, permit_it, "recorded as permitted"}, /* scope */
	{KIND(LOOKUP), 1, refuse_by_hours, "by the log it is scope"},
	{KIND(LOOKUP), 3, permit_it, "by the log it is no_grant_purpose"},
	{KIND(LOOKUP), 2, permit_it, "permitted without naming a customer"},
	{KIND(LOOKUP), 2, refuse_by_hours, "the log gives no such reason"},
	{KIND(LOOKUP), 0, refuse_by_hours, "refused (hours), but the log gives no such reason"},
	{KIND(LOOKUP), 0, name_other_clause,
	 "names the clause \"grant other\", but by the log it is \"grant service\""},
	{KIND(LOOKUP), 1, name_other_clause, "but by the log it is \"grant service: customers\""},
	{KIND(LOOKUP), 0, add_field, "discloses fields of customer"},
	{KIND(LOOKUP), 0, disclose_version_9, "discloses version 9 of customer"},
	{KIND(LOOKUP), 0, disclose_by_grant_3, "under grant number 3, but by the log number 0 decides"},
	{KIND(LOOKUP), 0, disclose_nothing, "does not disclose exactly the customer that was found"},
	{KIND(LOOKUP), 0, name_nobody, "a customer whom no entry has registered"},
	{KIND(LOOKUP), 6, permit_it, "by the log it is restricted"},
	{KIND(LOOKUP), 8, permit_it, "by the log it is per_day"},
	{KIND(LOOKUP), 10, permit_it, "by the log it is suspended"},
	{KIND(SYNC), 1, turn_cursor_back, "its cursor goes back from 1 to 0"},
	{KIND(SYNC), 0, withhold, "but the log allows it"},
	{KIND(SYNC), 0, add_field, "discloses fields of customer"},
	{KIND(UPDATE), 0, write_version_7, "writes version 7 after version 1"},
	{KIND(UPDATE), 0, disclose_beside, "which this operation never does"},
	{KIND(UPDATE), 1, permit_it, "it must be refused (not_granted_field"},
	{KIND(UPDATE), 2, permit_it, "by the log it is scope"},
	{KIND(RECEIPT), 2, turn_unchanged, "but its id was not used before"},
	{KIND(RECEIPT), 3, turn_unchanged, "but its id was used before"},
	{KIND(REGISTRATION), 2, write_version_7, "does not begin with version 1"},
	{KIND(REGISTRATION), 2, refuse_by_hours, "the log gives no such reason"},
	{KIND(CONSENT), 0, turn_unchanged, "was otherwise before"},
	{KIND(RESTRICTION), 0, turn_unchanged, "was otherwise before"},
	{KIND(STANDING), 1, permit_it, "it must be refused (state"},
	{KIND(STANDING), 0, refuse_by_hours, "the log gives no such reason"},
	{KIND(OPEN_STORE), 0, turn_unchanged, "recorded as unchanged, but by the log it is not"},
	{KIND(ACCEPT), 0, refuse_by_hours, "the log gives no such reason"},
	{KIND(OFFER), 0, refuse_by_hours, "the log gives no such reason"},
	{KIND(STAFF), 0, refuse_by_hours, "the log gives no such reason"},
	{KIND(JOIN), 0, refuse_by_hours, "the log gives no such reason"},
	{KIND(INVITE), 0, refuse_by_hours, "the log gives no such reason"},
	{KIND(LOOKUP), 0, refuse_whole, "refused whole (busy)"},
};

static void test_check_names_each_lie(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		size_t index = audit_log_find(story, lies[i].kind, lies[i].n);
		struct slice honest = story->entries[index];
		char where[64];

		audit_log_change(story, index, lies[i].change);
		check();
		snprintf(where, sizeof(where), "entry %zu (tile/entries/000.p/%zu): ", index, story->count);
		const char *line = strstr(lines.all, where);
		if (line == NULL || strstr(lines.all, lies[i].finding) == NULL)
			fail_msg("row %zu: entry %zu, \"%s\" is not in:\n%s", i, index, lies[i].finding, lines.all);
		story->entries[index] = honest;
		scratch_remove(story->mirror);
	}
	check();
	assert_int_equal(lines.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check_names_each_lie, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_check_finds_nothing_in_what_a_broker_wrote, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
