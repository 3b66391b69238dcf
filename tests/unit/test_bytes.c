/* Buffers with a maximum, text rules, and reading from the front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/bytes.h"

#include "fail.h"
#include "kluis/limits.h"

static void test_slice_compare_is_the_order_of_prefixes(void **state)
{
	(void)state;
	assert_true(slice_compare(slice_text("a"), slice_text("b")) < 0);
	assert_true(slice_compare(slice_text("b"), slice_text("a")) > 0);
	assert_true(slice_compare(slice_text("a"), slice_text("ab")) < 0);
	assert_true(slice_compare(slice_text("b"), slice_text("ab")) > 0);
	assert_true(slice_compare(SLICE_EMPTY, slice_text("a")) < 0);
	assert_int_equal(slice_compare(SLICE_EMPTY, SLICE_EMPTY), 0);
	/* bytes are unsigned */
	assert_true(slice_compare(slice_text("\xff"), slice_text("a")) > 0);
	assert_true(slice_equal(slice_text("ab"), SLICE("abc", 2)));
	assert_false(slice_equal(slice_text("ab"), slice_text("abc")));
	assert_true(slice_equal(SLICE_EMPTY, slice_text("")));
}

static void test_slice_part_is_cut_to_what_is_there(void **state)
{
	struct slice slice = slice_text("abcdef");

	(void)state;
	assert_true(slice_equal(slice_part(slice, 1, 3), slice_text("bcd")));
	assert_true(slice_equal(slice_part(slice, 4, SIZE_MAX), slice_text("ef")));
	assert_int_equal(slice_part(slice, 6, 1).length, 0);
	assert_int_equal(slice_part(slice, SIZE_MAX, SIZE_MAX).length, 0);
}

struct text_row {
	const char *text;
	size_t length;
	bool is_text;
};

/* RFC 3629: the edges of each range, and what is just over them. */
static const struct text_row text_rows[] = {
	{"", 0, true},
	{"plain", 5, true},
	{"a\0b", 3, false},
	{"\x1F", 1, false},
	{" ~", 2, true},
	{"\x7F", 1, false},
	{"\t", 1, false},
	{"\r", 1, false},
	{"\x80", 1, false},
	{"\xC2\x80", 2, false}, /* U+0080, a control character */
	{"\xC2\x9F", 2, false},
	{"\xC2\xA0", 2, true},
	{"\xDF\xBF", 2, true},
	{"\xC0\x80", 2, false}, /* overlong */
	{"\xC1\xBF", 2, false},
	{"\xE0\x9F\xBF", 3, false},
	{"\xE0\xA0\x80", 3, true},
	{"\xED\x9F\xBF", 3, true},
	{"\xED\xA0\x80", 3, false}, /* surrogate */
	{"\xEE\x80\x80", 3, true},
	{"\xF0\x8F\xBF\xBF", 4, false},
	{"\xF0\x90\x80\x80", 4, true},
	{"\xF4\x8F\xBF\xBF", 4, true}, /* U+10FFFF */
	{"\xF4\x90\x80\x80", 4, false},
	{"\xF5\x80\x80\x80", 4, false},
	{"\xFF", 1, false},
	{"\xC3", 1, false}, /* cut short */
	{"\xE2\x80", 2, false},
	{"\xF0\x90\x80", 3, false},
	{"\xE2\x28\xA1", 3, false},
	{"\xE2\x80\x28", 3, false},
	{"\xF0\x90\x80\x28", 4, false},
	{"x\xE2\x80\x94y", 5, true},
};

static void test_slice_is_text_at_the_edges_of_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
		/* memory of exactly that size, so that AddressSanitizer sees a read past it */
		uint8_t *exact = malloc(text_rows[i].length + 1);

		assert_non_null(exact);
		memcpy(exact + 1, text_rows[i].text, text_rows[i].length);
		if (slice_is_text(SLICE(exact + 1, text_rows[i].length), false) != text_rows[i].is_text)
			fail_msg("row %zu", i);
		free(exact);
	}
	assert_false(slice_is_text(slice_text("a\nb"), false));
	assert_true(slice_is_text(slice_text("a\nb"), true));
}

