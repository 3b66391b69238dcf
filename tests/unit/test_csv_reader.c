/* Each row below is read by hand from RFC 4180; '|' stands between cells, '/' between rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/csv_reader.h"
#include "fail.h"
#include "kluis/limits.h"

/* Reads everything into "<line>:cell|cell/": the code at the end, ERR_NOT_FOUND if all is well. */
static enum err read_all(struct slice text, struct bytes *ret_rows, struct fault *fault)
{
	struct csv_memory memory = {.whole = text};
	struct csv_reader *reader CLEANUP(csv_reader_free) = NULL;
	struct csv_row row;
	enum err code;

	TRY(csv_reader_new(csv_source_memory(&memory), "t.csv", &reader));
	while ((code = csv_reader_next(reader, &row, fault)) == ERR_OK) {
		TRY(bytes_printf(ret_rows, "%llu:", (unsigned long long)row.line));
		for (size_t i = 0; i < row.count; i++) {
			TRY(bytes_append(ret_rows, row.cells[i]));
			if (i + 1 < row.count)
				TRY(bytes_append_u8(ret_rows, '|'));
		}
		TRY(bytes_append_u8(ret_rows, '/'));
	}
	return code;
}

static void test_csv_reader_rows(void **state)
{
	static const struct {
		const char *text, *rows;
	} cases[] = {
		{"", ""},
		{"a,b\n1,2\n", "1:a|b/2:1|2/"},
		{"a,b\r\n1,2\r\n", "1:a|b/2:1|2/"},
		{"a,b\n1,2", "1:a|b/2:1|2/"}, /* the last line needs no end */
		{"a,b\n1,", "1:a|b/2:1|/"},
		{"a,b\n1,\"x\"", "1:a|b/2:1|x/"},
		{"\"a\",\"b\"\n", "1:a|b/"},
		{"\"a,b\",c\n", "1:a,b|c/"},
		{"\"say \"\"hello\"\"\",c\n", "1:say \"hello\"|c/"},
		{"\"\",\"\"\n", "1:|/"},
		{"\"two\nlines\",x\nnext,y\n", "1:two\nlines|x/3:next|y/"},
		{"\"two\r\nlines\",x\r\nnext,y\r\n", "1:two\r\nlines|x/3:next|y/"},
		{"\"a\rb\"\n", "1:a\rb/"},
		{"\"\n\n\n\"\nx\n", "1:\n\n\n/5:x/"},
		{" a , b \n", "1: a | b /"}, /* blanks are part of a cell */
		{"\xEF\xBB\xBF"
		 "a,b\n1,2\n",
		 "1:a|b/2:1|2/"},
		{"a\n\n\nb\n\n", "1:a/4:b/"},
		{"a\r\n\r\nb\r\n", "1:a/3:b/"},
		{"a,b,c\n1\n1,2,3,4\n", "1:a|b|c/2:1/3:1|2|3|4/"}, /* the caller counts cells */
		{",\n", "1:|/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes rows CLEANUP(bytes_fini);
		struct fault fault = {.text = ""};

		bytes_init(&rows, 4096);
		assert_int_equal(read_all(slice_text(cases[i].text), &rows, &fault), ERR_NOT_FOUND);
		assert_string_equal(fault.text, "");
		assert_true(slice_equal(bytes_slice(&rows), slice_text(cases[i].rows)));
	}
}

static void test_csv_reader_refuses(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{"a,b\n1,x\"y\n", "t.csv:2: wrong quoting"},
		{"a,b\n1,\"x\"y\n", "t.csv:2: wrong quoting"},
		{"a,b\n1,\"x\" \n", "t.csv:2: wrong quoting"},
		{"a,b\n1, \"x\"\n", "t.csv:2: wrong quoting"},
		{"a,b\n1,\"x\n2,y\n", "t.csv:3: wrong quoting in the row that begins on line 2"},
		{"a,b\n1,\"x\n2,\"y\n", "t.csv:3: wrong quoting in the row that begins on line 2"},
		{"a\rb\n", "t.csv:1: a carriage return"},
		{"a,b\n1\r\r\n", "t.csv:2: a carriage return"},
		{"a,b\r", "t.csv:1: a carriage return"},
		{"\rb\n", "t.csv:1: a carriage return"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes rows CLEANUP(bytes_fini);
		struct fault fault = {.text = ""};

		bytes_init(&rows, 4096);
		assert_int_equal(read_all(slice_text(cases[i].text), &rows, &fault), ERR_INPUT);
		assert_memory_equal(fault.text, cases[i].fault, strlen(cases[i].fault));
	}
}

static void test_csv_reader_keeps_zero_bytes(void **state)
{
	struct bytes rows CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&rows, 64);
	assert_int_equal(read_all(SLICE("a\0b,c\n", 6), &rows, NULL), ERR_NOT_FOUND);
	assert_true(slice_equal(bytes_slice(&rows), SLICE("1:a\0b|c/", 8)));
}

