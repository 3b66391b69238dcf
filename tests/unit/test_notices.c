/* kluis-broker incidents and requests, by the programs themselves: a store's agent sends, head office lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "command/employee.h"
#include "headquarters.h"
#include "home.h"
#include "kluis/hash.h"

/* Sends a notice of store 12: its own incident, or its employee's request. */
static void send(Kluis__Operation *operation, ProtobufCBinaryData *commitment, char *text, struct slice employee)
{
	static struct agent agent; /* too large for a frame */
	struct arena arena;
	struct session_answer answer;
	struct fault fault = {""};
	Kluis__NoticeContent content = KLUIS__NOTICE_CONTENT__INIT;
	Kluis__Part part = KLUIS__PART__INIT;
	uint8_t salt[SALT_SIZE] = {7}, hash[HASH_SIZE], room[VALUE_MAX];
	struct bytes encoded = {.data = room, .capacity = sizeof room, .maximum = sizeof room};
	struct agent_call call = {
		.operation = operation, .part = &part, .employee = employee, .is_outside_agreement = true};

	content.text = text;
	assert_int_equal(wire_encode(&content.base, &encoded), ERR_OK);
	commitment_make(salt, bytes_slice(&encoded), hash);
	part.salt = wire_data(SLICE_ARRAY(salt));
	part.content = wire_data(bytes_slice(&encoded));
	*commitment = wire_data(SLICE_ARRAY(hash));
	arena_init(&arena, REQUEST_ARENA_MAX);
	assert_int_equal(agent_open(&agent, headquarters_path(&here, "store-12"), &fault), ERR_OK);
	assert_int_equal(agent_connect(&agent, LANE_ADMIN, &fault), ERR_OK);
	assert_int_equal(agent_send(&agent, &call, &arena, &answer, &fault), ERR_OK);
	assert_int_equal(answer.entry.decoded->results[0]->code, ERR_OK);
	agent_close(&agent);
	arena_fini(&arena);
}

static void report(char *text)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__Incident incident = KLUIS__INCIDENT__INIT;
	uint8_t id[PSEUDONYM_SIZE] = {0xAB};

	operation.kind_case = KLUIS__OPERATION__KIND_INCIDENT;
	operation.incident = &incident;
	incident.id = wire_data(SLICE_ARRAY(id));
	incident.kind = 2;
	incident.has_since_ms = true;
	incident.since_ms = UINT64_C(1795000000000);
	send(&operation, &incident.commitment, text, SLICE_EMPTY);
}

static void ask_for_erasure(char *text)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__SubjectRequest request = KLUIS__SUBJECT_REQUEST__INIT;
	static struct agent agent; /* too large for a frame */
	struct replica_employee employee;
	struct fault fault = {""};
	uint8_t id[PSEUDONYM_SIZE] = {0xCD}, customer[PSEUDONYM_SIZE] = {0xEF};

	assert_int_equal(agent_open(&agent, headquarters_path(&here, "store-12"), &fault), ERR_OK);
	assert_int_equal(replica_get_employee(&agent.replica, "till-1", &employee), ERR_OK);
	agent_close(&agent);
	operation.kind_case = KLUIS__OPERATION__KIND_SUBJECT_REQUEST;
	operation.subject_request = &request;
	request.id = wire_data(SLICE_ARRAY(id));
	request.right = 17;
	request.has_customer = true;
	request.customer = wire_data(SLICE_ARRAY(customer));
	send(&operation, &request.commitment, text, SLICE_ARRAY(employee.pseudonym));
}

/* The output's one row; of the caller. */
static json_t *the_row(void)
{
	json_t *rows = json_loads(here.last.out, 0, NULL), *row;

	assert_int_equal(json_array_size(rows), 1);
	row = json_incref(json_array_get(rows, 0));
	json_decref(rows);
	return row;
}

static const char *text_of(json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static void test_lists(void **state)
{
	char theft[] = "the till's laptop is gone", erasure[] = "wants to be forgotten";
	json_t *row;

	(void)state;
	assert_int_equal(RUN(&here, BROKER, NULL, "incidents"), 0);
	assert_string_equal(here.last.out, "time (UTC)  store  kind  hours since  72 hours  began  what  id\n");
	assert_int_equal(RUN(&here, BROKER, NULL, "requests"), 0);
	assert_string_equal(here.last.out, "time (UTC)  store  right  days since  customer  what  id\n");
	report(theft);
	ask_for_erasure(erasure);
	assert_int_equal(RUN(&here, BROKER, NULL, "incidents"), 0);
	assert_non_null(strstr(here.last.out, "   12  theft            0  72 h left  2026-11-18T"));
	assert_non_null(strstr(here.last.out, "  the till's laptop is gone  ab00000000000000"));
	assert_null(strstr(here.last.out, "forgotten"));
	assert_int_equal(RUN(&here, BROKER, NULL, "incidents", "--json"), 0);
	row = the_row();
	assert_int_equal(json_integer_value(json_object_get(row, "hours")), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "hours_left")), 72);
	assert_string_equal(text_of(row, "kind"), "theft");
	assert_string_equal(text_of(row, "text"), theft);
	json_decref(row);
	assert_int_equal(RUN(&here, BROKER, NULL, "requests", "--json"), 0);
	row = the_row();
	assert_string_equal(text_of(row, "right"), "erasure");
	assert_string_equal(text_of(row, "customer"), "ef000000000000000000000000000000");
	assert_string_equal(text_of(row, "text"), erasure);
	assert_int_equal(json_integer_value(json_object_get(row, "days")), 0);
	json_decref(row);
	headquarters_stop(&here);
	assert_int_equal(RUN(&here, BROKER, NULL, "incidents"), 1);
	assert_int_equal(RUN(&here, BROKER, NULL, "requests", "--due"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, headquarters_set_up_shop, headquarters_tear_down),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
