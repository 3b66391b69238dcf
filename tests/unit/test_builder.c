#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builder.h"

#define SIZES 1100 /* past four full tiles */

/* What the builder hands out, by level and index; the hashes of the last one each. */
struct tiles {
	unsigned full[TILE_LEVELS], partial[TILE_LEVELS];
	unsigned width[TILE_LEVELS];
	struct hash last[TILE_LEVELS][TILE_WIDTH];
};

static struct tiles tiles;

static enum err take(void *context, const struct tile *tile, const struct hash *hashes, struct fault *fault)
{
	struct tiles *place = context;

	(void)fault;
	assert_false(tile->is_entries);
	if (tile->width == TILE_WIDTH) {
		assert_int_equal(tile->index, place->full[tile->level]);
		place->full[tile->level]++;
	} else {
		place->partial[tile->level]++;
	}
	place->width[tile->level] = tile->width;
	memcpy(place->last[tile->level], hashes, tile->width * sizeof(struct hash));
	return ERR_OK;
}

static void leaf_of(unsigned i, struct hash *ret_leaf)
{
	uint8_t entry[4];

	put_u32(entry, i);
	merkle_leaf(SLICE_ARRAY(entry), ret_leaf);
}

static struct builder *built(unsigned size)
{
	struct builder *builder = builder_new(take, &tiles);
	struct hash leaf;

	memset(&tiles, 0, sizeof(tiles));
	for (unsigned i = 0; i < size; i++) {
		leaf_of(i, &leaf);
		assert_int_equal(builder_add(builder, &leaf, NULL), ERR_OK);
	}
	return builder;
}

/* C2SP's example: 70,000 leaves are 273 full tiles and one of 112, above them one full and one of 17, above that one of
 * 1. */
static void test_tiles_of_70000_leaves(void **state)
{
	struct builder *builder = built(70000);

	(void)state;
	assert_int_equal(builder_finish(builder, NULL), ERR_OK);
	assert_int_equal(tiles.full[0], 273);
	assert_int_equal(tiles.width[0], 112);
	assert_int_equal(tiles.full[1], 1);
	assert_int_equal(tiles.width[1], 17);
	assert_int_equal(tiles.full[2], 0);
	assert_int_equal(tiles.width[2], 1);
	assert_int_equal(tiles.partial[3], 0);
	builder_free(&builder);
}

static void test_full_tiles_have_no_partial_beside_them(void **state)
{
	struct builder *builder = built(256);

	(void)state;
	assert_int_equal(builder_finish(builder, NULL), ERR_OK);
	assert_int_equal(tiles.full[0], 1);
	assert_int_equal(tiles.partial[0], 0);
	assert_int_equal(tiles.width[1], 1);
	builder_free(&builder);
}

/* The partial tiles of an earlier builder, as they would be read from files. */
static enum err read_tile(void *context, const struct tile *tile, struct hash *ret_hashes, struct fault *fault)
{
	const struct builder *from = context;

	(void)fault;
	memcpy(ret_hashes, from->tiles[tile->level], tile->width * sizeof(struct hash));
	return ERR_OK;
}

/* The builder's root is that of the same leaves appended one by one. */
static void assert_root(const struct builder *builder, const struct frontier *frontier)
{
	struct hash first, second;

	builder_root(builder, &first);
	frontier_root(frontier, &second);
	assert_memory_equal(first.bytes, second.bytes, HASH_SIZE);
}

/* Whatever the size: from the partial tiles alone it goes on to the same root as if never stopped. */
static void test_load_goes_on_from_any_size(void **state)
{
	struct builder *whole = builder_new(take, &tiles);
	static struct frontier frontier;
	struct hash leaf, next;

	(void)state;
	memset(&tiles, 0, sizeof(tiles));
	leaf_of(99999, &next);
	for (unsigned size = 0; size < SIZES; size++) {
		static struct tiles unused;
		struct builder *again = builder_new(take, &unused);
		struct frontier expected = frontier;

		memset(&unused, 0, sizeof(unused));
		unused.full[0] = size / TILE_WIDTH;
		unused.full[1] = size / TILE_WIDTH / TILE_WIDTH;
		assert_int_equal(builder_load(again, size, read_tile, whole, NULL), ERR_OK);
		assert_root(again, &frontier);
		frontier_append(&expected, &next);
		assert_int_equal(builder_add(again, &next, NULL), ERR_OK);
		assert_root(again, &expected);
		builder_free(&again);
		leaf_of(size, &leaf);
		assert_int_equal(builder_add(whole, &leaf, NULL), ERR_OK);
		frontier_append(&frontier, &leaf);
	}
	builder_free(&whole);
}

/* Whole tiles at once and leaf by leaf are the same. */
static void test_add_tile_is_as_adding_its_leaves(void **state)
{
	struct builder *builder = builder_new(take, &tiles);
	struct frontier frontier = {0};
	struct hash root;
	static struct hash tile[TILE_WIDTH];

	(void)state;
	memset(&tiles, 0, sizeof(tiles));
	for (unsigned i = 0; i < 3 * TILE_WIDTH; i++) {
		leaf_of(i, &tile[i % TILE_WIDTH]);
		frontier_append(&frontier, &tile[i % TILE_WIDTH]);
		if (i % TILE_WIDTH < TILE_WIDTH - 1)
			continue;
		tile_root(tile, TILE_WIDTH, &root);
		assert_int_equal(builder_add_tile(builder, tile, &root, NULL), ERR_OK);
		assert_root(builder, &frontier);
	}
	assert_int_equal(tiles.full[0], 3);
	assert_int_equal(builder_add(builder, &tile[0], NULL), ERR_OK);
	frontier_append(&frontier, &tile[0]);
	assert_root(builder, &frontier);
	builder_free(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiles_of_70000_leaves),
		cmocka_unit_test(test_full_tiles_have_no_partial_beside_them),
		cmocka_unit_test(test_load_goes_on_from_any_size),
		cmocka_unit_test(test_add_tile_is_as_adding_its_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
