#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "command/csv_reader.h"
#include "kluis/file.h"
#include "scratch.h"

static char folder[SCRATCH_MAX];
static char path[SCRATCH_MAX + 16];

static int make_folder(void **state)
{
	(void)state;
	scratch_new(folder);
	(void)snprintf(path, sizeof(path), "%s/t.csv", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void write_gz(struct slice text)
{
	gzFile file = gzopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(gzwrite(file, text.data, (unsigned)text.length), (int)text.length);
	assert_int_equal(gzclose(file), Z_OK);
}

/* Everything of the file at path, by a source, twice with a rewind between. */
static enum err read_twice(struct bytes *ret_text, struct fault *fault)
{
	struct csv_source source;
	enum err code = ERR_OK;

	TRY(csv_source_open(path, &source, fault));
	for (int pass = 0; pass < 2 && code == ERR_OK; pass++) {
		uint8_t place[1000];
		size_t count = 1;

		while (count > 0 && (code = source.read(source.context, place, sizeof(place), &count, fault)) == ERR_OK)
			assert_int_equal(bytes_append(ret_text, SLICE(place, count)), ERR_OK);
		if (code == ERR_OK)
			code = source.rewind(source.context, fault);
	}
	source.close(source.context);
	return code;
}

static void test_csv_source_plain_and_gzip(void **state)
{
	static const char text[] = "a,b\n1,2\n";
	static const char twice[] = "a,b\n1,2\na,b\n1,2\n";

	(void)state;
	for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
		struct bytes all CLEANUP(bytes_fini);

		bytes_init(&all, 4096);
		if (is_gzip)
			write_gz(slice_text(text));
		else
			assert_int_equal(file_write(path, slice_text(text), 0600, NULL), ERR_OK);
		assert_int_equal(read_twice(&all, NULL), ERR_OK);
		assert_true(slice_equal(bytes_slice(&all), slice_text(twice)));
	}
}

/* Cut anywhere within, a gzip file is an error and never just a shorter file. */
static void test_csv_source_refuses_cut_gzip(void **state)
{
	struct bytes packed CLEANUP(bytes_fini);

	(void)state;
	bytes_init(&packed, 4096);
	write_gz(slice_text("customer,name\n1,Testa\n2,Testb\n3,Testc\n"));
	assert_int_equal(file_read(path, &packed, NULL), ERR_OK);
	for (size_t length = 10; length < packed.length; length++) {
		struct bytes all CLEANUP(bytes_fini);
		struct fault fault = {.text = ""};

		bytes_init(&all, 4096);
		assert_int_equal(file_write(path, slice_part(bytes_slice(&packed), 0, length), 0600, NULL), ERR_OK);
		assert_int_equal(read_twice(&all, &fault), ERR_INPUT);
		assert_non_null(strstr(fault.text, "gzip"));
	}
	packed.data[packed.length / 2] ^= 0x10;
	assert_int_equal(file_write(path, bytes_slice(&packed), 0600, NULL), ERR_OK);
	{
		struct bytes all CLEANUP(bytes_fini);

		bytes_init(&all, 4096);
		assert_int_equal(read_twice(&all, NULL), ERR_INPUT);
	}
}

static void test_csv_source_no_file(void **state)
{
	struct csv_source source;
	struct fault fault = {.text = ""};

	(void)state;
	assert_int_equal(csv_source_open("/nonexistent/x.csv", &source, &fault), ERR_NOT_FOUND);
	assert_string_equal(fault.text, "/nonexistent/x.csv: there is no such file");
}

static void test_csv_source_folder(void **state)
{
	struct csv_source source;
	uint8_t place[10];
	size_t count = 0;

	(void)state;
	assert_int_equal(csv_source_open(folder, &source, NULL), ERR_OK);
	assert_int_equal(source.read(source.context, place, sizeof(place), &count, NULL), ERR_IO);
	source.close(source.context);
}

static void test_csv_source_memory(void **state)
{
	struct csv_memory memory = {.whole = slice_text("abcde")};
	struct csv_source source = csv_source_memory(&memory);
	uint8_t place[3];
	size_t count = 0;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(source.read(source.context, place, 3, &count, NULL), ERR_OK);
		assert_true(slice_equal(SLICE(place, count), slice_text("abc")));
		assert_int_equal(source.read(source.context, place, 3, &count, NULL), ERR_OK);
		assert_true(slice_equal(SLICE(place, count), slice_text("de")));
		assert_int_equal(source.read(source.context, place, 3, &count, NULL), ERR_OK);
		assert_int_equal(count, 0);
		assert_int_equal(source.rewind(source.context, NULL), ERR_OK);
	}
	source.close(source.context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv_source_plain_and_gzip), cmocka_unit_test(test_csv_source_refuses_cut_gzip),
		cmocka_unit_test(test_csv_source_no_file),	  cmocka_unit_test(test_csv_source_folder),
		cmocka_unit_test(test_csv_source_memory),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
