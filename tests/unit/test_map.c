#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/map.h"
#include "random.h"

struct item {
	struct slice key;
	unsigned value;
};

static struct arena arena;
static struct map map;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)64 * 1024 * 1024);
	map_init(&map, &arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	map_fini(&map);
	arena_fini(&arena);
	return 0;
}

static void test_take_makes_once_and_finds_again(void **state)
{
	char key[] = "key";
	struct item *item = map_take(&map, slice_text(key), sizeof(*item));

	(void)state;
	assert_int_equal(item->value, 0);
	item->value = 7;
	key[0] = 'X'; /* the map has its own copy */
	assert_null(map_find(&map, slice_text(key)));
	assert_ptr_equal(map_find(&map, slice_text("key")), item);
	assert_ptr_equal(map_take(&map, slice_text("key"), sizeof(*item)), item);
	assert_int_equal(map.count, 1);
}

static void test_keys_of_one_beginning_are_two(void **state)
{
	(void)state;
	map_take(&map, slice_text("store/1"), sizeof(struct item));
	assert_null(map_find(&map, slice_text("store/12")));
	assert_null(map_find(&map, slice_text("store/")));
	assert_null(map_find(&map, SLICE_EMPTY));
}

static void test_remove_takes_one_away(void **state)
{
	(void)state;
	map_take(&map, slice_text("a"), sizeof(struct item));
	map_take(&map, slice_text("b"), sizeof(struct item));
	map_remove(&map, slice_text("a"));
	map_remove(&map, slice_text("never there"));
	assert_null(map_find(&map, slice_text("a")));
	assert_non_null(map_find(&map, slice_text("b")));
	assert_int_equal(map.count, 1);
}

struct walk {
	unsigned count, sum;
	struct slice last;
};

static void count(void *context_item, void *context)
{
	struct item *item = context_item;
	struct walk *walk = context;

	assert_true(walk->count == 0 || slice_compare(walk->last, item->key) < 0);
	walk->last = item->key;
	walk->count++;
	walk->sum += item->value;
}

static void test_each_visits_all_in_order(void **state)
{
	struct random random = {1};
	struct walk walk = {0};
	unsigned sum = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t key[4];
		struct item *item;

		random_fill(&random, key, sizeof(key));
		item = map_take(&map, SLICE_ARRAY(key), sizeof(*item));
		sum += item->value == 0 ? i + 1 : 0;
		item->value = item->value == 0 ? i + 1 : item->value;
	}
	map_each(&map, count, &walk);
	assert_int_equal(walk.count, map.count);
	assert_int_equal(walk.sum, sum);
}

static void test_take_fails_when_memory_is_out(void **state)
{
	struct arena small;
	struct map other;
	char key[16];
	unsigned i;

	(void)state;
	arena_init(&small, 4096);
	map_init(&other, &small);
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%u", i);
		if (map_take(&other, slice_text(key), sizeof(struct item)) == NULL)
			break;
	}
	assert_in_range(i, 1, 999);
	map_fini(&other);
	arena_fini(&small);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(test_take_makes_once_and_finds_again), FRESH(test_keys_of_one_beginning_are_two),
		FRESH(test_remove_takes_one_away),	     FRESH(test_each_visits_all_in_order),
		FRESH(test_take_fails_when_memory_is_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