static void test_bytes_append_stops_at_the_maximum(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes_init(&bytes, 5);
	assert_int_equal(bytes_append(&bytes, slice_text("abc")), ERR_OK);
	assert_int_equal(bytes_append(&bytes, slice_text("def")), ERR_TOO_LARGE);
	assert_true(slice_equal(bytes_slice(&bytes), slice_text("abc")));
	assert_int_equal(bytes_append(&bytes, slice_text("de")), ERR_OK);
	assert_int_equal(bytes_append_u8(&bytes, 0), ERR_TOO_LARGE);
	assert_int_equal(bytes_append(&bytes, SLICE_EMPTY), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), slice_text("abcde")));
	bytes_clear(&bytes);
	assert_int_equal(bytes.length, 0);
	bytes_fini(&bytes);
	assert_null(bytes.data);
	assert_int_equal(bytes.maximum, 5);
}

static void test_bytes_reserve_near_the_end_of_numbers(void **state)
{
	struct bytes bytes;
	uint8_t *place;

	(void)state;
	bytes_init(&bytes, 100);
	assert_int_equal(bytes_append_u8(&bytes, 1), ERR_OK);
	assert_int_equal(bytes_reserve(&bytes, SIZE_MAX, &place), ERR_TOO_LARGE);
	assert_int_equal(bytes_reserve(&bytes, 100, &place), ERR_TOO_LARGE);
	assert_int_equal(bytes_reserve(&bytes, 99, &place), ERR_OK);
	memset(place, 7, 99);
	bytes_fini(&bytes);
}

static void test_bytes_grow_keeps_what_is_there(void **state)
{
	struct bytes bytes;

	(void)state;
	for (int is_secret = 0; is_secret < 2; is_secret++) {
		if (is_secret)
			bytes_init_secret(&bytes, 100000);
		else
			bytes_init(&bytes, 100000);
		for (unsigned i = 0; i < 25000; i++)
			assert_int_equal(bytes_append_u32(&bytes, i), ERR_OK);
		assert_int_equal(bytes_append_u8(&bytes, 0), ERR_TOO_LARGE);
		for (unsigned i = 0; i < 25000; i++)
			assert_int_equal(get_u32(bytes.data + 4 * i), i);
		bytes_fini(&bytes);
	}
}

static void test_bytes_clear_wipes_a_secret(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes_init_secret(&bytes, 64);
	assert_int_equal(bytes_append(&bytes, slice_text("secret")), ERR_OK);
	bytes_clear(&bytes);
	assert_memory_equal(bytes.data, "\0\0\0\0\0\0", 6);
	bytes_fini(&bytes);
	assert_true(bytes.is_secret);
}

static void test_numbers_are_big_endian(void **state)
{
	const uint8_t expected[] = {0x01, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8};
	struct bytes bytes;

	(void)state;
	bytes_init(&bytes, 100);
	assert_int_equal(bytes_append_u8(&bytes, 0x01), ERR_OK);
	assert_int_equal(bytes_append_u16(&bytes, 0x1234), ERR_OK);
	assert_int_equal(bytes_append_u32(&bytes, 0xdeadbeef), ERR_OK);
	assert_int_equal(bytes_append_u64(&bytes, 0x0102030405060708), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), SLICE_ARRAY(expected)));
	assert_int_equal(get_u16(bytes.data + 1), 0x1234);
	assert_int_equal(get_u32(bytes.data + 3), 0xdeadbeef);
	assert_int_equal(get_u64(bytes.data + 7), 0x0102030405060708);
	bytes_fini(&bytes);
}

