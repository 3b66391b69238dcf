#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fail.h"
#include "kluis/charter.h"

#define DOT "\xe2\x80\xa2"

static enum err check(enum field_type type, bool is_lookup, const char *value)
{
	struct charter_field field = {.type = type, .is_lookup = is_lookup};

	return field_check_value(&field, slice_text(value));
}

static void test_field_check_value_accepts(void **state)
{
	static const struct {
		enum field_type type;
		const char *value;
	} rows[] = {
		{FIELD_TEXT, "a"},
		{FIELD_TEXT, " "},
		{FIELD_TEXT, "7640 First Ave."},
		{FIELD_NAME, "Brady, Jr."},
		{FIELD_NAME, "Ren\xc3\xa9"},
		{FIELD_CARD, "87462024688"},
		{FIELD_CARD, "ABCD-12 34"},
		{FIELD_CARD, "1234"},
		{FIELD_CARD, "12345678901234567890123456789012"},
		{FIELD_PHONE, "271-555-9715"},
		{FIELD_PHONE, "1000-555-4932"},
		{FIELD_PHONE, "+31 (20) 555 1234"},
		{FIELD_PHONE, "12345"},
		{FIELD_PHONE, "12345678901234567890"},
		{FIELD_EMAIL, "a@b"},
		{FIELD_EMAIL, "Sheri.Nowmer@example.com"},
		{FIELD_DATE, "1961-08-26"},
		{FIELD_DATE, "2000-02-29"},
		{FIELD_NUMBER, "0"},
		{FIELD_NUMBER, "-12.50"},
		{FIELD_NUMBER, "+3"},
		{FIELD_CHOICE, "$30K - $50K"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (check(rows[i].type, false, rows[i].value) != ERR_OK)
			fail_msg("refused: %s", rows[i].value);
}

static void test_field_check_value_refuses(void **state)
{
	static const struct {
		enum field_type type;
		const char *value;
	} rows[] = {
		{FIELD_TEXT, ""},
		{FIELD_TEXT, "a\nb"},
		{FIELD_TEXT, "a\x7f"},
		{FIELD_TEXT, "\xff"},
		{FIELD_NAME, "\xc0\x80"},
		{FIELD_CARD, "123"},
		{FIELD_CARD, "1 2-3   "},
		{FIELD_CARD, "123456789012345678901234567890123"},
		{FIELD_CARD, "12345_"},
		{FIELD_PHONE, "1234"},
		{FIELD_PHONE, "123456789012345678901"},
		{FIELD_PHONE, "12345x"},
		{FIELD_PHONE, "12+345"},
		{FIELD_EMAIL, "a"},
		{FIELD_EMAIL, "@b"},
		{FIELD_EMAIL, "a@"},
		{FIELD_EMAIL, "a@b@c"},
		{FIELD_EMAIL, "a b@c"},
		{FIELD_DATE, "1961-8-26"},
		{FIELD_DATE, "1900-02-29"},
		{FIELD_DATE, "1961-08-26 "},
		{FIELD_DATE, "26-08-1961"},
		{FIELD_NUMBER, "-"},
		{FIELD_NUMBER, "1."},
		{FIELD_NUMBER, ".5"},
		{FIELD_NUMBER, "-.5"},
		{FIELD_NUMBER, "1.2.3"},
		{FIELD_NUMBER, "1e3"},
		{FIELD_NUMBER, "1,000"},
		{FIELD_CHOICE, "12345678901234567890123456789012345678901234567890123456789012345"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (check(rows[i].type, false, rows[i].value) != ERR_VALUE)
			fail_msg("taken: %s", rows[i].value);
	assert_int_equal(check(FIELD_TEXT, true, " "), ERR_VALUE);
}

static void test_field_check_value_length(void **state)
{
	char value[VALUE_MAX + 2];
	struct charter_field field = {.type = FIELD_TEXT};

	(void)state;
	memset(value, 'a', sizeof(value));
	assert_int_equal(field_check_value(&field, SLICE(value, VALUE_MAX)), ERR_OK);
	assert_int_equal(field_check_value(&field, SLICE(value, VALUE_MAX + 1)), ERR_VALUE);
	value[3] = '\0';
	assert_int_equal(field_check_value(&field, SLICE(value, 10)), ERR_VALUE);
}

static void test_field_normalise(void **state)
{
	static const struct {
		enum field_type type;
		const char *value, *normal;
	} rows[] = {
		{FIELD_CARD, " ab-12 cd ", "AB12CD"},
		{FIELD_CARD, "87462024688", "87462024688"},
		{FIELD_PHONE, "(271) 555-9715", "2715559715"},
		{FIELD_PHONE, " +31 (20) 555-1234", "+31205551234"},
		{FIELD_EMAIL, "  Sheri@Example.COM ", "sheri@example.com"},
		{FIELD_NUMBER, " 42 ", "42"},
		{FIELD_TEXT, " Two  Words ", "Two  Words"},
		{FIELD_DATE, "1961-08-26 ", "1961-08-26"},
	};
	struct bytes normal CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&normal, VALUE_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct charter_field field = {.type = rows[i].type, .is_lookup = true};
		bytes_clear(&normal);
		assert_int_equal(field_normalise(&field, slice_text(rows[i].value), &normal), ERR_OK);
		assert_true(slice_equal(bytes_slice(&normal), slice_text(rows[i].normal)));
		/* its own normal form */
		bytes_clear(&normal);
		assert_int_equal(field_normalise(&field, slice_text(rows[i].normal), &normal), ERR_OK);
		assert_true(slice_equal(bytes_slice(&normal), slice_text(rows[i].normal)));
	}
}

static void test_field_normalise_refuses(void **state)
{
	struct charter_field card = {.type = FIELD_CARD, .is_lookup = true};
	struct charter_field text = {.type = FIELD_TEXT, .is_lookup = true};
	struct bytes normal CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&normal, 8);
	assert_int_equal(field_normalise(&card, slice_text("----"), &normal), ERR_VALUE);
	assert_int_equal(field_normalise(&text, slice_text("   "), &normal), ERR_VALUE);
	assert_int_equal(field_normalise(&text, SLICE_EMPTY, &normal), ERR_VALUE);
	assert_int_equal(field_normalise(&card, slice_text("123456789"), &normal), ERR_TOO_LARGE);
	assert_int_equal(normal.length, 0);
}

/* R45; and no mask leaves a whole value. */
static void test_mask_apply(void **state)
{
	static const struct {
		enum mask_kind kind;
		uint8_t count;
		const char *value, *masked;
	} rows[] = {
		{MASK_HIDE, 0, "anything", DOT DOT DOT},
		{MASK_HIDE, 0, "", DOT DOT DOT},
		{MASK_LAST, 4, "1234567", DOT DOT DOT "4567"},
		{MASK_FIRST, 1, "Ren\xc3\xa9", "R" DOT DOT DOT},
		{MASK_LAST, 1, "Ren\xc3\xa9", DOT DOT DOT "\xc3\xa9"},
		{MASK_FIRST, 4, "Ren\xc3\xa9x", "Ren\xc3\xa9" DOT},
		{MASK_YEAR, 0, "1961-08-26", "1961" DOT DOT DOT DOT DOT DOT},
		{MASK_LAST, 4, "4567", DOT DOT DOT},
		{MASK_LAST, 4, "7", DOT DOT DOT},
		{MASK_FIRST, 4, "abc", DOT DOT DOT},
		{MASK_LAST, 4, "\xc3\xa9\xc3\xa9", DOT DOT DOT},
	};
	struct bytes masked CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&masked, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct charter_mask mask = {.name = "m", .kind = rows[i].kind, .count = rows[i].count};
		bytes_clear(&masked);
		assert_int_equal(mask_apply(&mask, slice_text(rows[i].value), &masked), ERR_OK);
		if (!slice_equal(bytes_slice(&masked), slice_text(rows[i].masked)))
			fail_msg("%s gives %.*s", rows[i].value, (int)masked.length, (const char *)masked.data);
	}
}

static enum err normalise_and_mask(void *context)
{
	static const struct charter_field field = {.type = FIELD_CARD};
	static const struct charter_mask mask = {.name = "m", .kind = MASK_LAST, .count = 4};
	struct bytes normal CLEANUP(bytes_fini);
	struct bytes masked CLEANUP(bytes_fini);

	(void)context;
	bytes_init(&normal, VALUE_MAX);
	bytes_init(&masked, VALUE_MAX);
	TRY(field_normalise(&field, slice_text("8746 2024 688"), &normal));
	return mask_apply(&mask, bytes_slice(&normal), &masked);
}

static void test_field_with_failing_allocations(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, normalise_and_mask, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_check_value_accepts),      cmocka_unit_test(test_field_check_value_refuses),
		cmocka_unit_test(test_field_check_value_length),       cmocka_unit_test(test_field_normalise),
		cmocka_unit_test(test_field_normalise_refuses),	       cmocka_unit_test(test_mask_apply),
		cmocka_unit_test(test_field_with_failing_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
