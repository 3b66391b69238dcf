/* What may stand in a call's body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "till/till_call.h"
#include "till_test.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, till_test_set_up, till_test_tear_down)
#define POST(path, token, body) till_test_ask(&till_test, "POST", path, token, body)
#define ID1 "01010101010101010101010101010101"

static const struct member members[] = {{"text", MEMBER_TEXT, true},	  {"number", MEMBER_NUMBER, false},
					{"list", MEMBER_LIST, false},	  {"flag", MEMBER_BOOL, false},
					{"object", MEMBER_OBJECT, false}, MEMBERS_END};
static struct fault fault;

static enum err check(const char *text)
{
	json_t *body = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(body);
	fault.text[0] = '\0';
	enum err err = members_check(body, members, &fault);
	json_decref(body);
	return err;
}

static void test_members(void **state)
{
	static const struct {
		const char *body, *fault;
	} rows[] = {{"{\"text\": \"\"}", ""},
		    {"{\"text\": \"a\", \"number\": 1, \"list\": [], \"flag\": false, \"object\": {}}", ""},
		    {"{}", "'text' is missing"},
		    {"{\"text\": null}", "'text' is not a string"},
		    {"{\"text\": \"\", \"number\": 1.5}", "'number' is not a whole number"},
		    {"{\"text\": \"\", \"number\": \"1\"}", "'number' is not a whole number"},
		    {"{\"text\": \"\", \"list\": {}}", "'list' is not an array"},
		    {"{\"text\": \"\", \"flag\": 0}", "'flag' is not true or false"},
		    {"{\"text\": \"\", \"object\": []}", "'object' is not an object"},
		    {"{\"text\": \"\", \"0612345678\": 1}", "a member that is not known here"},
		    {"[]", "not a JSON object"},
		    {"1", "not a JSON object"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(check(rows[i].body), rows[i].fault[0] == '\0' ? ERR_OK : ERR_INPUT);
		assert_string_equal(fault.text, rows[i].fault);
	}
}

static void test_ids(void **state)
{
	uint8_t id[PSEUDONYM_SIZE];

	(void)state;
	assert_int_equal(member_id("000102030405060708090a0b0c0d0e0f", "id", id, NULL), ERR_OK);
	for (uint8_t i = 0; i < sizeof id; i++)
		assert_int_equal(id[i], i);
	assert_int_equal(member_id("000102030405060708090a0b0c0d0e0", "id", id, NULL), ERR_INPUT);
	assert_int_equal(member_id("000102030405060708090a0b0c0d0e0f0", "id", id, NULL), ERR_INPUT);
	assert_int_equal(member_id("000102030405060708090a0b0c0d0e0g", "id", id, NULL), ERR_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_members),
		TEST(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