/* A row of exactly the bound is read, one byte more is not; also when it never ends. */
static void test_csv_reader_bounds_rows(void **state)
{
	struct bytes text CLEANUP(bytes_fini), rows CLEANUP(bytes_fini);
	struct fault fault = {.text = ""};
	uint8_t *place = NULL;

	(void)state;
	bytes_init(&text, 1 << 20);
	bytes_init(&rows, 1 << 20);
	assert_int_equal(bytes_reserve(&text, CSV_LINE_MAX + 1, &place), ERR_OK);
	memset(place, 'x', CSV_LINE_MAX + 1);
	text.length = CSV_LINE_MAX;
	place[CSV_LINE_MAX - 1] = '\n';
	assert_int_equal(read_all(bytes_slice(&text), &rows, &fault), ERR_NOT_FOUND);
	assert_int_equal(rows.length, CSV_LINE_MAX - 1 + 3);
	place[CSV_LINE_MAX - 1] = 'x';
	place[CSV_LINE_MAX] = '\n';
	text.length = CSV_LINE_MAX + 1;
	assert_int_equal(read_all(bytes_slice(&text), &rows, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, "t.csv:1: the row that begins here is over"));

	/* an open quote over many short lines */
	bytes_clear(&text);
	assert_int_equal(bytes_append(&text, slice_text("ok\n\"open\n")), ERR_OK);
	for (int i = 0; i < 70000; i++)
		assert_int_equal(bytes_append(&text, slice_text("y\n")), ERR_OK);
	fault.text[0] = '\0';
	assert_int_equal(read_all(bytes_slice(&text), &rows, &fault), ERR_INPUT);
	assert_non_null(strstr(fault.text, "t.csv:2: the row that begins here is over"));
}

static void test_csv_reader_bounds_columns(void **state)
{
	char text[2 * CSV_COLUMNS_MAX + 2];
	struct bytes rows CLEANUP(bytes_fini);
	struct fault fault = {.text = ""};

	(void)state;
	bytes_init(&rows, 4096);
	memset(text, ',', CSV_COLUMNS_MAX);
	text[CSV_COLUMNS_MAX - 1] = '\n';
	assert_int_equal(read_all(SLICE(text, CSV_COLUMNS_MAX), &rows, NULL), ERR_NOT_FOUND);
	text[CSV_COLUMNS_MAX - 1] = ',';
	text[CSV_COLUMNS_MAX] = '\n';
	assert_int_equal(read_all(SLICE(text, CSV_COLUMNS_MAX + 1), &rows, &fault), ERR_INPUT);
	assert_string_equal(fault.text, "t.csv:1: over 256 columns");
}

/* SHA-256("abc") is FIPS 180-2's example; the second reading gives the same rows and hash. */
static void test_csv_reader_rewind_and_hash(void **state)
{
	static const uint8_t expected[HASH_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
						    0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
						    0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	struct csv_memory memory = {.whole = slice_text("ab")};
	struct csv_reader *reader = NULL;
	struct csv_row row;
	uint8_t hash[HASH_SIZE];

	(void)state;
	assert_int_equal(csv_reader_new(csv_source_memory(&memory), "t.csv", &reader), ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(csv_reader_next(reader, &row, NULL), ERR_OK);
		assert_true(row.count == 1 && slice_equal(row.cells[0], slice_text("ab")));
		assert_int_equal(csv_reader_next(reader, &row, NULL), ERR_NOT_FOUND);
		csv_reader_hash(reader, slice_text("c"), hash);
		assert_memory_equal(hash, expected, HASH_SIZE);
		assert_int_equal(csv_reader_rewind(reader, NULL), ERR_OK);
	}
	csv_reader_free(&reader);
	assert_null(reader);
}

static enum err read_once(void *context)
{
	struct bytes rows CLEANUP(bytes_fini);
	enum err code;

	(void)context;
	bytes_init(&rows, 4096);
	code = read_all(slice_text("a,\"b\"\"c\"\n\"d\ne\",f\n"), &rows, NULL);
	return code == ERR_NOT_FOUND ? ERR_OK : code == ERR_OK ? ERR_STATE : code;
}

static void test_csv_reader_memory_fails(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, read_once, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv_reader_rows),
		cmocka_unit_test(test_csv_reader_refuses),
		cmocka_unit_test(test_csv_reader_keeps_zero_bytes),
		cmocka_unit_test(test_csv_reader_bounds_rows),
		cmocka_unit_test(test_csv_reader_bounds_columns),
		cmocka_unit_test(test_csv_reader_rewind_and_hash),
		cmocka_unit_test(test_csv_reader_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
