#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/charter.h"
#include "kluis/hash.h"
#include "text.h"

#define MINIMAL "broker/examples/minimal/charter.ini"

static struct charter charter;

static void test_charter_parse_minimal(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};
	uint8_t hash[HASH_SIZE];

	(void)state;
	arena_init(&arena, 1 << 20);
	char *text = text_of_file(&arena, MINIMAL);
	assert_int_equal(charter_parse(slice_text(text), "charter.ini", &arena, &charter, &fault), ERR_OK);
	assert_string_equal(charter.origin, "minimal.example/kluis");
	assert_string_equal(charter.version, "1");
	assert_int_equal(charter.version_number, 1);
	assert_string_equal(charter.controller_name, "Minimal Formula B.V.");
	assert_string_equal(charter.controller_contact, "privacy@minimal.example");
	assert_string_equal(charter.dpo_name, "J. Jansen");
	assert_string_equal(charter.dpo_contact, "dpo@minimal.example");
	assert_int_equal(charter.field_count, 4);
	assert_int_equal(charter.all_fields, 0xf);
	assert_int_equal(charter.fields[2].type, FIELD_PHONE);
	assert_int_equal(charter.fields[2].masks, 1);
	assert_true(charter.fields[0].is_identifier);
	assert_int_equal(charter.masks[0].kind, MASK_LAST);
	assert_int_equal(charter.masks[0].count, 4);
	assert_int_equal(charter.purpose_count, 2);
	assert_false(charter.purposes[0].needs_consent);
	assert_true(charter.purposes[1].needs_consent);
	assert_string_equal(charter.purposes[1].term, "dpv:DirectMarketing");
	assert_int_equal(charter.role_count, 2);
	assert_int_equal(charter.zones[0].zone.offset, 3600);
	assert_int_equal(charter.ownership, OWNERSHIP_LATEST_TRANSACTION);
	assert_int_equal(charter.ownership_window_days, 0);
	assert_int_equal(charter.visited_window_days, 0);
	assert_int_equal(charter.smallest_group, 10);
	assert_int_equal(charter.retention_count, 2);
	assert_int_equal(charter.retention[0].days, 730);
	sha256(slice_text(text), hash);
	assert_memory_equal(charter.hash, hash, HASH_SIZE);
}

/* Its 26 fields have the numbers 1 to 26; customer_id is the identifier. */
static void test_charter_parse_foodmart(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};

	(void)state;
	arena_init(&arena, 1 << 20);
	char *text = text_of_file(&arena, "broker/examples/foodmart/charter.ini");
	enum err code = charter_parse(slice_text(text), "charter.ini", &arena, &charter, &fault);
	if (code != ERR_OK)
		fail_msg("%s", fault.text);
	assert_int_equal(charter.field_count, 26);
	assert_true(charter.all_fields == (UINT64_C(1) << 26) - 1);
	assert_string_equal(charter_identifier(&charter)->name, "customer_id");
	assert_int_equal(charter_field_by_name(&charter, "phone")->number, 12);
	assert_int_equal(charter.zone_count, 5);
}

static void test_charter_parse_sorts_fields(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};

	(void)state;
	arena_init(&arena, 1 << 20);
	char *text = text_of_file(&arena, MINIMAL);
	text = text_replace(&arena, text, "number     = 1", "number     = 64");
	assert_int_equal(charter_parse(slice_text(text), "c", &arena, &charter, &fault), ERR_OK);
	assert_string_equal(charter.fields[0].name, "name");
	assert_string_equal(charter.fields[3].name, "card");
	assert_string_equal(charter.fields[1].name, "phone");
	assert_int_equal(charter.fields[1].masks, 1);
	assert_true(charter.all_fields == (UINT64_C(1) << 63 | 0xe));
}

static void test_charter_parse_windows(void **state)
{
	struct arena arena CLEANUP(arena_fini);

	(void)state;
	arena_init(&arena, 1 << 20);
	char *text = text_of_file(&arena, MINIMAL);
	text = text_replace(&arena, text, "rule = latest-transaction\n",
			    "rule = first-registration\nwindow = 365d\n[visited]\nwindow = 90d\n"
			    "[statistics]\nsmallest-group = 5\n");
	assert_int_equal(charter_parse(slice_text(text), "c", &arena, &charter, NULL), ERR_OK);
	assert_int_equal(charter.ownership, OWNERSHIP_FIRST_REGISTRATION);
	assert_int_equal(charter.ownership_window_days, 365);
	assert_int_equal(charter.visited_window_days, 90);
	assert_int_equal(charter.smallest_group, 5);
}