static void test_bytes_printf_of_any_length(void **state)
{
	char text[3000];
	struct bytes bytes;

	(void)state;
	memset(text, 'y', sizeof(text));
	for (size_t length = 505; length < 520; length++) {
		bytes_init(&bytes, length + 2);
		assert_int_equal(bytes_printf(&bytes, "%.*s", (int)length, text), ERR_OK);
		assert_true(slice_equal(bytes_slice(&bytes), SLICE(text, length)));
		assert_int_equal(bytes_printf(&bytes, "%d", 42), ERR_OK); /* fills it to the last byte */
		assert_int_equal(bytes_printf(&bytes, "x"), ERR_TOO_LARGE);
		assert_int_equal(bytes_printf(&bytes, "%.*s", 2999, text), ERR_TOO_LARGE);
		assert_int_equal(bytes.length, length + 2);
		bytes_fini(&bytes);
	}
}

static void test_reader_has_a_sticky_end(void **state)
{
	const uint8_t input[] = {1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 'a', 'b', 9};
	struct reader reader = reader_of(SLICE_ARRAY(input));

	(void)state;
	assert_int_equal(reader_u8(&reader), 1);
	assert_int_equal(reader_u16(&reader), 2);
	assert_int_equal(reader_u32(&reader), 3);
	assert_int_equal(reader_u64(&reader), 4);
	assert_true(slice_equal(reader_take(&reader, 2), slice_text("ab")));
	assert_false(reader.is_short);
	assert_int_equal(reader_u16(&reader), 0); /* one byte is left */
	assert_true(reader.is_short);
	assert_int_equal(reader_u8(&reader), 0); /* and is not read any more */
	assert_int_equal(reader_take(&reader, 0).length, 0);
	assert_int_equal(reader_line(&reader).length, 0);
}

static void test_reader_take_of_nothing_is_not_short(void **state)
{
	struct reader reader = reader_of(SLICE_EMPTY);

	(void)state;
	assert_int_equal(reader_take(&reader, 0).length, 0);
	assert_false(reader.is_short);
	assert_int_equal(reader_take(&reader, SIZE_MAX).length, 0);
	assert_true(reader.is_short);
}

static void test_reader_line_needs_its_newline(void **state)
{
	struct reader reader = reader_of(slice_text("one\n\ntwo"));

	(void)state;
	assert_true(slice_equal(reader_line(&reader), slice_text("one")));
	assert_int_equal(reader_line(&reader).length, 0);
	assert_false(reader.is_short);
	assert_int_equal(reader_line(&reader).length, 0);
	assert_true(reader.is_short);
}

static enum err build(void *context)
{
	struct bytes bytes CLEANUP(bytes_fini);
	char text[600] = {0};

	memset(text, 'x', sizeof(text) - 1);
	if (*(const bool *)context)
		bytes_init_secret(&bytes, 10000);
	else
		bytes_init(&bytes, 10000);
	for (int i = 0; i < 10; i++) {
		size_t before = bytes.length;
		enum err err = bytes_printf(&bytes, "%s", text);

		if (err != ERR_OK)
			return bytes.length == before ? err : ERR_OK;
	}
	return ERR_OK;
}

static void test_bytes_without_memory(void **state)
{
	bool is_secret = false;

	(void)state;
	fail_sweep(FAIL_MEMORY, build, &is_secret);
	is_secret = true;
	fail_sweep(FAIL_MEMORY, build, &is_secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_compare_is_the_order_of_prefixes),
		cmocka_unit_test(test_slice_part_is_cut_to_what_is_there),
		cmocka_unit_test(test_slice_is_text_at_the_edges_of_utf8),
		cmocka_unit_test(test_bytes_append_stops_at_the_maximum),
		cmocka_unit_test(test_bytes_reserve_near_the_end_of_numbers),
		cmocka_unit_test(test_bytes_grow_keeps_what_is_there),
		cmocka_unit_test(test_bytes_clear_wipes_a_secret),
		cmocka_unit_test(test_numbers_are_big_endian),
		cmocka_unit_test(test_bytes_printf_of_any_length),
		cmocka_unit_test(test_reader_has_a_sticky_end),
		cmocka_unit_test(test_reader_take_of_nothing_is_not_short),
		cmocka_unit_test(test_reader_line_needs_its_newline),
		cmocka_unit_test(test_bytes_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
