/*
 * What handlers share: results, a reply's lists and their bounds, rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "workbench.h"

static struct franchise *formula;
static struct workbench bench;
static struct context *context;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, &formula->office);
	context = &bench.context;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

static void test_refuse_takes_back_disclosures(void **state)
{
	Kluis__Disclosure *list[1] = {NULL};
	char clause[] = "grant till: hours";

	(void)state;
	context->result->disclosures = list;
	context->result->n_disclosures = 1;
	assert_int_equal(refuse(context, ERR_HOURS, clause), ERR_OK);
	assert_int_equal(context->result->code, ERR_HOURS);
	assert_int_equal(context->result->n_disclosures, 0);
	clause[0] = 'x'; /* copied */
	assert_string_equal(context->result->clause, "grant till: hours");
	assert_int_equal(refuse(context, ERR_NOT_FOUND, NULL), ERR_OK);
	assert_int_equal(context->result->code, ERR_NOT_FOUND);
}

static void test_permit_sets_the_clause_alone(void **state)
{
	(void)state;
	assert_int_equal(permit(context, NULL), ERR_OK);
	assert_null(context->result->clause);
	assert_int_equal(permit(context, "controller"), ERR_OK);
	assert_string_equal(context->result->clause, "controller");
	assert_int_equal(context->result->code, ERR_OK);
}

/* Fills with items of a size until there is no room; how many went in. */
static size_t fill_items(size_t size)
{
	static uint8_t content[60000];
	const size_t before = context->data.count;
	enum err err = ERR_OK;

	while (err == ERR_OK)
		err = context_add_item(context, SLICE(content, size));
	assert_int_equal(err, ERR_TOO_LARGE);
	return context->data.count - before;
}

static size_t fill_parts(size_t size)
{
	static uint8_t content[60000];
	uint8_t salt[SALT_SIZE] = {0};
	Kluis__Part *part = arena_alloc(&formula->arena, sizeof(*part));
	const size_t before = context->parts.count;
	enum err err = ERR_OK;

	kluis__part__init(part);
	part->salt = wire_data(SLICE(arena_copy(&formula->arena, SLICE_ARRAY(salt)), SALT_SIZE));
	part->content = wire_data(SLICE(content, size));
	while (err == ERR_OK)
		err = context_add_part(context, part);
	assert_int_equal(err, ERR_TOO_LARGE);
	return context->parts.count - before;
}

/* Whatever went in, a reply with the largest entry fits a message; and most of it is used. */
static void check_reply(bool is_tight)
{
	static uint8_t entry[ENTRY_MAX];
	Kluis__Reply reply = KLUIS__REPLY__INIT;
	Kluis__Personal personal = KLUIS__PERSONAL__INIT;
	Kluis__Data data = KLUIS__DATA__INIT, *list = &data;
	char text[512];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	personal.parts = context->parts.items;
	personal.n_parts = context->parts.count;
	data.items = context->data.items;
	data.n_items = context->data.count;
	reply.text = text;
	reply.personal = &personal;
	reply.data = &list;
	reply.n_data = 1;
	reply.has_index = reply.has_entry = reply.has_expected = true;
	reply.index = reply.expected = UINT64_MAX;
	reply.entry = wire_data(SLICE_ARRAY(entry));
	size_t size = wire_size(&reply.base);
	assert_true(size <= MESSAGE_MAX);
	assert_true(!is_tight || size > MESSAGE_MAX - 70000);
}

static void test_items_fill_a_reply(void **state)
{
	(void)state;
	assert_true(fill_items(60000) > 10);
	fill_items(100);
	check_reply(true);
}

static void test_parts_fill_a_reply(void **state)
{
	(void)state;
	assert_true(fill_parts(60000) > 10);
	fill_parts(10);
	check_reply(true);
}

static void test_parts_and_items_share_a_reply(void **state)
{
	uint8_t content[1000] = {0};

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(context_add_item(context, SLICE_ARRAY(content)), ERR_OK);
	assert_true(fill_parts(1000) < 500);
	check_reply(true);
}

static void test_items_are_counted(void **state)
{
	(void)state;
	assert_int_equal(fill_items(0), DATA_ITEMS_MAX);
	check_reply(false);
}

static void test_items_are_copied(void **state)
{
	char text[] = "before";

	(void)state;
	assert_int_equal(context_add_item(context, slice_text(text)), ERR_OK);
	text[0] = 'x';
	assert_true(slice_equal(wire_slice(context->data.items[0]), slice_text("before")));
	Kluis__Value value = KLUIS__VALUE__INIT, *back;
	char name[] = "Anna";
	value.field = 2;
	value.value = name;
	assert_int_equal(context_add_message(context, &value.base), ERR_OK);
	assert_int_equal(WIRE_DECODE(Value, value, wire_slice(context->data.items[1]), &formula->arena, &back), ERR_OK);
	assert_string_equal(back->value, "Anna");
}

static void test_rows(void **state)
{
	Rows__Store row = ROWS__STORE__INIT, *back;
	char name[] = "Zeist", country[] = "NL";
	uint8_t place[4];

	(void)state;
	row.name = name;
	row.country = country;
	assert_memory_equal(store_key(0x01020304, place).data, "\1\2\3\4", 4);
	assert_int_equal(store_row_get(context, 77, &back), ERR_NOT_FOUND);
	assert_int_equal(row_put(context, TABLE_STORE, store_key(77, place), &row.base), ERR_OK);
	assert_int_equal(store_row_get(context, 77, &back), ERR_OK);
	assert_string_equal(back->name, "Zeist");
	assert_int_equal(workbench_effects(&bench, EFFECT_PUT, TABLE_STORE), 1);
	/* what is no such row is damage */
	view_put(context->view, TABLE_STORE, store_key(78, place), slice_text("rubbish"));
	assert_int_equal(store_row_get(context, 78, &back), ERR_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refuse_takes_back_disclosures),
		TEST(test_permit_sets_the_clause_alone),
		TEST(test_items_fill_a_reply),
		TEST(test_parts_fill_a_reply),
		TEST(test_parts_and_items_share_a_reply),
		TEST(test_items_are_counted),
		TEST(test_items_are_copied),
		TEST(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
