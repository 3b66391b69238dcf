/* One request's memory: zeroed, aligned, under a ceiling, reused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/arena.h"

#include "fail.h"

static bool is_zero(const uint8_t *place, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (place[i] != 0)
			return false;
	}
	return true;
}

static void test_arena_alloc_is_zeroed_and_aligned(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int round = 0; round < 3; round++) {
		for (size_t count = 0; count < 300; count++) {
			uint8_t *place = arena_alloc(&arena, count);

			assert_non_null(place);
			assert_int_equal((uintptr_t)place % _Alignof(max_align_t), 0);
			assert_true(is_zero(place, count));
			memset(place, 0xAA, count); /* the next round must not see it */
		}
		arena_reset(&arena);
		assert_int_equal(arena.used, 0);
	}
	arena_fini(&arena);
}

static void test_arena_allocations_do_not_overlap(void **state)
{
	enum { COUNT = 500 };
	uint8_t *places[COUNT];
	struct arena arena;

	(void)state;
	arena_init(&arena, 8 << 20);
	for (size_t i = 0; i < COUNT; i++) {
		places[i] = arena_alloc(&arena, i * 20 + 1);
		assert_non_null(places[i]);
		memset(places[i], (int)(i % 251), i * 20 + 1);
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < i * 20 + 1; j++)
			assert_int_equal(places[i][j], i % 251);
	}
	arena_fini(&arena);
}

static void test_arena_alloc_at_the_ceiling(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024);
	assert_non_null(arena_alloc(&arena, 1000));
	assert_false(arena.is_full);
	assert_null(arena_alloc(&arena, 100));
	assert_true(arena.is_full);
	assert_true(arena.used <= arena.ceiling);
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 8));
	arena_reset(&arena);
	assert_false(arena.is_full);
	assert_non_null(arena_alloc(&arena, 1000));
	arena_fini(&arena);
}

static void test_arena_never_passes_its_ceiling(void **state)
{
	struct arena arena;

	(void)state;
	for (size_t ceiling = 0; ceiling < 200; ceiling++) {
		arena_init(&arena, ceiling);
		while (arena_alloc(&arena, 1 + ceiling % 7) != NULL)
			assert_true(arena.used <= ceiling);
		assert_true(arena.used <= ceiling);
		arena_fini(&arena);
	}
}

static void test_arena_array_overflow(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, SIZE_MAX);
	assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
	assert_true(arena.is_full);
	assert_non_null(arena_array(&arena, 10, 8));
	assert_non_null(arena_array(&arena, 0, 8));
	assert_non_null(arena_array(&arena, 8, 0));
	arena_fini(&arena);
}

static void test_arena_copies(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	assert_string_equal(arena_text(&arena, SLICE("abcdef", 3)), "abc");
	assert_string_equal(arena_text(&arena, SLICE_EMPTY), "");
	assert_memory_equal(arena_copy(&arena, slice_text("xyz")), "xyz", 3);
	assert_non_null(arena_copy(&arena, SLICE_EMPTY));
	assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
	assert_null(arena_printf(&arena, "%5000d", 7));
	assert_null(arena_text(&arena, SLICE("", SIZE_MAX)));
	arena_fini(&arena);
}

static void test_arena_reset_keeps_one_small_block(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 64 << 20);
	assert_non_null(arena_alloc(&arena, 100));
	assert_non_null(arena_alloc(&arena, 32 << 20));
	arena_reset(&arena);
	/* the block of the great request is gone, so the small one serves without asking the system */
	fail_begin(FAIL_MEMORY, 1);
	assert_non_null(arena_alloc(&arena, 100));
	assert_null(arena_alloc(&arena, 1 << 20));
	assert_true(fail_end());
	arena_fini(&arena);
	assert_null(arena.blocks);
}

static enum err build(void *context)
{
	struct arena arena CLEANUP(arena_fini);

	(void)context;
	arena_init(&arena, 1 << 20);
	for (int i = 0; i < 100; i++) {
		if (arena_alloc(&arena, 5000) == NULL)
			return arena.is_full ? ERR_MEMORY : ERR_OK;
	}
	return ERR_OK;
}

static void test_arena_without_memory(void **state)
{
	(void)state;
	fail_sweep(FAIL_MEMORY, build, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_alloc_is_zeroed_and_aligned),
		cmocka_unit_test(test_arena_allocations_do_not_overlap),
		cmocka_unit_test(test_arena_alloc_at_the_ceiling),
		cmocka_unit_test(test_arena_never_passes_its_ceiling),
		cmocka_unit_test(test_arena_array_overflow),
		cmocka_unit_test(test_arena_copies),
		cmocka_unit_test(test_arena_reset_keeps_one_small_block),
		cmocka_unit_test(test_arena_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
