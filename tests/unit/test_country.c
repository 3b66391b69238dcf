#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../proto/grant.h"

/* ISO 3166-1 has 249 codes (2026). */
static void test_country_is_known_for_249_codes(void **state)
{
	int count = 0;

	(void)state;
	for (char a = 'A'; a <= 'Z'; a++)
		for (char b = 'A'; b <= 'Z'; b++)
			count += country_is_known((char[]){a, b, '\0'});
	assert_int_equal(count, 249);
}

static void test_country_is_known(void **state)
{
	static const char *const known[] = {"AD", "US", "CA", "MX", "NL", "GB", "ZW", "CW"};
	static const char *const unknown[] = {"", "U", "UK", "EU", "us", "USA", "N ", " N", "  ", "D A", "XX"};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(country_is_known(known[i]));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(country_is_known(unknown[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_country_is_known_for_249_codes),
		cmocka_unit_test(test_country_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
