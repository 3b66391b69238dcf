/* kluis-agent alarms and outbox: the same on a folder whose agent does not run and of one that does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "alarm.h"
#include "child.h"
#include "outbox.h"
#include "store_agent.h"

#define MINUTE_MS 60000u

static struct store_agent here;
static struct child child;

/* ---- what is in the folder ---- */

static uint64_t add_item(uint64_t time_ms)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Consent consent = KLUIS__CONSENT__INIT;
	Kluis__ConsentState given = KLUIS__CONSENT_STATE__INIT;
	uint8_t customer[PSEUDONYM_SIZE] = {7};
	char purpose[] = "service";
	uint64_t number = 0;

	operation.kind_case = KLUIS__OPERATION__KIND_CONSENT;
	operation.purpose = purpose;
	operation.consent = &consent;
	consent.customer = wire_data(SLICE_ARRAY(customer));
	consent.state = &given;
	given.purpose = purpose;
	given.status = 1;
	assert_int_equal(outbox_add(here.shop.outbox, &operation, NULL, SLICE_EMPTY, time_ms, &number), ERR_OK);
	return number;
}

static uint64_t waiting_number, refused_number;

/* Two alarms, of which one came twice; one item that waits and a later one that was refused. */
static void fill(void)
{
	struct outbox_outcome outcome = {.code = ERR_NOT_GRANTED_FIELD, .clause = "service", .entry = 123};

	alarm_raise(here.agent.store, ALARM_CLOCK, MINUTE_MS, "this machine's clock is wrong");
	alarm_raise(here.agent.store, ALARM_CLOCK, 2 * MINUTE_MS, "this machine's clock is wrong");
	alarm_raise(here.agent.store, ALARM_DISK, 3 * MINUTE_MS, "the disk is full");
	waiting_number = add_item(4 * MINUTE_MS);
	outcome.number = refused_number = add_item(5 * MINUTE_MS);
	assert_int_equal(outbox_mark_sent(here.shop.outbox, &refused_number, 1, 1), ERR_OK);
	assert_int_equal(outbox_settle(here.shop.outbox, &outcome, 1), ERR_OK);
}

static int set_up(void **state)
{
	(void)state;
	store_agent_begin(&here, NULL);
	store_agent_open_shop(&here);
	fill();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_agent_end(&here);
	return 0;
}

static void restart_served(void)
{
	store_agent_restart(&here);
	store_agent_serve(&here);
}

/* ---- commands ---- */

static int run(const char *const *words)
{
	const char *arguments[16] = {TEST_BINARIES "/kluis-agent"};
	size_t count = 1;

	while (*words != NULL)
		arguments[count++] = *words++;
	arguments[count++] = "--data";
	arguments[count++] = here.folder;
	child_run(&child, arguments, NULL);
	return child.status;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* A column of what --json prints, as "a b c". */
static const char *column(const char *name)
{
	static char text[512];
	json_t *list = json_loads(child.out, 0, NULL);
	const json_t *row;
	size_t i, length = 0;

	assert_true(json_is_array(list));
	text[0] = '\0';
	json_array_foreach(list, i, row)
	{
		char *value = json_dumps(json_object_get(row, name), JSON_ENCODE_ANY);
		assert_non_null(value);
		length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i == 0 ? "" : " ", value);
		free(value);
	}
	json_decref(list);
	return text;
}

static void check_alarms(void)
{
	assert_int_equal(RUN("alarms", "--json"), 0);
	assert_string_equal(column("number"), "1 2");
	assert_string_equal(column("kind"), "\"wrong clock\" \"disk full\"");
	assert_string_equal(column("count"), "2 1");
	assert_string_equal(column("first"), "\"1970-01-01T00:01:00.000Z\" \"1970-01-01T00:03:00.000Z\"");
	assert_string_equal(column("last"), "\"1970-01-01T00:02:00.000Z\" \"1970-01-01T00:03:00.000Z\"");
	assert_string_equal(column("text"), "\"this machine's clock is wrong\" \"the disk is full\"");
	assert_int_equal(RUN("alarms", "seen", "1"), 0);
	assert_int_equal(RUN("alarms", "seen", "1"), 3);
	assert_non_null(strstr(child.err, "there is no alarm 1"));
	assert_int_equal(RUN("alarms"), 0);
	assert_non_null(strstr(child.out, "the disk is full"));
	assert_null(strstr(child.out, "clock"));
}

