/* C2SP tlog-tiles: the specification's own paths and extents, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "kluis/tile.h"

#include "fail.h"

static const struct {
	struct tile tile;
	const char *path;
} paths[] = {
	{{.index = 0, .width = 256}, "tile/0/000"},
	{{.index = 273, .width = 256}, "tile/0/273"},
	{{.index = 273, .width = 112}, "tile/0/273.p/112"},
	{{.index = 1000, .width = 256}, "tile/0/x001/000"},
	{{.index = 1234067, .width = 256}, "tile/0/x001/x234/067"},
	{{.level = 1, .index = 1, .width = 17}, "tile/1/001.p/17"},
	{{.level = 2, .index = 0, .width = 1}, "tile/2/000.p/1"},
	{{.level = 63, .index = 999999, .width = 255}, "tile/63/x999/999.p/255"},
	{{.index = 1234067, .width = 256, .is_entries = true}, "tile/entries/x001/x234/067"},
	{{.index = 0, .width = 8, .is_entries = true}, "tile/entries/000.p/8"},
	{{.level = 63, .index = UINT64_MAX, .width = 255}, "tile/63/x018/x446/x744/x073/x709/x551/615.p/255"},
};

static void test_paths_both_ways(void **state)
{
	char path[TILE_PATH_MAX];
	struct tile tile;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		const struct tile *expected = &paths[i].tile;

		tile_path(expected, path);
		assert_string_equal(path, paths[i].path);
		assert_int_equal(tile_parse_path(paths[i].path, &tile), ERR_OK);
		assert_int_equal(tile.level, expected->level);
		assert_true(tile.index == expected->index);
		assert_int_equal(tile.width, expected->width);
		assert_int_equal(tile.is_entries, expected->is_entries);
	}
}

static void test_other_paths_are_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/0/0",
		"tile/0/00",
		"tile/0/0000",
		"tile/0/000/",
		"/tile/0/000",
		"tile/00/000",
		"tile/64/000",
		"tile/100/000",
		"tile/-1/000",
		"tile/+1/000",
		"tile/ 1/000",
		"tile/0/x000/000",
		"tile/0/x000/x001/000",
		"tile/0/001/000",
		"tile/0/x001",
		"tile/0/x001/",
		"tile/0/X001/000",
		"tile/0/x001//000",
		"tile/0/000.p",
		"tile/0/000.p/",
		"tile/0/000.p/0",
		"tile/0/000.p/256",
		"tile/0/000.p/257",
		"tile/0/000.p/01",
		"tile/0/000.p/1/",
		"tile/0/000.p/1.p/1",
		"tile/0/000.q/1",
		"tile/entries/",
		"tile/entries/0/000",
		"tile/0/entries/000",
		"tile/data/000",
		"TILE/0/000",
		"tile/0/../000",
		"tile/0/000\n",
		"tile/0/x018/x446/x744/x073/x709/x551/616",
		"tile/0/x001/x000/x000/x000/x000/x000/x000/000",
	};
	struct tile tile = {.level = 42};

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		assert_int_equal(tile_parse_path(refused[i], &tile), ERR_INPUT);
	assert_int_equal(tile.level, 42);
}

static void check_extent(uint64_t size, unsigned level, uint64_t full, unsigned partial)
{
	uint64_t got_full;
	unsigned got_partial;

	tile_extent(size, level, &got_full, &got_partial);
	assert_true(got_full == full);
	assert_int_equal(got_partial, partial);
}

static void test_extents_of_the_specification(void **state)
{
	(void)state;
	check_extent(70000, 0, 273, 112);
	check_extent(70000, 1, 1, 17);
	check_extent(70000, 2, 0, 1);
	check_extent(70000, 3, 0, 0);
	check_extent(256, 0, 1, 0);
	check_extent(256, 1, 0, 1);
	check_extent(255, 0, 0, 255);
	check_extent(0, 0, 0, 0);
	check_extent(((uint64_t)1 << 63) - 1, 7, 0, 127);
	check_extent(UINT64_MAX, 7, 0, 255);
	check_extent(UINT64_MAX, 8, 0, 0);
	check_extent(UINT64_MAX, 63, 0, 0);
}

/* The tree of a full tile's leaves, appended one by one, has the tile's root. */
static void test_root_equals_tree(void **state)
{
	static struct hash hashes[TILE_WIDTH];
	static struct frontier frontier;
	struct hash root, expected;

	(void)state;
	for (unsigned width = 1; width <= TILE_WIDTH; width *= 2) {
		memset(&frontier, 0, sizeof frontier);
		for (unsigned i = 0; i < width; i++) {
			uint8_t entry[2] = {(uint8_t)i, (uint8_t)width};

			merkle_leaf(SLICE_ARRAY(entry), &hashes[i]);
			frontier_append(&frontier, &hashes[i]);
		}
		frontier_root(&frontier, &expected);
		tile_root(hashes, width, &root);
		assert_memory_equal(&root, &expected, sizeof root);
	}
}

