/* kluis-broker staff remove: head office takes an employee off a store's roster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "headquarters.h"

static void pseudonym_of(const char *name, char ret_pseudonym[static 33])
{
	char format[64];

	assert_int_equal(RUN(&here, AGENT(12), NULL, "staff", "list"), 0);
	const char *place = strstr(here.last.out, name);
	assert_non_null(place);
	snprintf(format, sizeof(format), "%s %%32[0-9a-f]", name);
	assert_int_equal(sscanf(place + strlen(name), " %32[0-9a-f]", ret_pseudonym), 1);
}

static void add(const char *handle, const char *name)
{
	assert_int_equal(RUN(&here, AGENT(12), name, "staff", "add", handle, "--role", "cashier"), 0);
}

static int look_up(const char *handle)
{
	return RUN(&here, AGENT(12), "4711\n", "lookup", "card", "--purpose", "service", "--employee", handle);
}

static int remove_employee(const char *store, const char *pseudonym)
{
	return RUN(&here, BROKER, NULL, "staff", "remove", store, pseudonym);
}

static void test_refused_at_once_and_alone(void **state)
{
	char pseudonym[33];

	(void)state;
	add("till-5", "Kees Mulder\n");
	add("till-2", "Jan\n");
	pseudonym_of("Kees Mulder", pseudonym);
	assert_int_equal(look_up("till-5"), 0);
	assert_int_equal(remove_employee("12", pseudonym), 0);
	assert_int_equal(look_up("till-5"), 3);
	assert_non_null(strstr(here.last.err, "[grant service-at-till: employee]"));
	assert_null(strstr(here.last.out, "Anna"));
	assert_int_equal(look_up("till-2"), 0);
}

/* It is logged and survives a restart. */
static void test_remembered(void **state)
{
	char pseudonym[33];

	(void)state;
	add("till-6", "Kees Smit\n");
	pseudonym_of("Kees Smit", pseudonym);
	assert_int_equal(remove_employee("12", pseudonym), 0);
	assert_int_equal(headquarters_stop(&here), 0);
	headquarters_serve(&here);
	assert_int_equal(look_up("till-6"), 3);
	assert_int_equal(remove_employee("12", pseudonym), 3);
	assert_non_null(strstr(here.last.err, "refused: not found"));
}

static void test_another_store_s_roster_stays(void **state)
{
	char pseudonym[33];

	(void)state;
	pseudonym_of("Kees de Vries", pseudonym);
	assert_int_equal(RUN(&here, BROKER, NULL, "store", "open", "13", "Zwolle", "NL"), 0);
	assert_int_equal(remove_employee("13", pseudonym), 3);
	assert_int_equal(remove_employee("14", pseudonym), 3);
	assert_non_null(strstr(here.last.err, "unknown store"));
	assert_int_equal(look_up("till-1"), 0);
}

static void test_wrong_arguments(void **state)
{
	static const char *const pseudonyms[] = {"", "kees", "00112233445566778899aabbccddee",
						 "00112233445566778899aabbccddeeff00",
						 "g0112233445566778899aabbccddeeff"};
	static const char *const stores[] = {"-1", "x", "", "100000", "12.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(pseudonyms) / sizeof(pseudonyms[0]); i++) {
		assert_int_equal(remove_employee("12", pseudonyms[i]), 2);
		assert_non_null(strstr(here.last.err, "a pseudonym of 32 hex digits"));
	}
	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		assert_int_equal(remove_employee(stores[i], "00112233445566778899aabbccddeeff"), 2);
	assert_int_equal(look_up("till-1"), 0);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused_at_once_and_alone),
		TEST(test_remembered),
		TEST(test_another_store_s_roster_stays),
		TEST(test_wrong_arguments),
	};

	return cmocka_run_group_tests(tests, headquarters_set_up_shop, headquarters_tear_down);
}
