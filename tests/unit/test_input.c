/* One line of standard input, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kluis/command.h"

#define SIZE 6 /* five bytes */

static char line[SIZE];

static enum err read_from(const char *text, size_t length)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	setvbuf(stdin, NULL, _IONBF, 0);
	assert_int_equal(fwrite(text, 1, length, file), length);
	rewind(file);
	assert_true(dup2(fileno(file), STDIN_FILENO) >= 0);
	fclose(file);
	clearerr(stdin);
	return command_read_line("card", line, sizeof line, NULL);
}
#define READ(text) read_from(text, sizeof(text) - 1)

static void test_a_line(void **state)
{
	(void)state;
	assert_int_equal(READ("12345\nmore\n"), ERR_OK);
	assert_string_equal(line, "12345");
	assert_int_equal(command_read_line("card", line, sizeof line, NULL), ERR_OK);
	assert_string_equal(line, "more");
	assert_int_equal(READ("123\r\n"), ERR_OK);
	assert_string_equal(line, "123");
	assert_int_equal(READ("without"), ERR_TOO_LARGE);
	assert_int_equal(READ("no lf"), ERR_OK);
	assert_string_equal(line, "no lf");
	assert_int_equal(READ("\n"), ERR_OK);
	assert_string_equal(line, "");
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(READ(""), ERR_USAGE);
	assert_int_equal(READ("12\0"
			      "45\n"),
			 ERR_INPUT);
	assert_int_equal(READ("\0\n"), ERR_INPUT);
	assert_int_equal(READ("123456\n"), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
