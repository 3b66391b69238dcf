/* Changes that meet (FORMAT.md R131, R132): each rule by itself, then all orders of arrival against a model that knows
 * no order. */
#include "vault/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kluis/hash.h"
#include "random.h"
#include "vault/record.h"
#include "workbench.h"

#define STORES 4
#define CHANGES_EACH 2
#define CHANGES (STORES * CHANGES_EACH)
#define FIELDS 3

static struct franchise *formula;
static struct workbench bench;

static int set_up(void **state)
{
	(void)state;
	formula = franchise_new(NULL);
	workbench_init(&bench, formula, &formula->office);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	workbench_fini(&bench);
	franchise_free(&formula);
	return 0;
}

/* ---- one change after the other ---- */

struct made {
	uint64_t made_ms;
	uint32_t store, basis;
	const char *values[FIELDS]; /* NULL: not given */
};

/* Versions of one record as they come: [0] is none. */
struct trail {
	const Rows__Record *versions[CHANGES + 3];
	uint32_t count;
	uint64_t lost;
};

static void take(struct trail *history, const struct made *made)
{
	static Kluis__Value rows[FIELDS];
	Kluis__Value *places[FIELDS];
	Kluis__Values values = KLUIS__VALUES__INIT;
	struct record_change change;
	struct change_origin origin = {.made_ms = made->made_ms,
				       .store = made->store,
				       .version = history->count + 1,
				       .basis = made->basis,
				       .base = history->versions[made->basis]};

	values.values = places;
	for (uint32_t i = 0; i < FIELDS; i++) {
		if (made->values[i] == NULL)
			continue;
		kluis__value__init(&rows[i]);
		rows[i].field = i + 1;
		rows[i].value = arena_text(bench.context.arena, slice_text(made->values[i]));
		places[values.n_values++] = &rows[i];
	}
	assert_int_equal(record_merge(&bench.context, history->versions[history->count], &values, &origin, &change),
			 ERR_OK);
	history->lost = change.lost;
	history->versions[++history->count] = change.record;
}

/* "1=a@12|2=-@7" of what stands (- cleared), "; 1=b@8" of what is kept, newest first. */
static void print(const Rows__Record *record, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < record->n_values + record->n_superseded; i++) {
		bool is_kept = i >= record->n_values;
		const Rows__RecordValue *value = is_kept ? record->superseded[i - record->n_values] : record->values[i];

		length += (size_t)snprintf(text + length, size - length, "%s%u=%s@%u",
					   i == 0 ? "" : (i == record->n_values ? "; " : "|"), value->field,
					   value->value[0] == '\0' ? "-" : value->value, value->store);
		assert_true(length < size);
	}
}

static const struct {
	const char *what;
	struct made changes[4];
	const char *after;
	uint64_t lost; /* of the last change */
} rows[] = {
	{"the later made stands, the other is kept",
	 {{1, 100000, 0, {"o"}}, {10, 7, 1, {"a"}}, {11, 8, 1, {"b"}}},
	 "1=b@8; 1=a@7",
	 0},
	{"also when it came first", {{1, 100000, 0, {"o"}}, {11, 8, 1, {"b"}}, {10, 7, 1, {"a"}}}, "1=b@8; 1=a@7", 1},
	{"made at one time: the higher store",
	 {{1, 100000, 0, {"o"}}, {10, 8, 1, {"b"}}, {10, 7, 1, {"a"}}},
	 "1=b@8; 1=a@7",
	 1},
	{"made on the other one: after it, whatever the clocks say, and nothing to keep",
	 {{1, 100000, 0, {"o"}}, {10, 8, 1, {"b"}}, {5, 7, 2, {"a"}}},
	 "1=a@7",
	 0},
	{"a store's own earlier change is not kept",
	 {{1, 100000, 0, {"o"}}, {10, 8, 1, {"b"}}, {11, 8, 1, {"c"}}},
	 "1=c@8",
	 0},
	{"nor does it lose against it by arriving in the same millisecond",
	 {{1, 100000, 0, {"o"}}, {10, 8, 1, {"b"}}, {10, 8, 1, {"c"}}},
	 "1=c@8",
	 0},
	{"nor by a clock that was set back: it takes the other one's place",
	 {{1, 100000, 0, {"o"}}, {10, 8, 1, {"b"}}, {5, 8, 1, {"c"}}, {9, 7, 1, {"a"}}},
	 "1=c@8; 1=a@7",
	 1},
	{"nor what it registered while it was offline", {{20, 8, 0, {"o"}}, {10, 8, 0, {"c"}}}, "1=c@8", 0},
	{"also where it does not stand",
	 {{1, 100000, 0, {"o"}}, {10, 7, 1, {"a"}}, {11, 8, 1, {"b"}}, {5, 7, 1, {"c"}}},
	 "1=b@8; 1=c@7",
	 1},
	{"other fields are not touched",
	 {{1, 100000, 0, {"o", "p"}}, {10, 8, 1, {"b"}}, {5, 7, 1, {"a", "q"}}},
	 "1=b@8|2=q@7; 1=a@7",
	 1},
	{"clearing is a change", {{1, 100000, 0, {"o"}}, {10, 8, 1, {""}}, {5, 7, 1, {"a"}}}, "1=-@8; 1=a@7", 1},
	{"and loses as one", {{1, 100000, 0, {"o"}}, {10, 8, 1, {"b"}}, {5, 7, 1, {""}}}, "1=b@8; 1=-@7", 1},
	{"who knew of neither loses against what was registered later",
	 {{20, 100000, 0, {"o"}}, {10, 8, 0, {"b"}}},
	 "1=o@100000; 1=b@8",
	 1},
	{"a change made on both settles it",
	 {{1, 100000, 0, {"o"}}, {10, 7, 1, {"a"}}, {11, 8, 1, {"b"}}, {12, 9, 3, {"c"}}},
	 "1=c@9",
	 0},
	{"one made before the other came does not",
	 {{1, 100000, 0, {"o"}}, {11, 8, 1, {"b"}}, {10, 7, 1, {"a"}}, {12, 9, 2, {"c"}}},
	 "1=c@9; 1=a@7",
	 0},
};

