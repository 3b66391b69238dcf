/* base64 and hex in one form only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "kluis/keys.h"

/* RFC 4648 section 10, and what is not canonical. */
static void test_base64(void **state)
{
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z",	  "Zg",	      "Zg=",  "Zh==",	   "Zm9=",     "Zg==\n", "=",	"====",
					  "Z===", "Zg==Zg==", "Zm-_", "Zm9v Zm9v", "Zm\n9vAA", "Zm8=A",	 "A=AA"};
	struct bytes bytes;

	(void)state;
	bytes_init(&bytes, 1000);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		bytes_clear(&bytes);
		assert_int_equal(base64_append(slice_text(pairs[i][0]), &bytes), ERR_OK);
		assert_true(slice_equal(bytes_slice(&bytes), slice_text(pairs[i][1])));
		bytes_clear(&bytes);
		assert_int_equal(base64_decode(slice_text(pairs[i][1]), &bytes), ERR_OK);
		assert_true(slice_equal(bytes_slice(&bytes), slice_text(pairs[i][0])));
	}
	bytes_clear(&bytes);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64_decode(slice_text(bad[i]), &bytes) != ERR_INPUT)
			fail_msg("'%s'", bad[i]);
	}
	assert_int_equal(base64_decode(SLICE("\0\0\0\0", 4), &bytes), ERR_INPUT);
	assert_int_equal(bytes.length, 0);
	bytes_fini(&bytes);
}

/* Four characters, each replaced by every byte: what is taken is what encodes back to it. */
static void test_base64_decode_of_every_byte(void **state)
{
	struct bytes bytes, back;

	(void)state;
	bytes_init(&bytes, 10);
	bytes_init(&back, 10);
	for (size_t place = 0; place < 4; place++) {
		for (int value = 0; value < 256; value++) {
			char text[4] = {'A', 'E', 'L', 'Q'};

			text[place] = (char)value;
			bytes_clear(&bytes);
			bytes_clear(&back);
			if (base64_decode(SLICE_ARRAY(text), &bytes) != ERR_OK)
				continue;
			assert_int_equal(base64_append(bytes_slice(&bytes), &back), ERR_OK);
			assert_true(slice_equal(bytes_slice(&back), SLICE_ARRAY(text)));
		}
	}
	bytes_fini(&bytes);
	bytes_fini(&back);
}

static void test_base64_of_any_length(void **state)
{
	uint8_t input[1200];
	struct bytes text, back;

	(void)state;
	random_bytes(input, sizeof(input));
	for (size_t length = 0; length <= sizeof(input); length++) {
		size_t size = (length + 2) / 3 * 4;

		bytes_init(&text, size);
		bytes_init(&back, length);
		assert_int_equal(base64_append(SLICE(input, length), &text), ERR_OK);
		assert_int_equal(text.length, size);
		assert_int_equal(base64_append(slice_text("x"), &text), ERR_TOO_LARGE);
		assert_int_equal(text.length, size);
		assert_int_equal(base64_decode(bytes_slice(&text), &back), ERR_OK);
		assert_true(slice_equal(bytes_slice(&back), SLICE(input, length)));
		assert_int_equal(base64_decode(slice_text("AAAA"), &back), ERR_TOO_LARGE);
		bytes_fini(&text);
		bytes_fini(&back);
	}
}

static void test_hex(void **state)
{
	uint8_t bytes[3] = {9, 9, 9};
	char text[7];

	(void)state;
	hex_print(slice_text("\x01\xAB\xff"), text);
	assert_string_equal(text, "01abff");
	assert_int_equal(hex_parse(slice_text("01aBff"), bytes, 3), ERR_INPUT);
	assert_int_equal(hex_parse(slice_text("01abf"), bytes, 3), ERR_INPUT);
	assert_int_equal(hex_parse(slice_text("01abff00"), bytes, 3), ERR_INPUT);
	assert_int_equal(hex_parse(slice_text("01abfg"), bytes, 3), ERR_INPUT);
	assert_int_equal(hex_parse(slice_text("01abf/"), bytes, 3), ERR_INPUT);
	assert_memory_equal(bytes, "\x09\x09\x09", 3);
	assert_int_equal(hex_parse(slice_text("01abff"), bytes, 3), ERR_OK);
	assert_memory_equal(bytes, "\x01\xAB\xff", 3);
	assert_int_equal(hex_parse(SLICE_EMPTY, bytes, 0), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_decode_of_every_byte),
		cmocka_unit_test(test_base64_of_any_length),
		cmocka_unit_test(test_hex),
	};

	if (keys_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