/* Each row spoils the minimal charter in one place; the fault has the line and the thing. */
static void test_charter_parse_refuses(void **state)
{
	static const struct {
		const char *from, *to, *fault;
	} rows[] = {
		{"minimal.example/kluis", "a b", ":3: [formula] origin: 'a b' is not an origin"},
		{"minimal.example/kluis", "a+b", ":3: [formula] origin: 'a+b' is not an origin"},
		{"version = 1", "version = 0", ":4: [formula] version: '0'"},
		{"version = 1", "version = 1.1", ":4: [formula] version: '1.1'"},
		{"origin  =", "colour =", ":3: unknown key 'colour' in [formula]"},
		{"version = 1\n", "", ":2: [formula] lacks the key 'version'"},
		{"[dpo]\nname    = J. Jansen\ncontact = dpo@minimal.example\n", "", "section [dpo] is missing"},
		{"keeps = last 4", "keeps = last", ":16: [mask last4] keeps: write 'nothing'"},
		{"keeps = last 4", "keeps = last 0", ":16: [mask last4] keeps: '0'"},
		{"keeps = last 4", "keeps = last 33", ":16: [mask last4] keeps: '33'"},
		{"keeps = last 4", "keeps = nothing 1", ":16: [mask last4] keeps: write 'nothing'"},
		{"keeps = last 4", "keeps = middle 1", ":16: [mask last4] keeps: 'middle' is none of nothing, first"},
		{"keeps = last 4", "keeps = year", "[field phone] masks: only a date has a year to keep: 'last4'"},
		{"[mask last4]", "[mask Last4]", ":16: [mask Last4] keeps: 'Last4' is not a name"},
		{"[field name]", "[field 1name]", "[field 1name] number: '1name' is not a name"},
		{"number   = 2", "number   = 0", ":26: [field name] number: '0'"},
		{"number   = 2", "number   = 65", ":26: [field name] number: '65'"},
		{"number   = 2", "number   = 1", ":26: [field name] number: number of another field, 'card'"},
		{"category = contact", "category = health",
		 ":32: [field phone] category: [retention] has no line for 'health'"},
		{"category = contact", "category = Contact", ":32: [field phone] category: category 'Contact'"},
		{"type     = name", "type     = colour",
		 ":28: [field name] type: 'colour' is none of text, name, card"},
		{"lookup     = yes", "lookup     = maybe", ":22: [field card] lookup: 'maybe'"},
		{"lookup     = yes", "lookup     = no", ":23: [field card] identifier: needs lookup = yes"},
		{"type     = email", "type = email\nidentifier = yes",
		 "[field email] identifier: there is one already, 'card'"},
		{"masks    = last4", "masks    = last5",
		 ":35: [field phone] masks: there is no section for mask 'last5'"},
		{"masks    = last4", "masks    = last4,", ":35: [field phone] masks: empty item"},
		{"dpv:CustomerCare", "CustomerCare", ":44: [purpose service] term: 'CustomerCare'"},
		{"dpv:CustomerCare", "dpv:customer care", ":44: [purpose service] term: 'dpv:customer care'"},
		{"A6-1-b", "A6-1-g", ":45: [purpose service] legal-basis: 'A6-1-g' is none of A6-1-a"},
		{"A6-1-b", "consent", ":45: [purpose service] legal-basis: 'consent'"},
		{"cashier, manager", "cashier, Manager", ":54: [roles] names: 'Manager' is not a name"},
		{"cashier, manager", "cashier, cashier", ":54: [roles] names: role 'cashier' stands twice"},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Amsterdam", ":57: [zones] Europe/Amsterdam: 'Europe/Amsterdam'"},
		{"Europe/Amsterdam =", "Europe, Amsterdam =", ":57: [zones] Europe, Amsterdam: a zone's name"},
		{"rule = latest-transaction", "rule = latest", ":60: [ownership] rule: 'latest' is none of first"},
		{"rule = latest-transaction", "rule = latest-transaction\nwindow = 36h",
		 ":61: [ownership] window: '36h'"},
		{"contact  = 730d", "contact  = 0d", ":64: [retention] contact: '0d'"},
		{"contact  = 730d", "contact  = 36526d", ":64: [retention] contact: '36526d'"},
		{"contact  = 730d", "Contact  = 730d", ":64: [retention] Contact: 'Contact' is not a name"},
		{"contact  = 730d", "contact  = 730d\n[statistics]\nsmallest-group = 0", ":66: [statistics]"},
		{"[retention]", "[Retention]", ":62: unknown section [Retention]"},
	};
	struct arena arena CLEANUP(arena_fini);

	(void)state;
	arena_init(&arena, 1 << 22);
	char *text = text_of_file(&arena, MINIMAL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		charter.version_number = 99;
		struct fault fault = {.text = ""};
		char *spoilt = text_replace(&arena, text, rows[i].from, rows[i].to);
		enum err code = charter_parse(slice_text(spoilt), "charter.ini", &arena, &charter, &fault);
		if (code != ERR_PAPER || !strstr(fault.text, rows[i].fault) ||
		    strncmp(fault.text, "charter.ini:", 12) != 0 || !strstr(fault.text, "; see kluis-charter(5)"))
			fail_msg("row %zu: %d: %s", i, (int)code, fault.text);
		assert_int_equal(charter.version_number, 99);
	}
}

