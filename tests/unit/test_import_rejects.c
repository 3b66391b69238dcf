#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/import_rejects.h"
#include "kluis/file.h"
#include "scratch.h"

static char folder[SCRATCH_MAX];
static char path[SCRATCH_MAX + 16];

static int make_folder(void **state)
{
	(void)state;
	scratch_new(folder);
	(void)snprintf(path, sizeof(path), "%s/rejects.csv", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void assert_holds(const char *expected)
{
	struct bytes text CLEANUP(bytes_fini);
	struct stat status;

	bytes_init(&text, 4096);
	assert_int_equal(file_read(path, &text, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&text), slice_text(expected)));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_import_rejects_file(void **state)
{
	static const uint64_t lines[] = {7, 9};
	struct import_rejects rejects;

	(void)state;
	assert_int_equal(import_rejects_open(&rejects, path, false, NULL, NULL), ERR_OK);
	assert_int_equal(import_rejects_add(&rejects, lines, 2, "say \"no\", twice"), ERR_OK);
	assert_int_equal(import_rejects_flush(&rejects, NULL), ERR_OK);
	assert_int_equal(import_rejects_add(&rejects, lines, 1, "never flushed"), ERR_OK);
	import_rejects_close(&rejects);
	assert_int_equal(rejects.count, 3);
	assert_holds("line,reason\n7,\"say \"\"no\"\", twice\"\n9,\"say \"\"no\"\", twice\"\n");

	/* going on keeps it, without a second heading */
	assert_int_equal(import_rejects_open(&rejects, path, true, NULL, NULL), ERR_OK);
	assert_int_equal(import_rejects_add(&rejects, lines, 2, "told again"), ERR_OK);
	import_rejects_forget(&rejects);
	assert_int_equal(import_rejects_add(&rejects, lines, 1, "more"), ERR_OK);
	assert_int_equal(import_rejects_flush(&rejects, NULL), ERR_OK);
	import_rejects_close(&rejects);
	assert_int_equal(rejects.count, 3);
	assert_holds("line,reason\n7,\"say \"\"no\"\", twice\"\n9,\"say \"\"no\"\", twice\"\n7,\"more\"\n");

	/* beginning again does not */
	assert_int_equal(import_rejects_open(&rejects, path, false, NULL, NULL), ERR_OK);
	assert_int_equal(import_rejects_flush(&rejects, NULL), ERR_OK);
	import_rejects_close(&rejects);
	assert_holds("line,reason\n");
}

/* Neither a file that others may read, nor a link to somewhere else, nor a folder. */
static void test_import_rejects_refuses(void **state)
{
	char link[SCRATCH_MAX + 16];
	struct import_rejects rejects;

	(void)state;
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(import_rejects_open(&rejects, path, false, NULL, NULL), ERR_MODE);
	(void)snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink(path, link), 0);
	assert_int_not_equal(import_rejects_open(&rejects, link, false, NULL, NULL), ERR_OK);
	assert_int_not_equal(import_rejects_open(&rejects, folder, false, NULL, NULL), ERR_OK);
	assert_int_not_equal(import_rejects_open(&rejects, "/nonexistent/r.csv", false, NULL, NULL), ERR_OK);
	assert_int_equal(chmod(path, 0600), 0);
}

/* A slip of the hand does not cost the file that is imported, or a key. */
static void test_import_rejects_keeps_other_files(void **state)
{
	static const char *const texts[] = {"customer_id,lname\n1,Invented\n", "line", "line,reasons\n1,2\n"};
	char other[SCRATCH_MAX + 16];
	struct import_rejects rejects;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/customers.csv", folder);
	for (size_t i = 0; i < 2 * sizeof(texts) / sizeof(texts[0]); i++) {
		struct bytes text CLEANUP(bytes_fini);
		struct slice was = slice_text(texts[i / 2]);

		assert_int_equal(file_write(other, was, 0600, NULL), ERR_OK);
		assert_int_equal(import_rejects_open(&rejects, other, i % 2 != 0, NULL, NULL), ERR_EXISTS);
		bytes_init(&text, 4096);
		assert_int_equal(file_read(other, &text, NULL), ERR_OK);
		assert_true(slice_equal(bytes_slice(&text), was));
	}
}

/* Without a file people see the first ten. */
static void test_import_rejects_stream(void **state)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);
	struct import_rejects rejects;

	(void)state;
	assert_non_null(stream);
	assert_int_equal(import_rejects_open(&rejects, NULL, false, stream, NULL), ERR_OK);
	for (uint64_t line = 1; line <= 50; line++)
		assert_int_equal(import_rejects_add(&rejects, &line, 1, "bad"), ERR_OK);
	assert_int_equal(import_rejects_flush(&rejects, NULL), ERR_OK);
	import_rejects_close(&rejects);
	assert_int_equal(fclose(stream), 0);
	assert_non_null(strstr(text, "line 10: bad"));
	assert_null(strstr(text, "line 11: bad"));
	assert_non_null(strstr(text, "--rejects FILE"));
	assert_int_equal(rejects.count, 50);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import_rejects_file),
		cmocka_unit_test(test_import_rejects_refuses),
		cmocka_unit_test(test_import_rejects_keeps_other_files),
		cmocka_unit_test(test_import_rejects_stream),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