static void test_bundle_gives_back_its_entries(void **state)
{
	static uint8_t largest[ENTRY_MAX + 1];
	struct bytes CLEANUP(bytes_fini) bundle;
	struct reader reader;
	struct slice entry;

	(void)state;
	bytes_init(&bundle, 3 * ENTRY_MAX);
	assert_int_equal(bundle_append(&bundle, SLICE("abc", 3)), ERR_OK);
	assert_int_equal(bundle_append(&bundle, SLICE_EMPTY), ERR_OK);
	assert_int_equal(bundle_append(&bundle, SLICE(largest, ENTRY_MAX)), ERR_OK);
	assert_int_equal(bundle.length, 5 + 2 + 2 + ENTRY_MAX);
	assert_memory_equal(bundle.data, "\0\3abc\0\0\xff\xff", 9);

	reader = reader_of(bytes_slice(&bundle));
	assert_true(bundle_next(&reader, &entry));
	assert_true(slice_equal(entry, SLICE("abc", 3)));
	assert_true(bundle_next(&reader, &entry));
	assert_int_equal(entry.length, 0);
	assert_true(bundle_next(&reader, &entry));
	assert_int_equal(entry.length, ENTRY_MAX);
	assert_false(bundle_next(&reader, &entry));
	assert_false(reader.is_short);
}

static void test_bundle_bounds(void **state)
{
	static uint8_t largest[ENTRY_MAX + 1];
	struct bytes CLEANUP(bytes_fini) bundle;

	(void)state;
	bytes_init(&bundle, 9);
	assert_int_equal(bundle_append(&bundle, SLICE(largest, ENTRY_MAX + 1)), ERR_TOO_LARGE);
	assert_int_equal(bundle_append(&bundle, SLICE(largest, 8)), ERR_TOO_LARGE);
	assert_int_equal(bundle.length, 0);
	assert_int_equal(bundle_append(&bundle, SLICE(largest, 7)), ERR_OK);
	assert_int_equal(bundle_append(&bundle, SLICE_EMPTY), ERR_TOO_LARGE);
}

static void test_bundle_damage_is_seen_at_every_cut(void **state)
{
	static const uint8_t bundle[] = {0, 2, 'a', 'b', 0, 3, 'c', 'd', 'e'};

	(void)state;
	for (size_t length = 0; length <= sizeof bundle; length++) {
		struct reader reader = reader_of(SLICE(bundle, length));
		struct slice entry;
		size_t count = 0;

		while (bundle_next(&reader, &entry))
			count++;
		assert_int_equal(count, (length >= 4) + (length >= 9));
		assert_int_equal(reader.is_short, length != 0 && length != 4 && length != 9);
	}
}

static enum err append_two(void *context)
{
	static const uint8_t second[1000];
	struct bytes bundle CLEANUP(bytes_fini);

	(void)context;
	bytes_init(&bundle, ENTRY_MAX);
	TRY(bundle_append(&bundle, SLICE("abc", 3)));
	return bundle_append(&bundle, SLICE_ARRAY(second));
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, append_two, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_both_ways),
		cmocka_unit_test(test_other_paths_are_refused),
		cmocka_unit_test(test_extents_of_the_specification),
		cmocka_unit_test(test_root_equals_tree),
		cmocka_unit_test(test_bundle_gives_back_its_entries),
		cmocka_unit_test(test_bundle_bounds),
		cmocka_unit_test(test_bundle_damage_is_seen_at_every_cut),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
