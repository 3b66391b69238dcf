#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/ini.h"

static void test_ini_u64(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "01", "1.0", "0x1", "a", "18446744073709551616"};
	uint64_t number = 99;
	struct fault fault = {.text = ""};

	(void)state;
	assert_int_equal(ini_u64("0", 0, 1, &number, NULL), ERR_OK);
	assert_int_equal(number, 0);
	assert_int_equal(ini_u64("18446744073709551615", 0, UINT64_MAX, &number, NULL), ERR_OK);
	assert_true(number == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ini_u64(bad[i], 0, UINT64_MAX, &number, NULL), ERR_INPUT);
	assert_int_equal(ini_u64("5", 5, 6, &number, NULL), ERR_OK);
	assert_int_equal(ini_u64("4", 5, 6, &number, NULL), ERR_INPUT);
	assert_int_equal(ini_u64("7", 5, 6, &number, &fault), ERR_INPUT);
	assert_string_equal(fault.text, "'7' is not from 5 to 6");
	assert_int_equal(number, 5);
}

static void test_ini_bool(void **state)
{
	bool is = false;

	(void)state;
	assert_int_equal(ini_bool("yes", &is, NULL), ERR_OK);
	assert_true(is);
	assert_int_equal(ini_bool("true", &is, NULL), ERR_INPUT);
	assert_int_equal(ini_bool("Yes", &is, NULL), ERR_INPUT);
	assert_int_equal(ini_bool("", &is, NULL), ERR_INPUT);
	assert_true(is);
	assert_int_equal(ini_bool("no", &is, NULL), ERR_OK);
	assert_false(is);
}

static void test_ini_duration(void **state)
{
	static const char *const bad[] = {"", "72", "h", "72 h", "72H", "-1h", "1hh", "1w", "213503982334602d"};
	static const struct {
		const char *text;
		uint64_t seconds;
	} rows[] = {{"72h", 259200}, {"30d", 2592000}, {"15m", 900}, {"10s", 10}, {"0s", 0}};
	uint64_t seconds = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ini_duration(rows[i].text, &seconds, NULL), ERR_OK);
		assert_int_equal(seconds, rows[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ini_duration(bad[i], &seconds, NULL), ERR_INPUT);
}

static void test_ini_list(void **state)
{
	static const char *const bad[] = {"", ",", "a,", ",a", "a,,b", "a, ,b"};
	struct arena arena CLEANUP(arena_fini);
	char **items = NULL;
	size_t count = 0;

	(void)state;
	arena_init(&arena, 4096);
	assert_int_equal(ini_list("a , b c,\nd", 3, &arena, &items, &count, NULL), ERR_OK);
	assert_int_equal(count, 3);
	assert_string_equal(items[0], "a");
	assert_string_equal(items[1], "b c");
	assert_string_equal(items[2], "d");
	assert_int_equal(ini_list("a,b,c,d", 3, &arena, &items, &count, NULL), ERR_INPUT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ini_list(bad[i], 9, &arena, &items, &count, NULL), ERR_INPUT);
	assert_int_equal(count, 3);
}

static void test_ini_list_without_memory(void **state)
{
	struct arena arena CLEANUP(arena_fini);
	char **items = NULL;
	size_t count = 0;

	(void)state;
	arena_init(&arena, 16);
	assert_int_equal(ini_list("a,b,c,d", 4, &arena, &items, &count, NULL), ERR_MEMORY);
}

static void test_ini_is_name(void **state)
{
	char name[66] = "a";

	(void)state;
	assert_true(ini_is_name("a"));
	assert_true(ini_is_name("service-at_till2"));
	assert_false(ini_is_name(""));
	assert_false(ini_is_name("1a"));
	assert_false(ini_is_name("-a"));
	assert_false(ini_is_name("A"));
	assert_false(ini_is_name("a b"));
	assert_false(ini_is_name("a\xc3\xa9"));
	memset(name, 'a', 64);
	assert_true(ini_is_name(name));
	name[64] = 'a';
	assert_false(ini_is_name(name));
}

static void test_ini_print_lines(void **state)
{
	struct bytes text CLEANUP(bytes_fini) = {0};

	(void)state;
	bytes_init(&text, 64);
	assert_int_equal(ini_print_lines("key", "one\ntwo\n three\n", &text), ERR_OK);
	assert_true(slice_equal(bytes_slice(&text), slice_text("key = one\n    two\n     three\n")));
	assert_int_equal(ini_print_lines("key", "one\ntwo", &text), ERR_INPUT);
	bytes_fini(&text);
	bytes_init(&text, 12);
	assert_int_equal(ini_print_lines("key", "one\ntwo\n", &text), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini_u64),
		cmocka_unit_test(test_ini_bool),
		cmocka_unit_test(test_ini_duration),
		cmocka_unit_test(test_ini_list),
		cmocka_unit_test(test_ini_list_without_memory),
		cmocka_unit_test(test_ini_is_name),
		cmocka_unit_test(test_ini_print_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