static void test_merge_rules(void **state)
{
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trail history = {.count = 0};

		for (size_t j = 0; j < 4 && rows[i].changes[j].made_ms != 0; j++)
			take(&history, &rows[i].changes[j]);
		print(history.versions[history.count], text, sizeof(text));
		if (strcmp(text, rows[i].after) != 0 || history.lost != rows[i].lost)
			fail_msg("%s: %s, not %s; lost %d", rows[i].what, text, rows[i].after, (int)history.lost);
	}
}

static void test_record_value(void **state)
{
	const struct made first = {1, 7, 0, {"a", "b"}}, second = {2, 7, 1, {"", NULL}};
	struct trail history = {.count = 0};

	(void)state;
	take(&history, &first);
	take(&history, &second);
	assert_null(record_value(history.versions[2], 1));
	assert_string_equal(record_value(history.versions[2], 2)->value, "b");
	assert_null(record_value(history.versions[2], 3));
	assert_null(record_value(NULL, 1));
}

/* Never more than a record keeps, the newest ones. */
static void test_merge_keeps_the_newest(void **state)
{
	struct made change = {1, STORE_OFFICE, 0, {"o"}};
	struct trail history = {.count = 0};
	const Rows__Record *record;

	(void)state;
	take(&history, &change);
	for (uint32_t i = 0; i < SUPERSEDED_MAX + 1; i++) {
		change = (struct made){100 - i, 10 + i, 1, {"a", "b"}};
		if (history.count == CHANGES + 2) { /* only the latest two versions matter here */
			history.versions[2] = history.versions[history.count];
			history.count = 2;
		}
		take(&history, &change);
	}
	record = history.versions[history.count];
	assert_int_equal(record->n_superseded, SUPERSEDED_MAX);
	for (size_t i = 0; i < SUPERSEDED_MAX; i++) {
		assert_int_equal(record->superseded[i]->made_ms, 99 - i / 2);
		assert_int_equal(record->superseded[i]->field, 1 + i % 2);
	}
	assert_string_equal(record->values[0]->value, "a");
	assert_int_equal(record->values[0]->store, 10);
}

/* ---- all orders ---- */

struct world {
	struct made changes[STORES][CHANGES_EACH];
	char names[STORES][CHANGES_EACH][FIELDS][8];
	struct made first; /* of head office: version 1 */
};

static void draw(struct random *random, struct world *world)
{
	*world = (struct world){.first = {20, STORE_OFFICE, 0, {"o1", "o2", NULL}}};
	for (size_t s = 0; s < STORES; s++) {
		uint64_t time = 15 + random_below(random, 10);

		for (size_t c = 0; c < CHANGES_EACH; c++, time += random_below(random, 5) - 2) {
			struct made *made = &world->changes[s][c];

			*made = (struct made){.made_ms = time, .store = (uint32_t)s + 7};
			made->basis = random_below(random, 4) == 0 ? 0 : 1;
			for (size_t f = 0; f < FIELDS; f++) {
				char *name = world->names[s][c][f];

				if (random_below(random, 5) != 0)
					snprintf(name, sizeof(world->names[s][c][f]), "v%zu%zu%zu", s, c, f);
				made->values[f] = random_below(random, 4) == 0 ? NULL : name;
			}
		}
	}
}

/* One change of one field, as the model orders them. */
struct stamp {
	uint64_t made_ms;
	uint32_t step, store;
	uint32_t field;
	const char *value;
};

