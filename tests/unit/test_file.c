/* Files that are there whole or not at all, and modes that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/file.h"

#include "fail.h"
#include "scratch.h"

#define PATH_SIZE (SCRATCH_MAX + 64)

static char folder[SCRATCH_MAX];

static int make_folder(void **state)
{
	(void)state;
	scratch_new(folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static const char *path_of(const char *name, char ret_path[static PATH_SIZE])
{
	snprintf(ret_path, PATH_SIZE, "%s/%s", folder, name);
	return ret_path;
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (unsigned)(status.st_mode & 07777);
}

static size_t files_in_folder(void)
{
	DIR *listing = opendir(folder);
	size_t count = 0;

	assert_non_null(listing);
	for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
		count += entry->d_name[0] != '.';
	closedir(listing);
	return count;
}

static void assert_holds(const char *path, const char *expected)
{
	struct bytes bytes;

	bytes_init(&bytes, 1000);
	assert_int_equal(file_read(path, &bytes, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), slice_text(expected)));
	bytes_fini(&bytes);
}

static void test_file_write_replaces_and_sets_the_mode(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	path_of("f", path);
	umask(077);
	assert_int_equal(file_write(path, slice_text("one"), 0640, NULL), ERR_OK);
	assert_int_equal(mode_of(path), 0640);
	umask(0);
	assert_int_equal(file_write(path, slice_text("two, longer"), 0600, NULL), ERR_OK);
	umask(022);
	assert_int_equal(mode_of(path), 0600);
	assert_holds(path, "two, longer");
	assert_int_equal(file_write(path, SLICE_EMPTY, 0600, NULL), ERR_OK);
	assert_holds(path, "");
	assert_int_equal(files_in_folder(), 1);
}

static void test_file_create_never_replaces(void **state)
{
	struct fault fault = {0};
	char path[PATH_SIZE];

	(void)state;
	path_of("f", path);
	assert_int_equal(file_create(path, slice_text("one"), 0600, NULL), ERR_OK);
	assert_int_equal(file_create(path, slice_text("two"), 0600, &fault), ERR_EXISTS);
	assert_non_null(strstr(fault.text, path));
	assert_holds(path, "one");
	assert_int_equal(files_in_folder(), 1);
}

static void test_file_read_is_bounded(void **state)
{
	struct fault fault = {0};
	struct bytes bytes;
	char path[PATH_SIZE];

	(void)state;
	path_of("f", path);
	assert_int_equal(file_write(path, slice_text("12345"), 0600, NULL), ERR_OK);
	bytes_init(&bytes, 6);
	assert_int_equal(bytes_append(&bytes, slice_text("ab")), ERR_OK);
	assert_int_equal(file_read(path, &bytes, &fault), ERR_TOO_LARGE);
	assert_non_null(strstr(fault.text, path));
	assert_true(slice_equal(bytes_slice(&bytes), slice_text("ab"))); /* unchanged */
	bytes_fini(&bytes);
	bytes_init(&bytes, 7);
	assert_int_equal(bytes_append(&bytes, slice_text("ab")), ERR_OK);
	assert_int_equal(file_read(path, &bytes, NULL), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), slice_text("ab12345")));
	bytes_fini(&bytes);
}

static void test_file_read_of_what_cannot_be_read(void **state)
{
	struct fault fault = {0};
	struct bytes bytes;
	char path[PATH_SIZE];

	(void)state;
	bytes_init(&bytes, 10);
	assert_int_equal(file_read(path_of("none", path), &bytes, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "none"));
	assert_int_equal(file_read(folder, &bytes, NULL), ERR_IO);
	assert_int_equal(file_write(path_of("none/f", path), SLICE_EMPTY, 0600, NULL), ERR_NOT_FOUND);
	bytes_fini(&bytes);
}

static void test_file_check_private_refuses_every_open_bit(void **state)
{
	struct bytes bytes;
	char path[PATH_SIZE];

	(void)state;
	path_of("f", path);
	bytes_init(&bytes, 100);
	assert_int_equal(file_write(path, slice_text("secret"), 0600, NULL), ERR_OK);
	for (unsigned mode = 0400; mode <= 0777; mode++) {
		enum err expected = (mode & 077) == 0 ? ERR_OK : ERR_MODE;

		if ((mode & 0400) == 0)
			continue;
		assert_int_equal(chmod(path, mode), 0);
		assert_int_equal(file_check_private(path, false, NULL), expected);
		bytes_clear(&bytes);
		assert_int_equal(file_read_private(path, &bytes, NULL), expected);
		assert_int_equal(bytes.length, expected == ERR_OK ? 6 : 0);
	}
	bytes_fini(&bytes);
}

