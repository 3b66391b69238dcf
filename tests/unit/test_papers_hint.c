/* The charter that an agreement names, found before the agreement can be opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "papers_hint.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static bool find(const char *text, uint8_t hash[static HASH_SIZE])
{
	return papers_charter_hash(slice_text(text), hash);
}

static void test_finds_the_line_wherever_it_stands(void **state)
{
	(void)state;
	static const char *const texts[] = {
		("charter = " HASH "\n"),
		("[agreement]\norigin = x\ncharter=" HASH "\nmore = 1\n"),
		("[agreement]\nname = 1\ncharter   =   " HASH),
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		uint8_t hash[HASH_SIZE] = {0};
		if (!find(texts[i], hash))
			fail_msg("not found: %s", texts[i]);
		assert_int_equal(hash[0], 0x00);
		assert_int_equal(hash[1], 0x11);
		assert_int_equal(hash[31], 0xff);
	}
}

static void test_finds_nothing_where_nothing_is(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "charter = ", "charter = 0011\n", "a charter = " HASH "\n",
					    "xcharter = " HASH "\n"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		uint8_t hash[HASH_SIZE];
		if (find(texts[i], hash))
			fail_msg("found: %s", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_line_wherever_it_stands),
		cmocka_unit_test(test_finds_nothing_where_nothing_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
