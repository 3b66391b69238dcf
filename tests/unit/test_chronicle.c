#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "chronicle.h"
#include "kluis/arena.h"

/* Every tree of 1 to 70000 leaves, some of them, against a frontier that grew one by one: tiles of levels 0 to 2. */
static void test_chronicle_at_every_size(void **state)
{
	enum { COUNT = 70000 };
	struct arena arena CLEANUP(arena_fini) = {0};
	struct chronicle chronicle;
	struct frontier frontier = {0};
	struct hash root, expected;
	uint64_t time_ms;

	(void)state;
	arena_init(&arena, (size_t)64 << 20);
	chronicle_init(&chronicle, &arena);
	for (uint64_t size = 1; size <= COUNT; size++) {
		uint8_t entry[8];
		struct hash leaf;

		put_u64(entry, size);
		merkle_leaf(SLICE_ARRAY(entry), &leaf);
		assert_int_equal(chronicle_add(&chronicle, &leaf, size * 3), ERR_OK);
		frontier_append(&frontier, &leaf);
		if (size > 600 && size % 997 != 0 && size != 65535 && size != 65536 && size != 65537)
			continue;
		frontier_root(&frontier, &expected);
		chronicle_at(&chronicle, size, &root, &time_ms);
		assert_memory_equal(root.bytes, expected.bytes, HASH_SIZE);
		assert_int_equal(time_ms, size * 3);
	}
	/* and the trees that it was before */
	memset(&frontier, 0, sizeof frontier);
	for (uint64_t size = 1; size <= 1100; size++) {
		uint8_t entry[8];
		struct hash leaf;

		put_u64(entry, size);
		merkle_leaf(SLICE_ARRAY(entry), &leaf);
		frontier_append(&frontier, &leaf);
		frontier_root(&frontier, &expected);
		chronicle_at(&chronicle, size, &root, &time_ms);
		assert_memory_equal(root.bytes, expected.bytes, HASH_SIZE);
		assert_int_equal(time_ms, size * 3);
	}
}

static void test_chronicle_add_without_memory(void **state)
{
	struct arena arena CLEANUP(arena_fini) = {0};
	struct chronicle chronicle;
	struct hash leaf = {{0}};
	enum err err = ERR_OK;

	(void)state;
	arena_init(&arena, 30000);
	chronicle_init(&chronicle, &arena);
	for (unsigned i = 0; i < 2000 && err == ERR_OK; i++)
		err = chronicle_add(&chronicle, &leaf, 1);
	assert_int_equal(err, ERR_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chronicle_at_every_size),
		cmocka_unit_test(test_chronicle_add_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