static void check_outbox(void)
{
	char number[24];

	assert_int_equal(RUN("outbox", "list", "--json"), 0);
	assert_string_equal(column("state"), "\"refused\" \"waiting\"");
	assert_string_equal(column("kind"), "\"consent\" \"consent\"");
	assert_string_equal(column("time"), "\"1970-01-01T00:05:00.000Z\" \"1970-01-01T00:04:00.000Z\"");
	assert_string_equal(column("clause"), "\"service\" null");
	assert_string_equal(column("entry"), "123 null");
	assert_int_equal(RUN("outbox", "list"), 0);
	assert_non_null(strstr(child.out, error_text(ERR_NOT_GRANTED_FIELD)));
	/* only a refused one is a person's to decide about */
	snprintf(number, sizeof number, "%llu", (unsigned long long)waiting_number);
	assert_int_equal(RUN("outbox", "discard", number), 3);
	snprintf(number, sizeof number, "%llu", (unsigned long long)refused_number);
	assert_int_equal(RUN("outbox", "retry", number), 0);
	assert_int_equal(RUN("outbox", "discard", number), 3);
	assert_non_null(strstr(child.err, "no refused item"));
	assert_int_equal(RUN("outbox", "list", "--json"), 0);
	assert_string_equal(column("state"), "\"waiting\" \"waiting\"");
}

static void check_discard(void)
{
	char number[24];

	snprintf(number, sizeof number, "%llu", (unsigned long long)refused_number);
	assert_int_equal(RUN("outbox", "discard", number), 0);
	assert_int_equal(RUN("outbox", "list", "--json"), 0);
	assert_string_equal(column("state"), "\"waiting\"");
	assert_string_equal(column("time"), "\"1970-01-01T00:04:00.000Z\"");
}

static void test_alarms_of_a_folder(void **state)
{
	(void)state;
	store_agent_close(&here);
	check_alarms();
}

static void test_alarms_of_a_running_agent(void **state)
{
	(void)state;
	restart_served();
	check_alarms();
}

static void test_outbox_of_a_folder(void **state)
{
	(void)state;
	store_agent_close(&here);
	check_outbox();
}

static void test_outbox_of_a_running_agent(void **state)
{
	(void)state;
	restart_served();
	check_outbox();
}

static void test_discard_in_a_folder(void **state)
{
	(void)state;
	store_agent_close(&here);
	check_discard();
}

static void test_discard_by_a_running_agent(void **state)
{
	(void)state;
	restart_served();
	check_discard();
}

static void test_numbers_that_are_none(void **state)
{
	static const char *const numbers[] = {"0", "-1", "x", "1x", "", "9223372036854775808"};

	(void)state;
	store_agent_close(&here);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		assert_int_equal(RUN("alarms", "seen", numbers[i]), 2);
		assert_int_equal(RUN("outbox", "retry", numbers[i]), 2);
	}
	assert_int_equal(RUN("alarms", "seen", "9223372036854775807"), 3);
}

/* What somebody changed on this disk is named, not listed. */
static void test_folder_that_was_altered(void **state)
{
	char path[HOME_PATH_MAX];

	(void)state;
	store_agent_close(&here);
	assert_int_equal(home_path(here.folder, "seal.key", path, NULL), ERR_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(secret_bytes_create(path, NULL), ERR_OK);
	assert_int_equal(RUN("outbox", "list"), 1);
	assert_string_equal(child.out, "");
	assert_non_null(strstr(child.err, "outbox"));
	assert_int_equal(home_path(here.folder, "agent.ini", path, NULL), ERR_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(RUN("alarms"), 3);
	assert_non_null(strstr(child.err, "is not an agent's folder"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_alarms_of_a_folder),	  TEST(test_alarms_of_a_running_agent),
		TEST(test_outbox_of_a_folder),	  TEST(test_outbox_of_a_running_agent),
		TEST(test_discard_in_a_folder),	  TEST(test_discard_by_a_running_agent),
		TEST(test_numbers_that_are_none), TEST(test_folder_that_was_altered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
