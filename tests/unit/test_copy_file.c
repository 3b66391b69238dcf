#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "copy_file.h"
#include "kluis/file.h"
#include "scratch.h"

static char scratch[SCRATCH_MAX];
static char folder[SCRATCH_MAX + 8];

static int set_up(void **state)
{
	(void)state;
	scratch_new(scratch);
	snprintf(folder, sizeof(folder), "%s/mirror", scratch);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(scratch);
	return 0;
}

static bool is_there(const char *name)
{
	char path[MIRROR_PATH_MAX];
	struct stat status;

	return mirror_path(folder, name, path, NULL) == ERR_OK && stat(path, &status) == 0;
}

static void put(const char *name, const char *text)
{
	struct fault fault = {""};

	if (copy_put(folder, name, slice_text(text), &fault) != ERR_OK)
		fail_msg("%s", fault.text);
}

/* A mirror is handed round; an auditor's key is not. */
static void test_not_beside_an_auditors_key(void **state)
{
	int lock = -1;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(copy_begin(folder, &lock, &fault), ERR_OK);
	put("auditor.key", "secret");
	file_unlock(&lock);
	assert_int_equal(copy_begin(folder, &lock, &fault), ERR_USAGE);
	assert_non_null(strstr(fault.text, "a folder of its own"));
}

static void test_only_one_copies_at_a_time(void **state)
{
	int first = -1, second = -1;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(copy_begin(folder, &first, &fault), ERR_OK);
	assert_int_equal(copy_begin(folder, &second, &fault), ERR_IN_USE);
	file_unlock(&first);
	assert_int_equal(copy_begin(folder, &second, &fault), ERR_OK);
	file_unlock(&second);
}

static void test_put_makes_folders_and_replaces(void **state)
{
	struct bytes bytes CLEANUP(bytes_fini);
	char path[MIRROR_PATH_MAX];
	int lock = -1;
	struct fault fault = {""};

	(void)state;
	bytes_init(&bytes, 100);
	assert_int_equal(copy_begin(folder, &lock, &fault), ERR_OK);
	put("tile/0/x001/000.p/7", "first");
	put("tile/0/x001/000.p/7", "second");
	assert_int_equal(copy_sync(folder, &fault), ERR_OK);
	assert_int_equal(mirror_path(folder, "tile/0/x001/000.p/7", path, &fault), ERR_OK);
	assert_int_equal(file_read(path, &bytes, &fault), ERR_OK);
	assert_true(slice_equal(bytes_slice(&bytes), slice_text("second")));
	assert_false(is_there(".new"));
	file_unlock(&lock);
}

static void test_clean_removes_what_the_tree_has_grown_past(void **state)
{
	int lock = -1;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(copy_begin(folder, &lock, &fault), ERR_OK);
	put("tile/0/000.p/9", "old");
	put("tile/0/000", "full");
	put("tile/0/001.p/44", "new");
	put("tile/entries/001.p/44", "new");
	put("tile/1/000.p/1", "new");
	put("tile/entries/007", "left over");
	put("papers/abc", "not a tile");
	put("checkpoint.new.aB3xYz", "half"); /* killed before it had its name */
	put("checkpoint.newer", "somebody's");
	assert_int_equal(copy_clean(folder, 300, &fault), ERR_OK);
	assert_false(is_there("checkpoint.new.aB3xYz"));
	assert_true(is_there("checkpoint.newer"));
	assert_false(is_there("tile/0/000.p"));
	assert_false(is_there("tile/entries/007"));
	assert_true(is_there("tile/0/000") && is_there("tile/0/001.p/44") && is_there("tile/entries/001.p/44"));
	assert_true(is_there("tile/1/000.p/1") && is_there("papers/abc"));
	file_unlock(&lock);
}

static void test_begin_removes_what_a_killed_run_left(void **state)
{
	int lock = -1;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(copy_begin(folder, &lock, &fault), ERR_OK);
	put("half", "text");
	file_unlock(&lock);
	char from[MIRROR_PATH_MAX], to[MIRROR_PATH_MAX];
	assert_int_equal(mirror_path(folder, "half", from, &fault), ERR_OK);
	assert_int_equal(mirror_path(folder, ".new", to, &fault), ERR_OK);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(copy_begin(folder, &lock, &fault), ERR_OK);
	assert_false(is_there(".new"));
	file_unlock(&lock);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_not_beside_an_auditors_key),
		FRESH(test_only_one_copies_at_a_time),
		FRESH(test_put_makes_folders_and_replaces),
		FRESH(test_clean_removes_what_the_tree_has_grown_past),
		FRESH(test_begin_removes_what_a_killed_run_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