static void test_charter_parse_needs_fields_and_purposes(void **state)
{
	static const char text[] = "[formula]\norigin=a.b/c\nversion=1\n[controller]\nname=n\naddress=a\ncontact=c\n"
				   "[dpo]\nname=n\ncontact=c\n[roles]\nnames=a\n[ownership]\nrule=first-registration\n";
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(charter_parse(slice_text(text), "c", &arena, &charter, &fault), ERR_PAPER);
	assert_string_equal(fault.text, "c: there is no [field <name>]; see kluis-charter(5)");
}

/* More sections of a kind than limits.h allows. */
static void test_charter_parse_bounds(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};
	static char more[1 << 12];

	(void)state;
	arena_init(&arena, 1 << 20);
	char *text = text_of_file(&arena, MINIMAL);
	for (int i = 0; i < MASKS_MAX; i++)
		snprintf(more + strlen(more), 64, "[mask m%d]\nkeeps = nothing\n", i);
	snprintf(more + strlen(more), 64, "[mask last4]\n");
	text = text_replace(&arena, text, "[mask last4]\n", more);
	assert_int_equal(charter_parse(slice_text(text), "c", &arena, &charter, &fault), ERR_PAPER);
	assert_non_null(strstr(fault.text, "[mask last4] keeps: more than 32"));
}

static void test_charter_parse_without_memory(void **state)
{
	struct arena source CLEANUP(arena_fini);
	enum err code = ERR_MEMORY;

	(void)state;
	arena_init(&source, 1 << 20);
	char *text = text_of_file(&source, MINIMAL);
	for (size_t ceiling = 0; code != ERR_OK; ceiling += 64) {
		struct arena arena CLEANUP(arena_fini);
		arena_init(&arena, ceiling);
		code = charter_parse(slice_text(text), "c", &arena, &charter, NULL);
		assert_true(code == ERR_OK || code == ERR_MEMORY);
		assert_true(ceiling < 1 << 20);
	}
}

#define MAN "broker/man/kluis-charter.5"

/* Whatever key the reader knows, kluis-charter(5) explains. The reader lists them when it meets another. */
static void test_charter_keys_are_in_the_manual(void **state)
{
	static const char *const sections[] = {"formula",   "controller", "dpo",       "field x", "mask x",
					       "purpose x", "roles",	  "ownership", "visited", "statistics"};
	struct arena arena CLEANUP(arena_fini);

	(void)state;
	arena_init(&arena, 1 << 24);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		struct fault fault = {.text = ""};
		char *text = arena_printf(&arena, "[%s]\nzzz = 1\n", sections[i]);
		assert_int_equal(charter_parse(slice_text(text), "c", &arena, &charter, &fault), ERR_PAPER);
		const char *known = strstr(fault.text, "known are: ");
		assert_true(known && strstr(known, "; see kluis-charter(5)"));
		const char *missing = text_missing_key(&arena, MAN, known + strlen("known are: "));
		if (missing)
			fail_msg("[%s]: not in the manual: %s", sections[i], missing);
	}
}

/* The manual's mask and field take the place of the minimal charter's. */
static void test_charter_example_of_the_manual(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	struct fault fault = {.text = ""};

	(void)state;
	arena_init(&arena, 1 << 20);
	char *text = text_of_file(&arena, MINIMAL);
	text = text_replace(&arena, text, "[mask last4]\nkeeps = last 4\n", "");
	text = text_replace(&arena, text,
			    "[field phone]\nnumber   = 3\ncategory = contact\ntype     = phone\nlookup   = yes\n"
			    "masks    = last4\n",
			    text_of_man_example(&arena, MAN));
	if (charter_parse(slice_text(text), "c", &arena, &charter, &fault) != ERR_OK)
		fail_msg("%s", fault.text);
	assert_int_equal(charter_field_by_name(&charter, "phone")->number, 12);
	assert_int_equal(charter.mask_count, 1);
}

static enum err parse_minimal(void *context)
{
	struct arena arena CLEANUP(arena_fini);

	arena_init(&arena, 1 << 20);
	return charter_parse(slice_text(context), "c", &arena, &charter, NULL);
}

static void test_charter_parse_with_failing_allocations(void **state)
{
	struct arena arena CLEANUP(arena_fini);

	(void)state;
	arena_init(&arena, 1 << 20);
	fail_sweep(FAIL_MEMORY, parse_minimal, text_of_file(&arena, MINIMAL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_charter_parse_minimal),
		cmocka_unit_test(test_charter_parse_foodmart),
		cmocka_unit_test(test_charter_parse_sorts_fields),
		cmocka_unit_test(test_charter_parse_windows),
		cmocka_unit_test(test_charter_parse_refuses),
		cmocka_unit_test(test_charter_parse_needs_fields_and_purposes),
		cmocka_unit_test(test_charter_parse_bounds),
		cmocka_unit_test(test_charter_parse_without_memory),
		cmocka_unit_test(test_charter_keys_are_in_the_manual),
		cmocka_unit_test(test_charter_example_of_the_manual),
		cmocka_unit_test(test_charter_parse_with_failing_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