static int order(const struct stamp *one, const struct stamp *other)
{
	if (one->made_ms != other->made_ms)
		return one->made_ms < other->made_ms ? -1 : 1;
	if (one->step != other->step)
		return one->step < other->step ? -1 : 1;
	return one->store < other->store ? -1 : one->store > other->store;
}

static struct stamp stamp_of(const struct world *world, const struct made *made, size_t f)
{
	struct stamp stamp = {
		.made_ms = made->made_ms, .store = made->store, .field = (uint32_t)f + 1, .value = made->values[f]};

	if (made->basis > 0 && world->first.values[f] != NULL && world->first.made_ms >= made->made_ms) {
		stamp.made_ms = world->first.made_ms;
		stamp.step = 1;
	}
	return stamp;
}

/* Each store's last word about a field, and head office's unless somebody knew it; the highest stands. */
static size_t model_field(const struct world *world, size_t f, struct stamp *ret_words, size_t *ret_standing)
{
	size_t count = 0, standing = 0;
	bool is_known = false;

	for (size_t s = 0; s < STORES; s++) {
		bool has_word = false;

		for (size_t c = 0; c < CHANGES_EACH; c++) {
			const struct made *made = &world->changes[s][c];

			if (made->values[f] == NULL)
				continue;
			struct stamp stamp = stamp_of(world, made, f);
			is_known = is_known || made->basis > 0;
			if (has_word && order(&stamp, &ret_words[count]) < 0) { /* a clock that was set back */
				stamp.made_ms = ret_words[count].made_ms;
				stamp.step = ret_words[count].step;
			}
			ret_words[count] = stamp;
			has_word = true;
		}
		count += has_word;
	}
	if (world->first.values[f] != NULL && !is_known)
		ret_words[count++] = stamp_of(world, &world->first, f);
	for (size_t i = 1; i < count; i++)
		standing = order(&ret_words[i], &ret_words[standing]) > 0 ? i : standing;
	*ret_standing = standing;
	return count;
}

static void add_text(char *text, size_t size, const struct stamp *stamp, const char *before)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%u=%s@%u", before, stamp->field,
		 stamp->value[0] == '\0' ? "-" : stamp->value, stamp->store);
}

static void model(const struct world *world, char *text, size_t size)
{
	struct stamp kept[FIELDS * (STORES + 1)], words[STORES + 1];
	size_t kept_count = 0, standing;

	text[0] = '\0';
	for (size_t f = 0; f < FIELDS; f++) {
		size_t count = model_field(world, f, words, &standing);

		if (count == 0 && world->first.values[f] != NULL)
			words[count++] = stamp_of(world, &world->first, f);
		for (size_t i = 0; i < count; i++)
			if (i != standing)
				kept[kept_count++] = words[i];
		if (count > 0)
			add_text(text, size, &words[standing], text[0] == '\0' ? "" : "|");
	}
	for (size_t n = 0; n < SUPERSEDED_MAX && n < kept_count; n++) {
		for (size_t i = n + 1; i < kept_count; i++) {
			struct stamp swap = kept[i];
			int is = order(&kept[i], &kept[n]);

			if (is > 0 || (is == 0 && kept[i].field < kept[n].field)) {
				kept[i] = kept[n];
				kept[n] = swap;
			}
		}
		add_text(text, size, &kept[n], n == 0 ? "; " : "|");
	}
}

/* Every order in which each store's changes come in its own order. */
static size_t each_order(const struct world *world, const struct trail *before, size_t taken[static STORES],
			 const char *expected)
{
	size_t count = 0, left = 0;
	char text[512];

	for (size_t s = 0; s < STORES; s++) {
		if (taken[s] == CHANGES_EACH)
			continue;
		struct trail history = *before;
		left++;
		take(&history, &world->changes[s][taken[s]++]);
		count += each_order(world, &history, taken, expected);
		taken[s]--;
	}
	if (left > 0)
		return count;
	print(before->versions[before->count], text, sizeof(text));
	if (strcmp(text, expected) != 0)
		fail_msg("%s, not %s", text, expected);
	return 1;
}

static void test_merge_in_every_order(void **state)
{
	struct random random = {131};
	char expected[512];

	(void)state;
	for (size_t round = 0; round < 12; round++) {
		struct arena arena CLEANUP(arena_fini) = {0};
		struct world world;
		struct trail history = {.count = 0};
		size_t taken[STORES] = {0};

		arena_init(&arena, (size_t)512 * 1024 * 1024);
		bench.context.arena = &arena;
		draw(&random, &world);
		model(&world, expected, sizeof(expected));
		take(&history, &world.first);
		assert_int_equal(each_order(&world, &history, taken, expected), 2520);
		bench.context.arena = &bench.arena;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_merge_rules),
		TEST(test_record_value),
		TEST(test_merge_keeps_the_newest),
		TEST(test_merge_in_every_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
