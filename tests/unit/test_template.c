#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "papers.h"
#include "text.h"

static const char *value_of(void *context, const char *key)
{
	static char longest[200];

	(void)context;
	memset(longest, 'x', sizeof(longest) - 1);
	if (strcmp(key, "name") == 0)
		return "Store 1";
	if (strcmp(key, "empty") == 0)
		return "";
	if (strcmp(key, "blank") == 0)
		return "  ";
	if (strcmp(key, "padded") == 0)
		return " a b ";
	if (strcmp(key, "dollar") == 0)
		return "${name}";
	if (strcmp(key, "newline") == 0)
		return "a\n[grant all]";
	if (strcmp(key, "comment") == 0)
		return "a ; b";
	if (strcmp(key, "hash") == 0)
		return "# a";
	if (strcmp(key, "section") == 0)
		return "[a]";
	if (strcmp(key, "invalid") == 0)
		return "\xff";
	return strcmp(key, "longest") == 0 ? longest : NULL;
}

static void test_agreement_fill(void **state)
{
	static const struct {
		const char *text, *filled;
	} rows[] = {
		{"", ""},
		{"a", "a\n"},
		{"\n\n", "\n\n"},
		{"x = ${name}\n", "x = Store 1\n"},
		{"${name}${name}, ${name}\n", "Store 1Store 1, Store 1\n"},
		{"x = ${empty}, ${blank}\n", "x = -, -\n"},
		{"x = ${padded}.\n", "x = a b.\n"},
		{"x = $ $$ $name {name} $\n", "x = $ $$ $name {name} $\n"},
		/* what is put in is not filled again */
		{"x = ${dollar}\n", "x = ${name}\n"},
	};
	struct bytes filled CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&filled, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bytes_clear(&filled);
		assert_int_equal(agreement_fill(slice_text(rows[i].text), "t", value_of, NULL, &filled, NULL), ERR_OK);
		assert_true(slice_equal(bytes_slice(&filled), slice_text(rows[i].filled)));
	}
}

static void test_agreement_fill_refuses(void **state)
{
	static const struct {
		const char *text, *fault;
	} rows[] = {
		{"a\nx = ${colour}\n", "t:2: unknown placeholder ${colour}"},
		{"x = ${name\n", "t:1: '${' without"},
		{"x = ${}\n", "t:1: '${' without"},
		{"x = ${Name}\n", "t:1: a placeholder's name"},
		{"x = ${newline}\n", "t:1: value of ${newline} has control"},
		{"x = ${invalid}\n", "t:1: value of ${invalid} has control"},
		{"x = ${comment}\n", "t:1: value of ${comment} has a ';'"},
		{"${hash}\n", "t:1: value of ${hash} has a ';', or begins"},
		{"${section}\n", "t:1: value of ${section} has a ';', or begins"},
		{"x = ${longest}\n", "t:1: line is longer than 180"},
	};
	struct bytes filled CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&filled, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault fault = {.text = ""};
		assert_int_equal(agreement_fill(slice_text(rows[i].text), "t", value_of, NULL, &filled, &fault),
				 ERR_INPUT);
		if (strncmp(fault.text, rows[i].fault, strlen(rows[i].fault)) != 0)
			fail_msg("row %zu: %s", i, fault.text);
	}
}

static void test_agreement_fill_bounds(void **state)
{
	struct bytes filled CLEANUP(bytes_fini);
	char line[182];

	(void)state;
	bytes_init(&filled, 181);
	memset(line, 'a', sizeof(line));
	assert_int_equal(agreement_fill(SLICE(line, 181), "t", value_of, NULL, &filled, NULL), ERR_INPUT);
	assert_int_equal(agreement_fill(SLICE(line, 180), "t", value_of, NULL, &filled, NULL), ERR_OK);
	assert_int_equal(agreement_fill(SLICE(line, 1), "t", value_of, NULL, &filled, NULL), ERR_TOO_LARGE);
}

/* Rows as FoodMart's: head office, which has no manager and no telephone, and store 12. */
struct store_row {
	const char *key, *value[2];
};

struct row_context {
	int row;
	char charter[2 * HASH_SIZE + 1];
};

static const char *row_value(void *context, const char *key)
{
	static const struct store_row rows[] = {
		{"store_id", {"0", "12"}},
		{"store_name", {"HQ", "Store 12"}},
		{"store_street_address", {"1 Alameda Way", "1120 Westchester Pl"}},
		{"store_city", {"Alameda", "Hidalgo"}},
		{"store_state", {"CA", "Zacatecas"}},
		{"country", {"US", "MX"}},
		{"store_manager", {"", "Kalman"}},
		{"store_phone", {"", "151-555-1702"}},
		{"from", {"1997-01-01", "1997-01-01"}},
		{"until", {"2030-01-01", "2030-01-01"}},
	};
	const struct row_context *row = context;

	if (strcmp(key, "charter") == 0)
		return row->charter;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].key, key) == 0)
			return rows[i].value[row->row];
	return NULL;
}

/* FoodMart's template, filled for both, is a valid agreement under FoodMart's charter. */
static void test_agreement_fill_foodmart(void **state)
{
	static struct charter charter;
	static struct agreement agreement;
	static const unsigned numbers[] = {0, 12};
	struct arena arena CLEANUP(arena_fini);
	struct bytes filled CLEANUP(bytes_fini);
	struct row_context context = {.row = 0};
	struct fault fault = {.text = ""};

	(void)state;
	arena_init(&arena, 1 << 22);
	bytes_init(&filled, PAPER_MAX);
	char *charter_text = text_of_file(&arena, "broker/examples/foodmart/charter.ini");
	char *template = text_of_file(&arena, "broker/examples/foodmart/agreement.template.ini");
	assert_int_equal(charter_parse(slice_text(charter_text), "c", &arena, &charter, &fault), ERR_OK);
	hex_print(SLICE_ARRAY(charter.hash), context.charter);
	for (; context.row < 2; context.row++) {
		bytes_clear(&filled);
		assert_int_equal(agreement_fill(slice_text(template), "t", row_value, &context, &filled, &fault),
				 ERR_OK);
		if (agreement_parse(bytes_slice(&filled), "a", &charter, &arena, &agreement, &fault) != ERR_OK)
			fail_msg("%s", fault.text);
		assert_int_equal(agreement.store, numbers[context.row]);
		assert_int_equal(agreement.grant_count, 2);
		assert_int_equal(agreement.grants[1].scope, SCOPE_OWNED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreement_fill),
		cmocka_unit_test(test_agreement_fill_refuses),
		cmocka_unit_test(test_agreement_fill_bounds),
		cmocka_unit_test(test_agreement_fill_foodmart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
