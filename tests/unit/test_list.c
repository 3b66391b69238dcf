#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>

#include "audit_log.h"
#include "list.h"

static char *text;
static struct finding_lines lines;

static int set_up(void **state)
{
	(void)state;
	story = audit_log_story(false);
	audit_log_mirror(story);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(text);
	audit_log_free(&story);
	return 0;
}

/* What the list prints; rows counted. */
static uint64_t listed(enum list_form form, const struct list_filter *filter)
{
	struct list list = {.form = form, .filter = *filter};
	struct findings findings = finding_lines_init(&lines);
	struct mirror mirror;
	struct fault fault = {""};
	size_t size;

	free(text);
	list.file = open_memstream(&text, &size);
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	assert_int_equal(list_begin(&list), ERR_OK);
	assert_int_equal(replay_each(&mirror, &story->controller, &findings, list_step, &list, &fault), ERR_OK);
	mirror_close(&mirror);
	fclose(list.file);
	return list.rows;
}

static unsigned count_of(const char *what)
{
	unsigned count = 0;

	for (const char *place = strstr(text, what); place != NULL; place = strstr(place + 1, what))
		count++;
	return count;
}

static void test_table_has_a_line_for_each_operation(void **state)
{
	struct list_filter all = {0};

	(void)state;
	assert_int_equal(listed(LIST_TABLE, &all), story->count); /* one operation each in the story */
	assert_int_equal(count_of("\n"), story->count + 1);
	assert_int_equal(count_of("\033"), 0);
	assert_non_null(strstr(text, "store 12        "));
	assert_non_null(strstr(text, "scope: grant service: customers\n"));
	assert_non_null(strstr(text, "suspended: agreement: suspended\n"));
}

static void test_json_is_an_object_a_line(void **state)
{
	struct list_filter all = {0};
	size_t rows = 0;

	(void)state;
	listed(LIST_JSON, &all);
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, rows++) {
		json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);

		assert_true(json_is_object(object));
		assert_int_equal(json_integer_value(json_object_get(object, "entry")), rows);
		assert_int_equal(strlen(json_string_value(json_object_get(object, "time"))), 24);
		json_decref(object);
	}
	assert_int_equal(rows, story->count);
	/* the fields of grant service by name: card, name and phone */
	assert_non_null(strstr(text, "\"fields\":[\"card\",\"name\",\"phone\"]"));
}

/* RFC 4180: as many cells in each row, lines end in CR LF. */
static void test_csv_has_thirteen_cells_a_row(void **state)
{
	struct list_filter all = {0};
	char *line, *rest;

	(void)state;
	assert_int_equal(listed(LIST_CSV, &all), story->count);
	assert_int_equal(count_of("\r\n"), story->count + 1);
	line = strtok_r(text, "\r\n", &rest);
	for (; line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
		unsigned commas = 0;

		for (const char *place = line; *place != '\0'; place++)
			commas += *place == ',';
		assert_int_equal(commas, 12);
	}
}

static void test_filters_by_each_of_what_is_asked(void **state)
{
	struct list_filter filter = {.has_store = true, .store = 12};

	(void)state;
	uint64_t of_store = listed(LIST_TABLE, &filter);
	assert_in_range(of_store, 10, story->count - 10);
	assert_int_equal(count_of("store 7 "), 0);
	filter.verdict = "refused";
	uint64_t refused = listed(LIST_TABLE, &filter);
	assert_in_range(refused, 5, of_store - 1);
	filter.verdict = "ok";
	assert_int_equal(listed(LIST_TABLE, &filter) + refused, of_store);
	filter = (struct list_filter){.verdict = "per_day"};
	assert_int_equal(listed(LIST_TABLE, &filter), 1);
	filter = (struct list_filter){.purpose = "direct-marketing"};
	assert_int_equal(listed(LIST_TABLE, &filter), 1);
	filter = (struct list_filter){.operation = "sync"};
	assert_int_equal(listed(LIST_TABLE, &filter), 2);
	filter = (struct list_filter){.has_customer = true};
	assert_int_equal(listed(LIST_TABLE, &filter), 0);
}

static void test_filters_by_customer_wherever_one_is_named(void **state)
{
	struct list_filter filter = {.has_customer = true};
	struct entry entry;
	size_t index = audit_log_find(story, KLUIS__OPERATION__KIND_LOOKUP, 0);

	(void)state;
	assert_int_equal(entry_open(story->entries[index], &story->arena, &entry, NULL), ERR_OK);
	memcpy(filter.customer, entry.decoded->results[0]->customer.data, PSEUDONYM_SIZE);
	listed(LIST_TABLE, &filter);
	/* registered, visited, looked up, in a page of sync, updated */
	assert_true(count_of("registration") == 1 && count_of("receipt") == 3 && count_of("lookup") >= 4);
	assert_true(count_of("sync") == 2 && count_of("update") == 2);
}

static void test_filters_by_time(void **state)
{
	uint64_t noon = FRANCHISE_DAY * DAY_MS + DAY_MS / 2;
	struct list_filter first = {.until_ms = noon + 1}, second = {.from_ms = noon + 1};

	(void)state;
	uint64_t before = listed(LIST_TABLE, &first);
	assert_int_equal(before + listed(LIST_TABLE, &second), story->count);
	assert_true(before > 30 && before < story->count);
}

static void test_verdicts_are_checked(void **state)
{
	struct fault fault = {""};

	(void)state;
	assert_int_equal(list_check_verdict("ok", &fault), ERR_OK);
	assert_int_equal(list_check_verdict("refused", &fault), ERR_OK);
	assert_int_equal(list_check_verdict("hours", &fault), ERR_OK);
	assert_int_equal(list_check_verdict("maybe", &fault), ERR_USAGE);
	assert_non_null(strstr(fault.text, "'maybe'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_has_a_line_for_each_operation),
		cmocka_unit_test(test_json_is_an_object_a_line),
		cmocka_unit_test(test_csv_has_thirteen_cells_a_row),
		cmocka_unit_test(test_filters_by_each_of_what_is_asked),
		cmocka_unit_test(test_filters_by_customer_wherever_one_is_named),
		cmocka_unit_test(test_filters_by_time),
		cmocka_unit_test(test_verdicts_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
