/* What a store's staff read from its copy, as rows of the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "custody_story.h"
#include "kluis/clock.h"
#include "list.h"

static struct custody_story custody;
static struct audit_log *log_;
static char *text;

/* Two records in one upload: Anna shown at 12:00, then a refusal at 12:10; uploaded at 13:00. */
static int set_up(void **state)
{
	ProtobufCBinaryData records[2];

	(void)state;
	custody_begin(&custody);
	Kluis__JournalRecord record = custody_record(&custody);
	records[0] = book_write(custody.formula, &custody.book, &record);
	record = custody_record(&custody);
	record.time_ms += 600000;
	record.code = ERR_SCOPE;
	record.has_customer = record.has_version = record.has_fields = record.has_grant = record.has_entry = 0;
	records[1] = book_write(custody.formula, &custody.book, &record);
	custody.formula->now_ms += 3600000;
	custody.store->has_employee = false; /* the agent uploads by itself */
	franchise_must(custody.formula, custody.store, action_local_access(custody.formula, &custody.book, records, 2));
	/* and one that is refused: an operation like others */
	record.version = 0;
	record.has_version = 1;
	records[0] = book_write(custody.formula, &custody.book, &record);
	franchise_one(custody.formula, custody.store, action_local_access(custody.formula, &custody.book, records, 1));
	log_ = audit_log_of(custody.formula);
	audit_log_mirror(log_);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	audit_log_free(&log_);
	custody_end(&custody);
	return 0;
}

static uint64_t listed(enum list_form form, struct list_filter filter)
{
	static struct finding_lines lines;
	struct list list = {.form = form, .filter = filter};
	struct findings findings = finding_lines_init(&lines);
	struct mirror mirror;
	struct fault fault = {""};
	size_t size;

	free(text);
	filter.operation = "local_access";
	list.filter = filter;
	list.file = open_memstream(&text, &size);
	assert_int_equal(mirror_open(log_->mirror, &mirror, &fault), ERR_OK);
	assert_int_equal(list_begin(&list), ERR_OK);
	assert_int_equal(replay_each(&mirror, &log_->controller, &findings, list_step, &list, &fault), ERR_OK);
	mirror_close(&mirror);
	fclose(list.file);
	return list.rows;
}

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(listed(LIST_TABLE, (struct list_filter){0}), 3);
	assert_non_null(strstr(text, "2026-11-20T12:00:00"));
	assert_non_null(strstr(text, "local_access    service"));
	assert_non_null(strstr(text, "ok: grant till\n"));
	assert_non_null(strstr(text, "2026-11-20T12:10:00"));
	assert_non_null(strstr(text, "scope\n"));
	assert_non_null(strstr(text, "2026-11-20T13:00:00"));
	assert_non_null(strstr(text, "input\n"));
}

static void test_csv(void **state)
{
	char anna[2 * PSEUDONYM_SIZE + 1], employee[2 * PSEUDONYM_SIZE + 1], expected[600];

	(void)state;
	hex_print(custody.anna, anna);
	hex_print(SLICE_ARRAY(custody.store->employee), employee);
	assert_int_equal(listed(LIST_CSV, (struct list_filter){0}), 3);
	assert_non_null(strstr(text, ",withheld,record\r\n"));
	snprintf(expected, sizeof expected,
		 ",0,minimal.example/kluis/store/12,%s,local_access,service,ok,grant till,%s,1,0,1\r\n", employee,
		 anna);
	assert_non_null(strstr(text, expected));
	snprintf(expected, sizeof expected,
		 ",0,minimal.example/kluis/store/12,%s,local_access,service,scope,,,0,0,2\r\n", employee);
	assert_non_null(strstr(text, expected));
}

static void test_json(void **state)
{
	json_t *row, *shown;

	(void)state;
	assert_int_equal(listed(LIST_JSON, (struct list_filter){0}), 3);
	*strchr(text, '\n') = '\0';
	row = json_loads(text, 0, NULL);
	assert_non_null(row);
	assert_int_equal(json_integer_value(json_object_get(row, "store")), 12);
	assert_int_equal(json_integer_value(json_object_get(row, "record")), 1);
	assert_int_equal(json_integer_value(json_object_get(row, "source")), custody.copied);
	assert_string_equal(json_string_value(json_object_get(row, "verdict")), "ok");
	shown = json_array_get(json_object_get(row, "disclosures"), 0);
	assert_int_equal(json_integer_value(json_object_get(shown, "version")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(shown, "fields"), 0)), "card");
	json_decref(row);
}

static void test_filters(void **state)
{
	struct list_filter of_store = {.has_store = true, .store = 13};
	struct list_filter of_customer = {.has_customer = true};
	struct list_filter of_purpose = {.purpose = "service"};
	struct list_filter of_employee = {.has_employee = true};
	struct list_filter of_verdict = {.verdict = "scope"};
	struct list_filter of_time = {.until_ms = custody.formula->now_ms - 3600000 + 1};

	(void)state;
	assert_int_equal(listed(LIST_TABLE, of_store), 0);
	of_store.store = 12;
	assert_int_equal(listed(LIST_TABLE, of_store), 3);
	memcpy(of_customer.customer, custody.anna.data, PSEUDONYM_SIZE);
	assert_int_equal(listed(LIST_TABLE, of_customer), 1);
	assert_int_equal(listed(LIST_TABLE, of_purpose), 2);
	assert_int_equal(listed(LIST_TABLE, of_employee), 0);
	memcpy(of_employee.employee, custody.store->employee, PSEUDONYM_SIZE);
	assert_int_equal(listed(LIST_TABLE, of_employee), 2);
	assert_int_equal(listed(LIST_TABLE, of_verdict), 1);
	assert_int_equal(listed(LIST_TABLE, of_time), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_csv),
		TEST(test_json),
		TEST(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