static void test_file_check_private_of_other_kinds(void **state)
{
	struct fault fault = {0};
	struct bytes bytes;
	char path[PATH_SIZE], link_path[PATH_SIZE], fifo[PATH_SIZE];

	(void)state;
	bytes_init(&bytes, 100);
	assert_int_equal(file_write(path_of("f", path), slice_text("x"), 0600, NULL), ERR_OK);
	assert_int_equal(symlink(path, path_of("l", link_path)), 0);
	assert_int_equal(mkfifo(path_of("p", fifo), 0600), 0);
	assert_int_equal(file_check_private(link_path, false, &fault), ERR_MODE);
	assert_non_null(strstr(fault.text, "/l"));
	assert_int_equal(file_read_private(link_path, &bytes, NULL), ERR_MODE);
	assert_int_equal(file_check_private(fifo, false, NULL), ERR_MODE);
	assert_int_equal(file_read_private(fifo, &bytes, NULL), ERR_MODE);
	assert_int_equal(file_check_private(path, true, NULL), ERR_MODE);
	assert_int_equal(file_check_private(folder, false, NULL), ERR_MODE);
	assert_int_equal(file_check_private(folder, true, NULL), ERR_OK);
	assert_int_equal(chmod(folder, 0750), 0);
	assert_int_equal(file_check_private(folder, true, NULL), ERR_MODE);
	assert_int_equal(file_check_private(path_of("none", path), false, NULL), ERR_NOT_FOUND);
	assert_int_equal(file_read_private(path, &bytes, NULL), ERR_NOT_FOUND);
	bytes_fini(&bytes);
}

static void test_file_check_private_of_another_user(void **state)
{
	struct fault fault = {0};
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(file_write(path_of("f", path), slice_text("x"), 0600, NULL), ERR_OK);
	if (chown(path, 12345, (gid_t)-1) != 0)
		skip(); /* only root may give a file away */
	assert_int_equal(file_check_private(path, false, &fault), ERR_MODE);
	assert_non_null(strstr(fault.text, "12345"));
}

static void test_folder_make(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	umask(077);
	assert_int_equal(folder_make(path_of("d/", path), 0750, NULL), ERR_OK);
	umask(022);
	assert_int_equal(mode_of(path), 0750);
	assert_int_equal(folder_make(path, 0700, NULL), ERR_OK);
	assert_int_equal(mode_of(path), 0750);
	assert_int_equal(file_write(path_of("f", path), SLICE_EMPTY, 0600, NULL), ERR_OK);
	assert_int_equal(folder_make(path, 0700, NULL), ERR_EXISTS);
	assert_int_equal(folder_make(path_of("none/d", path), 0700, NULL), ERR_NOT_FOUND);
}

static void test_file_lock_has_one_holder(void **state)
{
	struct fault fault = {0};
	char path[PATH_SIZE];
	int first, second = -7;

	(void)state;
	path_of("lock", path);
	assert_int_equal(file_lock(path, &first, NULL), ERR_OK);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(file_lock(path, &second, &fault), ERR_IN_USE);
	assert_int_equal(second, -7);
	assert_non_null(strstr(fault.text, path));
	file_unlock(&first);
	assert_int_equal(first, -1);
	file_unlock(&first);
	assert_int_equal(file_lock(path, &second, NULL), ERR_OK);
	file_unlock(&second);
}

static void test_file_error(void **state)
{
	(void)state;
	assert_int_equal(file_error(ENOSPC), ERR_DISK_FULL);
	assert_int_equal(file_error(EDQUOT), ERR_DISK_FULL);
	assert_int_equal(file_error(ENOENT), ERR_NOT_FOUND);
	assert_int_equal(file_error(EEXIST), ERR_EXISTS);
	assert_int_equal(file_error(EACCES), ERR_IO);
}

/* Whatever fails, the old file is there whole or the new one, and no temporary file stays. */
static void test_file_write_with_failing_calls(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	path_of("f", path);
	assert_int_equal(file_write(path, slice_text("old"), 0600, NULL), ERR_OK);
	for (unsigned n = 1;; n++) {
		bool has_failed;
		enum err err;

		fail_begin(FAIL_DISK, n);
		err = file_write(path, slice_text("new"), 0600, NULL);
		has_failed = fail_end();
		assert_int_equal(err, has_failed ? ERR_IO : ERR_OK);
		assert_int_equal(files_in_folder(), 1);
		/* only the last step, the folder's fsync, may fail with the new name in place */
		if (n <= 4)
			assert_holds(path, "old");
		if (!has_failed) {
			assert_int_equal(n, 6); /* mkostemp, write, fsync, rename, fsync */
			break;
		}
	}
	assert_holds(path, "new");
}

static enum err create(void *context)
{
	unlink(context);
	return file_create(context, slice_text("new"), 0600, NULL);
}

static void test_file_create_with_failing_calls(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	path_of("f", path);
	fail_sweep(FAIL_DISK, create, path);
	assert_holds(path, "new");
	assert_int_equal(files_in_folder(), 1);
}

static enum err read_whole(void *context)
{
	struct bytes bytes CLEANUP(bytes_fini);

	bytes_init(&bytes, 100);
	return file_read(context, &bytes, NULL);
}

static void test_file_read_without_memory(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(file_write(path_of("f", path), slice_text("x"), 0600, NULL), ERR_OK);
	fail_sweep(FAIL_MEMORY, read_whole, path);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_file_write_replaces_and_sets_the_mode),
		FILE_TEST(test_file_create_never_replaces),
		FILE_TEST(test_file_read_is_bounded),
		FILE_TEST(test_file_read_of_what_cannot_be_read),
		FILE_TEST(test_file_check_private_refuses_every_open_bit),
		FILE_TEST(test_file_check_private_of_other_kinds),
		FILE_TEST(test_file_check_private_of_another_user),
		FILE_TEST(test_folder_make),
		FILE_TEST(test_file_lock_has_one_holder),
		FILE_TEST(test_file_error),
		FILE_TEST(test_file_write_with_failing_calls),
		FILE_TEST(test_file_create_with_failing_calls),
		FILE_TEST(test_file_read_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
