/* Mapping files held against FoodMart's charter; the examples that are shipped must be valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/mapping.h"
#include "text.h"

struct world {
	struct arena arena;
	struct charter charter;
	struct mapping mapping;
	struct fault fault;
};
static struct world world;

static int begin(void **state)
{
	(void)state;
	arena_init(&world.arena, 16 << 20);
	const char *text = text_of_file(&world.arena, "broker/examples/foodmart/charter.ini");
	return charter_parse(slice_text(text), "charter.ini", &world.arena, &world.charter, NULL) == ERR_OK ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	arena_fini(&world.arena);
	return 0;
}

static enum err parse(enum import_kind kind, const char *text)
{
	memset(&world.fault, 0, sizeof(world.fault));
	return mapping_parse(slice_text(text), "t.map", kind, &world.charter, &world.arena, &world.mapping,
			     &world.fault);
}

static const char receipts[] =
	"[receipts]\npurpose = receipts\nstore = a\ncustomer = b\ncustomer-field = card\ndate = c\n"
	"product = d\nunits = e\namount = f\n";

static void test_mapping_parse_receipts(void **state)
{
	(void)state;
	assert_int_equal(parse(IMPORT_RECEIPTS, receipts), ERR_OK);
	assert_string_equal(world.mapping.purpose, "receipts");
	assert_string_equal(world.mapping.store.name, "a");
	assert_string_equal(world.mapping.amount.name, "f");
	assert_int_equal(world.mapping.customer_field->number, 2);
	assert_null(world.mapping.cost.name);
}

/* Fields come in the order of their numbers, whatever the text's. */
static void test_mapping_parse_customers(void **state)
{
	(void)state;
	assert_int_equal(parse(IMPORT_CUSTOMERS, "[customers]\npurpose = service\nregistered-store = constant 7\n"
						 "[fields]\nphone = p\ncustomer_id = i\ncard = c d\n"
						 "[consent]\ndirect-marketing = m, yes please = given, = = refused\n"),
			 ERR_OK);
	assert_int_equal(world.mapping.field_count, 3);
	assert_int_equal(world.mapping.fields[0].field->number, 1);
	assert_int_equal(world.mapping.fields[1].field->number, 2);
	assert_int_equal(world.mapping.fields[2].field->number, 12);
	assert_string_equal(world.mapping.fields[1].column.name, "c d");
	assert_string_equal(world.mapping.registered_store.constant, "7");
	assert_string_equal(world.mapping.customer.name, "i");
	assert_int_equal(world.mapping.consent_count, 1);
	assert_string_equal(world.mapping.consents[0].statuses[0].text, "yes please");
	assert_int_equal(world.mapping.consents[0].statuses[0].status, 4);
	assert_string_equal(world.mapping.consents[0].statuses[1].text, "=");
	assert_int_equal(world.mapping.consents[0].statuses[1].status, 3);
}

static void test_mapping_parse_refuses(void **state)
{
	static const struct {
		enum import_kind kind;
		enum err code;
		const char *text, *fault;
	} cases[] = {
		{IMPORT_STORES, ERR_INPUT, "", "t.map: section [stores] is missing"},
		{IMPORT_STORES, ERR_INPUT, "[stores]\nnumber = a\nname = b\n",
		 "t.map:1: [stores]: key 'country' is missing"},
		{IMPORT_STORES, ERR_INPUT, "[stores]\nnumber = constant 1\nname = b\ncountry = c\n",
		 "t.map:2: [stores] number: must be a column"},
		{IMPORT_STORES, ERR_INPUT, "[stores]\nnumber = a\nname = b\ncountry = c\ncolour = d\n",
		 "t.map:5: unknown key 'colour'"},
		{IMPORT_STORES, ERR_INPUT, "[stores]\nnumber = a\nname = b\ncountry = c\n[countries]\nUSA = usa\n",
		 "t.map:6:"},
		{IMPORT_STORES, ERR_INPUT, "[shops]\nnumber = a\n", "t.map:1: unknown section [shops]"},
		{IMPORT_STORES, ERR_INPUT, "[stores]\nnumber = a\nnumber = b\n", "t.map:3:"},
		{IMPORT_RECEIPTS, ERR_PURPOSE, "[receipts]\npurpose = world-peace\n", "t.map:2:"},
		{IMPORT_RECEIPTS, ERR_FIELD, "[receipts]\ncustomer-field = shoe\n", "the charter has no field 'shoe'"},
		{IMPORT_RECEIPTS, ERR_FIELD, "[receipts]\ncustomer-field = tier\n", "cannot be found by field 'tier'"},
		{IMPORT_RECEIPTS, ERR_INPUT,
		 "[receipts]\nstore = a\ncustomer = b\ndate = c\nproduct = d\nunits = e\namount = f\n",
		 "key 'purpose' is missing"},
		{IMPORT_RECEIPTS, ERR_INPUT,
		 "[receipts]\npurpose = receipts\nstore = a\ncustomer = b\ndate = c\nproduct = d\nunits = e\namount = "
		 "f\n",
		 "key 'customer-field' is missing"},
		{IMPORT_CUSTOMERS, ERR_FIELD, "[customers]\npurpose = service\n[fields]\nshoe = a\n",
		 "the charter has no field 'shoe'"},
		{IMPORT_CUSTOMERS, ERR_INPUT, "[customers]\npurpose = service\n[fields]\ncard = a\n",
		 "field 'customer_id' is missing"},
		{IMPORT_CUSTOMERS, ERR_PURPOSE, "[consent]\nworld-peace = a, Y = given\n", "no purpose 'world-peace'"},
		{IMPORT_CUSTOMERS, ERR_INPUT, "[consent]\nservice = a\n", "say what the column's texts mean"},
		{IMPORT_CUSTOMERS, ERR_INPUT, "[consent]\nservice = a, Y = perhaps\n", "'perhaps' is no status"},
		{IMPORT_CUSTOMERS, ERR_INPUT, "[consent]\nservice = a, given\n", "is not <text> = <status>"},
		{IMPORT_CUSTOMERS, ERR_INPUT, "[consent]\nservice = constant maybe\n", "'maybe' is no status"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum err code = parse(cases[i].kind, cases[i].text);

		if (code != cases[i].code || !strstr(world.fault.text, cases[i].fault))
			print_message("case %zu: '%s'\n", i, world.fault.text);
		assert_int_equal(code, cases[i].code);
		assert_non_null(strstr(world.fault.text, cases[i].fault));
	}
}

/* The maps of the examples, one file or all in one. */
static void test_mapping_parse_examples(void **state)
{
	static const struct {
		enum import_kind kind;
		const char *path;
	} cases[] = {{IMPORT_CUSTOMERS, "broker/examples/foodmart/customers.map"},
		     {IMPORT_RECEIPTS, "broker/examples/foodmart/receipts.map"},
		     {IMPORT_STORES, "broker/examples/foodmart/stores.map"}};
	const char *all = "";

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char *text = text_of_file(&world.arena, cases[i].path);

		assert_int_equal(parse(cases[i].kind, text), ERR_OK);
		all = arena_printf(&world.arena, "%s\n%s", all, text);
	}
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(parse(cases[i].kind, all), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapping_parse_receipts),
		cmocka_unit_test(test_mapping_parse_customers),
		cmocka_unit_test(test_mapping_parse_refuses),
		cmocka_unit_test(test_mapping_parse_examples),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
