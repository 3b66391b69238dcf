/* kluis/till.h, against the real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/till.h"
#include "till_test.h"

static struct till_server *server;
static struct kluis_till *till;

static int set_up(void **state)
{
	(void)state;
	till_test_begin(&till_test);
	assert_int_equal(till_server_open(&till_test.options, &server, NULL), ERR_OK);
	till = kluis_till_open("127.0.0.1", till_server_port(server));
	assert_non_null(till);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kluis_till_close(&till);
	assert_null(till);
	till_server_close(&server);
	till_test_end(&till_test);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define ID1 "01010101010101010101010101010101"

static void sign_in(const char *name)
{
	assert_int_equal(kluis_till_sign_in(till, name, FAKE_CLERK_PIN), KLUIS_TILL_OK);
}

static int look(const char *field, const char *value, const struct kluis_till_member **ret_member)
{
	return kluis_till_lookup(till, "service", field, value, ret_member);
}

static void test_signing_in_and_out(void **state)
{
	const struct kluis_till_member *member = NULL;

	(void)state;
	assert_int_equal(look("card", "4711", &member), KLUIS_TILL_SIGNED_OUT);
	assert_null(member);
	assert_string_not_equal(kluis_till_error(till), "");
	assert_int_equal(kluis_till_sign_in(till, "anna", "1234"), KLUIS_TILL_SIGNED_OUT);
	sign_in("anna");
	assert_string_equal(kluis_till_error(till), "");
	assert_int_equal(look("card", "4711", &member), KLUIS_TILL_OK);
	assert_int_equal(kluis_till_sign_out(till), KLUIS_TILL_OK);
	assert_int_equal(look("card", "4711", &member), KLUIS_TILL_SIGNED_OUT);
}

static void test_wait_after_wrong_pins(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(kluis_till_sign_in(till, "anna", "1234"), KLUIS_TILL_SIGNED_OUT);
	assert_int_equal(kluis_till_sign_in(till, "anna", FAKE_CLERK_PIN), KLUIS_TILL_WAIT);
}

static void test_a_member(void **state)
{
	const struct kluis_till_member *member = NULL;

	(void)state;
	sign_in("anna");
	assert_int_equal(look("card", "4711", &member), KLUIS_TILL_OK);
	assert_string_equal(member->id, ID1);
	assert_true(member->count >= 2);
	bool has_name = false;
	for (size_t i = 0; i < member->count; i++)
		has_name = has_name || (strcmp(member->values[i].field, "name") == 0 &&
					strcmp(member->values[i].value, "Ann Smith") == 0);
	assert_true(has_name);
	till_test.desk.fake.line_code = ERR_NOT_FOUND;
	assert_int_equal(look("card", "9999", &member), KLUIS_TILL_NOT_FOUND);
	till_test.desk.fake.line_code = ERR_NETWORK;
	assert_int_equal(look("card", "9999", &member), KLUIS_TILL_AWAY);
	assert_int_equal(look("colour", "red", &member), KLUIS_TILL_INPUT);
	assert_int_equal(look("card", "\xff", &member), KLUIS_TILL_INPUT);
	assert_int_equal(kluis_till_lookup(till, "direct-marketing", "card", "4711", &member), KLUIS_TILL_REFUSED);
}

static void test_what_is_written(void **state)
{
	static const struct kluis_till_value values[] = {{"card", "5001"}, {"name", "Dirk"}};
	static const struct kluis_till_line lines[] = {{"7", "1", "2.99"}, {"8", "1.5", "4"}};
	char member[33] = "";
	uint64_t number = 0;

	(void)state;
	sign_in("anna");
	assert_int_equal(kluis_till_register(till, "service", values, 2, member), KLUIS_TILL_OK);
	assert_int_equal(strlen(member), 32);
	assert_int_equal(kluis_till_update(till, "service", ID1, &values[1], 1), KLUIS_TILL_OK);
	assert_int_equal(kluis_till_consent(till, "service", "direct-marketing", ID1, "given"), KLUIS_TILL_OK);
	assert_int_equal(kluis_till_receipt(till, "service", NULL, ID1, NULL, NULL, "2026-11-20", lines, 2, &number),
			 KLUIS_TILL_OK);
	assert_int_equal(number, desk_test_item(&till_test.desk)->number);
	assert_int_equal(kluis_till_receipt(till, "service", NULL, NULL, "card", "4711", "2026-11-20", lines, 2, NULL),
			 KLUIS_TILL_OK);
	assert_int_equal(till_test.desk.fake.item_count, 5);
	assert_int_equal(kluis_till_update(till, "service", "../sessions", values, 1), KLUIS_TILL_INPUT);
	assert_int_equal(kluis_till_consent(till, "service", "direct-marketing", ID1, "perhaps"), KLUIS_TILL_INPUT);
	assert_int_equal(till_test.desk.fake.item_count, 5);
}

static void test_nobody_there(void **state)
{
	(void)state;
	till_server_close(&server);
	assert_int_equal(kluis_till_sign_in(till, "anna", FAKE_CLERK_PIN), KLUIS_TILL_AWAY);
	assert_non_null(strstr(kluis_till_error(till), "no agent answers"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_signing_in_and_out), TEST(test_wait_after_wrong_pins), TEST(test_a_member),
		TEST(test_what_is_written),    TEST(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
