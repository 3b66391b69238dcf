#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "papers.h"
#include "text.h"

static void test_grant_of_the_example(void **state)
{
	const struct grant *grant = &papers.agreement.grants[0];

	(void)state;
	assert_string_equal(grant->name, "service-at-till");
	assert_int_equal(grant->purpose, 0);
	assert_int_equal(grant->operations, 1u << OPERATION_LOOKUP | 1u << OPERATION_SYNC | 1u << OPERATION_RECEIPT |
						    1u << OPERATION_REGISTER | 1u << OPERATION_UPDATE);
	assert_int_equal(grant->scope, SCOPE_VISITED);
	assert_int_equal(grant->fields, 0x7);
	assert_int_equal(grant->mask_of[2], 1);
	assert_int_equal(grant->mask_of[0], 0);
	assert_int_equal(grant->roles, 3);
	assert_true(grant->hours.is_limited);
	assert_int_equal(grant->hours.weekdays, 0x3f);
	assert_int_equal(grant->hours.from_minute, 7 * 60);
	assert_int_equal(grant->hours.until_minute, 22 * 60);
	assert_ptr_equal(grant->hours.zone, &papers.charter.zones[0].zone);
	assert_int_equal(grant->per_day, 2000);
	assert_int_equal(grant->lease_s, 72 * 3600);
	assert_int_equal(grant->territory_count, 30);
	assert_int_equal(grant->from_s, 0);
	assert_int_equal(grant->until_s, 0);
}

/* Puts a line in the place of the grant's own. */
static enum err with_line(const char *from, const char *to, struct fault *fault)
{
	fault->text[0] = '\0';
	return papers_parse(&papers, text_replace(&papers.arena, papers.agreement_text, from, to), fault);
}

#define HOURS "hours      = mon-sat 07:00-22:00 Europe/Amsterdam"

static void test_grant_hours(void **state)
{
	static const struct {
		const char *text;
		unsigned weekdays, from, until;
	} rows[] = {
		{"mon 00:00-24:00", 0x01, 0, 1440},	      {"mon-sun 00:00-24:00", 0x7f, 0, 1440},
		{"sat-mon 09:30-17:15", 0x61, 570, 1035},     {"mon,wed,fri 08:00-12:00", 0x15, 480, 720},
		{"tue-wed,sun 22:00-06:00", 0x46, 1320, 360}, {"sun-sun 23:59-00:01", 0x40, 1439, 1},
	};
	const struct hours *hours = &papers.agreement.grants[0].hours;
	struct fault fault;
	char line[120];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "hours = %s Europe/Amsterdam", rows[i].text);
		assert_int_equal(with_line(HOURS, line, &fault), ERR_OK);
		assert_int_equal(hours->weekdays, rows[i].weekdays);
		assert_int_equal(hours->from_minute, rows[i].from);
		assert_int_equal(hours->until_minute, rows[i].until);
	}
	assert_int_equal(with_line(HOURS, "hours = always", &fault), ERR_OK);
	assert_false(hours->is_limited);
	assert_int_equal(hours->zone->offset, 0);
}

static void test_grant_territory(void **state)
{
	const struct grant *grant = &papers.agreement.grants[0];
	struct fault fault;

	(void)state;
	assert_int_equal(with_line("= EEA", "= anywhere", &fault), ERR_OK);
	assert_int_equal(grant->territory_count, 0);
	assert_int_equal(with_line("= EEA", "= US, CA, US", &fault), ERR_OK);
	assert_int_equal(grant->territory_count, 2);
	assert_string_equal(grant->territory[1], "CA");
	assert_int_equal(with_line("= EEA", "= NL, EEA, CH", &fault), ERR_OK);
	assert_int_equal(grant->territory_count, 31);
	assert_string_equal(grant->territory[0], "NL");
	assert_string_equal(grant->territory[30], "CH");
}

/* What only an agent does by itself needs neither staff nor hours; what has no copy needs no lease. */
static void test_grant_without_keys_that_do_not_matter(void **state)
{
	struct fault fault;

	(void)state;
	char *text =
		text_replace(&papers.arena, papers.agreement_text, "lookup, sync, receipt, register, update", "sync");
	text = text_replace(&papers.arena, text, "staff      = cashier, manager\n", "");
	text = text_replace(&papers.arena, text, HOURS "\n", "");
	text = text_replace(&papers.arena, text, "per-day    = 2000\n", "");
	assert_int_equal(papers_parse(&papers, text, &fault), ERR_OK);
	assert_int_equal(papers.agreement.grants[0].per_day, 0);
	text = text_replace(&papers.arena, papers.agreement_text, "lookup, sync, receipt, register, update", "lookup");
	text = text_replace(&papers.arena, text, "lease      = 72h\n", "");
	assert_int_equal(papers_parse(&papers, text, &fault), ERR_OK);
	assert_int_equal(papers.agreement.grants[0].lease_s, 0);
}

