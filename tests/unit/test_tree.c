#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit_log.h"
#include "kluis/file.h"
#include "tree.h"

static struct finding_lines lines;

static bool is_whole(struct tree_waypoint *waypoint)
{
	struct findings findings = finding_lines_init(&lines);
	struct mirror mirror;
	struct fault fault = {""};
	bool whole = false;

	assert_int_equal(mirror_open(story->mirror, &mirror, &fault), ERR_OK);
	findings.size = mirror.checkpoint.size;
	assert_int_equal(tree_check(&mirror, waypoint, &findings, NULL, &whole, &fault), ERR_OK);
	mirror_close(&mirror);
	assert_int_equal(whole, findings.count == 0);
	return whole;
}

/* Turns one bit of a file; again turns it back. */
static void turn(const char *name, size_t place)
{
	char path[MIRROR_PATH_MAX];
	struct bytes bytes CLEANUP(bytes_fini);
	struct fault fault = {""};

	bytes_init(&bytes, BUNDLE_MAX);
	assert_int_equal(mirror_path(story->mirror, name, path, &fault), ERR_OK);
	assert_int_equal(file_read(path, &bytes, &fault), ERR_OK);
	bytes.data[place] ^= 4;
	assert_int_equal(file_write(path, bytes_slice(&bytes), 0644, &fault), ERR_OK);
}

static void test_tree_of_a_good_mirror_is_whole(void **state)
{
	struct tree_waypoint waypoint = {.size = 300};
	struct frontier frontier = {0};
	struct hash leaf, root;

	(void)state;
	assert_true(is_whole(&waypoint));
	for (size_t i = 0; i < 300; i++) {
		merkle_leaf(story->entries[i], &leaf);
		frontier_append(&frontier, &leaf);
	}
	frontier_root(&frontier, &root);
	assert_memory_equal(waypoint.root.bytes, root.bytes, HASH_SIZE);
}

static void assert_blames(const char *name, size_t place, const char *what)
{
	struct tree_waypoint none = {0};

	turn(name, place);
	assert_false(is_whole(&none));
	assert_int_equal(lines.count, 1);
	if (strstr(lines.first, what) == NULL)
		fail_msg("%s: \"%s\" is not \"%s\"", name, lines.first, what);
	turn(name, place);
	assert_true(is_whole(&none));
}

/* Which side was altered, entries or hashes, is told apart by the signed root. */
static void test_tree_blames_the_file_that_was_altered(void **state)
{
	size_t third = 0; /* where entry 259's bytes begin */

	(void)state;
	for (size_t i = 256; i < 259; i++)
		third += 2 + story->entries[i].length;
	assert_blames("tile/entries/001", third + 20, "entry 259 (tile/entries/001): altered");
	assert_blames("tile/0/001", 3 * HASH_SIZE + 7,
		      "tile/0/001: altered: its hash 3 is not that of the entries from 259");
	assert_blames("tile/1/000.p/2", HASH_SIZE,
		      "tile/1/000.p/2: altered: its hash 1 is not that of the entries from 256");
}

static void test_tree_names_what_cannot_be_read(void **state)
{
	struct tree_waypoint none = {0};

	(void)state;
	turn("tile/entries/000", 0); /* the first entry's length */
	assert_false(is_whole(&none));
	assert_non_null(strstr(lines.first, "tile/entries/000: "));
	turn("tile/entries/000", 0);
	assert_true(is_whole(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_of_a_good_mirror_is_whole),
		cmocka_unit_test(test_tree_blames_the_file_that_was_altered),
		cmocka_unit_test(test_tree_names_what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, audit_log_set_up_mirror, audit_log_tear_down);
}
