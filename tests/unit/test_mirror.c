#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "audit_log.h"
#include "kluis/file.h"
#include "mirror.h"
#include "scratch.h"

static enum err same_entry(void *context, uint64_t index, struct slice entry, struct fault *fault)
{
	uint64_t *next = context;

	(void)fault;
	assert_int_equal(index, *next);
	assert_true(slice_equal(entry, story->entries[index]));
	(*next)++;
	return ERR_OK;
}

static void test_each_gives_all_entries_in_order(void **state)
{
	struct mirror mirror;
	struct fault fault = {""};
	uint64_t next = 0;

	(void)state;
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	assert_int_equal(mirror.checkpoint.size, story->count);
	assert_int_equal(mirror_each(&mirror, same_entry, &next, &fault), ERR_OK);
	assert_int_equal(next, story->count);
	mirror_close(&mirror);
}

static enum err stop_at_3(void *context, uint64_t index, struct slice entry, struct fault *fault)
{
	(void)context;
	(void)entry;
	(void)fault;
	return index == 3 ? ERR_BUSY : ERR_OK;
}

static void test_each_stops_at_the_first_failure(void **state)
{
	struct mirror mirror;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	assert_int_equal(mirror_each(&mirror, stop_at_3, NULL, &fault), ERR_BUSY);
	mirror_close(&mirror);
}

/* A trailing slash is no other folder. */
static enum err no_slash_first(void *context, const char *name, struct fault *fault)
{
	unsigned *count = context;

	(void)fault;
	assert_true(name[0] != '/' && name[0] != '.');
	(*count)++;
	return ERR_OK;
}

static void test_each_file_names_them_below_the_folder(void **state)
{
	char folder[SCRATCH_MAX + 32];
	struct fault fault = {""};
	unsigned plain = 0, slashed = 0;

	(void)state;
	snprintf(folder, sizeof(folder), "%s//", story->mirror);
	assert_int_equal(mirror_each_file(story->mirror, no_slash_first, &plain, &fault), ERR_OK);
	assert_int_equal(mirror_each_file(folder, no_slash_first, &slashed, &fault), ERR_OK);
	/* checkpoint, controller.vkey, 3 papers, 3 bundles, 3 + 1 tiles */
	assert_int_equal(plain, 12);
	assert_int_equal(slashed, 12);
}

/* C2SP's example once more: of 70,000 entries. */
static void test_has_tile_knows_each_tile_of_a_tree(void **state)
{
	static const struct {
		const char *path;
		bool is_there;
	} rows[] = {
		{"tile/0/000", true},
		{"tile/0/272", true},
		{"tile/0/273", false},
		{"tile/0/273.p/112", true},
		{"tile/0/273.p/111", false},
		{"tile/0/272.p/112", false},
		{"tile/1/000", true},
		{"tile/1/001.p/17", true},
		{"tile/1/001", false},
		{"tile/2/000.p/1", true},
		{"tile/3/000.p/1", false},
		{"tile/entries/272", true},
		{"tile/entries/273.p/112", true},
		{"tile/entries/274", false},
		{"tile/63/000", false},
	};
	struct tile tile;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(tile_parse_path(rows[i].path, &tile), ERR_OK);
		if (mirror_has_tile(70000, &tile) != rows[i].is_there)
			fail_msg("%s", rows[i].path);
	}
}

static void test_bundles_of_a_size(void **state)
{
	(void)state;
	assert_int_equal(mirror_bundle_count(0), 0);
	assert_int_equal(mirror_bundle_count(1), 1);
	assert_int_equal(mirror_bundle_count(256), 1);
	assert_int_equal(mirror_bundle_count(257), 2);
	assert_int_equal(mirror_bundle(257, 0).width, 256);
	assert_int_equal(mirror_bundle(257, 1).width, 1);
	assert_true(mirror_bundle(257, 1).is_entries);
}

static void write_bundle(struct bytes *bundle)
{
	char path[MIRROR_PATH_MAX];
	struct fault fault = {""};

	assert_int_equal(mirror_path(story->mirror, "tile/entries/001", path, &fault), ERR_OK);
	assert_int_equal(file_write(path, bytes_slice(bundle), 0644, &fault), ERR_OK);
}

static void test_read_bundle_refuses_one_that_is_cut_or_long(void **state)
{
	struct mirror mirror;
	struct bytes whole, read;
	struct fault fault = {""};

	(void)state;
	bytes_init(&whole, BUNDLE_MAX);
	bytes_init(&read, BUNDLE_MAX);
	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	assert_int_equal(mirror_read_bundle(&mirror, 1, &whole, &fault), ERR_OK);
	whole.length--;
	write_bundle(&whole);
	assert_int_equal(mirror_read_bundle(&mirror, 1, &read, &fault), ERR_CORRUPT);
	assert_non_null(strstr(fault.text, "tile/entries/001: entry 511 is cut off"));
	whole.length++;
	assert_int_equal(bundle_append(&whole, slice_text("one more")), ERR_OK);
	write_bundle(&whole);
	fault = (struct fault){""};
	assert_int_equal(mirror_read_bundle(&mirror, 1, &read, &fault), ERR_CORRUPT);
	assert_non_null(strstr(fault.text, "holds 257 entries instead of 256"));
	whole.length -= 2 + strlen("one more");
	write_bundle(&whole);
	assert_int_equal(mirror_read_bundle(&mirror, 1, &read, &fault), ERR_OK);
	bytes_fini(&whole);
	bytes_fini(&read);
	mirror_close(&mirror);
}

static void test_open_needs_a_checkpoint(void **state)
{
	struct mirror mirror;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(mirror_open(story->scratch, &mirror, &fault), ERR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "kluis-audit mirror"));
}

/* A vkey as it is, or a file with exactly one line that holds one. */
static void test_key_from_text_or_file(void **state)
{
	struct bytes vkey;
	struct public_key key;
	struct fault fault = {""};
	char path[MIRROR_PATH_MAX];

	(void)state;
	bytes_init(&vkey, PAPER_MAX);
	assert_int_equal(public_key_print(&story->key.public, &vkey), ERR_OK);
	assert_int_equal(bytes_append_u8(&vkey, 0), ERR_OK);
	assert_int_equal(mirror_key((const char *)vkey.data, &key, &fault), ERR_OK);
	assert_true(public_key_equal(&key, &story->key.public));
	vkey.data[vkey.length - 1] = '\n';
	snprintf(path, sizeof(path), "%s/log.vkey", story->scratch);
	assert_int_equal(file_write(path, bytes_slice(&vkey), 0644, &fault), ERR_OK);
	assert_int_equal(mirror_key(path, &key, &fault), ERR_OK);
	assert_int_equal(bytes_append_u8(&vkey, '\n'), ERR_OK);
	assert_int_equal(file_write(path, bytes_slice(&vkey), 0644, &fault), ERR_OK);
	assert_int_equal(mirror_key(path, &key, &fault), ERR_INPUT);
	assert_int_equal(mirror_key("no such file", &key, NULL), ERR_NOT_FOUND);
	bytes_fini(&vkey);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_gives_all_entries_in_order),
		cmocka_unit_test(test_each_stops_at_the_first_failure),
		cmocka_unit_test(test_each_file_names_them_below_the_folder),
		cmocka_unit_test(test_has_tile_knows_each_tile_of_a_tree),
		cmocka_unit_test(test_bundles_of_a_size),
		cmocka_unit_test(test_read_bundle_refuses_one_that_is_cut_or_long),
		cmocka_unit_test(test_open_needs_a_checkpoint),
		cmocka_unit_test(test_key_from_text_or_file),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up_mirror, audit_log_tear_down);
}