static void test_grant_refuses(void **state)
{
	static const struct {
		const char *from, *to, *fault;
	} rows[] = {
		{"purpose    = service", "purpose    = marketing", "purpose: unknown purpose 'marketing'"},
		{"lookup, sync, receipt", "lookup, browse", "operations: unknown operation 'browse'"},
		{"= visited", "= everybody", "customers: unknown scope 'everybody'"},
		{"card, name, phone", "card, shoe_size", "fields: unknown field 'shoe_size'"},
		{"card, name, phone", "all", "fields: 'all' is not a field"},
		{"card, name, phone", "card, name", "masks: field 'phone' is not among the grant's fields"},
		{"phone:last4", "phone:last5", "masks: unknown mask 'last5'"},
		{"phone:last4", "fax:last4", "masks: unknown field 'fax'"},
		{"phone:last4", "card:last4", "masks: the charter does not allow mask 'last4' on field 'card'"},
		{"phone:last4", "phone", "masks: 'phone' is not <field>:<mask>"},
		{"phone:last4", "phone:last4, phone:last4", "masks: field 'phone' has two masks"},
		{"cashier, manager", "cashier, owner", "staff: unknown role 'owner'"},
		{"staff      = cashier, manager\n", "", "lacks the key 'staff'"},
		{HOURS "\n", "", "lacks the key 'hours'"},
		{"lease      = 72h\n", "", "lacks the key 'lease'"},
		{"territory  = EEA\n", "", "lacks the key 'territory'"},
		{"fields     = card, name, phone\n", "", "lacks the key 'fields'"},
		{"Europe/Amsterdam", "Europe/Paris", "hours: unknown zone 'Europe/Paris'"},
		{"mon-sat 07", "mon-zat 07", "hours: 'mon-zat' is not days"},
		{"mon-sat 07", "mon- 07", "hours: 'mon-' is not days"},
		{"mon-sat 07", "monday 07", "hours: 'monday' is not days"},
		{"mon-sat 07", "mon,,tue 07", "hours: 'mon,,tue' is not days"},
		{"07:00-22:00", "07:00-24:01", "hours: '07:00-24:01'"},
		{"07:00-22:00", "07:00-00:00", "hours: '07:00-00:00'"},
		{"07:00-22:00", "24:00-07:00", "hours: '24:00-07:00'"},
		{"07:00-22:00", "07:00-07:00", "hours: '07:00-07:00'"},
		{"07:00-22:00", "07:60-22:00", "hours: '07:60-22:00'"},
		{"07:00-22:00", "7:00-22:00", "hours: '7:00-22:00'"},
		{"07:00-22:00", "07.00-22.00", "hours: '07.00-22.00'"},
		{"07:00-22:00 ", "07:00-22:00  ", "hours: unknown zone ' Europe/Amsterdam'"},
		{"07:00-22:00 Europe/Amsterdam", "07:00-22:00", "hours: write 'always' or"},
		{"per-day    = 2000", "per-day    = 0", "per-day: '0'"},
		{"per-day    = 2000", "per-day    = many", "per-day: 'many'"},
		{"lease      = 72h", "lease      = 0h", "lease: '0h'"},
		{"lease      = 72h", "lease      = 367d", "lease: '367d'"},
		{"= EEA", "= EEA, UK", "territory: 'UK' is neither"},
		{"= EEA", "= nl", "territory: 'nl' is neither"},
		{"= EEA", "= EEA\nfrom = 2025-12-31", "from: begins before the agreement"},
		{"= EEA", "= EEA\nuntil = 2028-01-02", "until: ends after the agreement"},
		{"= EEA", "= EEA\nfrom = 2027-01-01\nuntil = 2027-01-01", "until: ends before it begins"},
		{"= EEA", "= EEA\nfrom = 2028-01-01", "from: ends before it begins"},
		{"= EEA", "= EEA\nfrom = tomorrow", "from: 'tomorrow'"},
		{"= EEA", "= EEA\nunless = x", "unknown key 'unless' in [grant service-at-till]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault fault;
		enum err code = with_line(rows[i].from, rows[i].to, &fault);
		const char *at = strchr(fault.text, ':');
		if (code != ERR_PAPER || !strstr(fault.text, rows[i].fault) ||
		    !strstr(fault.text, "service-at-till]") || !at || at[1] == '0')
			fail_msg("row %zu: %d: %s", i, (int)code, fault.text);
	}
}

static void test_grant_names_its_line(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(with_line("phone:last4", "phone:last5", &fault), ERR_PAPER);
	/* counted in the example's text */
	unsigned line = 1;
	for (const char *at = papers.agreement_text; at < strstr(papers.agreement_text, "\nmasks "); at++)
		line += *at == '\n';
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "agreement.ini:%u: [grant service-at-till] masks:", line + 1);
	assert_int_equal(strncmp(fault.text, wanted, strlen(wanted)), 0);
}

static void test_grant_bounds(void **state)
{
	static const char section[] = "purpose = service\noperations = consent\ncustomers = all\nfields = name\n"
				      "staff = manager\nhours = always\nterritory = anywhere\n";
	struct fault fault = {.text = ""};
	static char more[10000];

	(void)state;
	for (int i = 1; i < GRANTS_MAX; i++)
		snprintf(more + strlen(more), sizeof(more) - strlen(more), "[grant g%d]\n%s", i, section);
	char *text = arena_printf(&papers.arena, "%s%s", papers.agreement_text, more);
	assert_int_equal(papers_parse(&papers, text, &fault), ERR_OK);
	assert_int_equal(papers.agreement.grant_count, GRANTS_MAX);
	text = arena_printf(&papers.arena, "%s[grant last]\n%s", text, section);
	assert_int_equal(papers_parse(&papers, text, &fault), ERR_PAPER);
	assert_non_null(strstr(fault.text, "[grant last] purpose: more than 32 grants"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_grant_of_the_example, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_hours, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_territory, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_without_keys_that_do_not_matter, papers_set_up,
						papers_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_refuses, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_names_its_line, papers_set_up, papers_tear_down),
		cmocka_unit_test_setup_teardown(test_grant_bounds, papers_set_up, papers_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
