/*
 * The estimate of the broker's clock: what happens to this machine's clocks is a row, what the estimate must be is
 * worked out beside it by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "timekeeper.h"

#define S 1000
#define MIN (60 * S)
#define H (60 * MIN)
#define T 1795364012000 /* broker's time at the beginning */

/* One thing that happens. Times pass for broker, wall clock and boot clock alike. */
struct step {
	enum { PASS, CONTACT, SET_WALL, RESTART, LATE_ENTRY, EXPECT, SET_BACK, NOT_SET_BACK } what;
	int64_t ms; /* PASS, SET_WALL (by how much), LATE_ENTRY (how old); EXPECT: estimate minus broker's time */
};

#define STEPS_MAX 16

struct row {
	const char *name;
	int64_t wall_error_ms; /* at first */
	struct step steps[STEPS_MAX];
};

static const struct row rows[] = {
	{"a clock that is right", 0, {{EXPECT, 0}, {PASS, H}, {EXPECT, 0}, {NOT_SET_BACK}}},
	{"no contact ever: the wall clock is all there is", 5 * H, {{EXPECT, 5 * H}, {PASS, H}, {EXPECT, 5 * H}}},
	{"wrong by hours, then contact", -5 * H, {{CONTACT}, {EXPECT, 0}, {PASS, 9 * H}, {EXPECT, 0}}},
	{"ahead by hours, then contact: put right",
	 5 * H,
	 {{EXPECT, 5 * H}, {CONTACT}, {EXPECT, 0}, {PASS, H}, {EXPECT, 0}}},
	{"ahead by seconds, then contact: stands still, never goes back",
	 30 * S,
	 {{EXPECT, 30 * S},
	  {CONTACT},
	  {EXPECT, 30 * S},
	  {PASS, 10 * S},
	  {EXPECT, 20 * S},
	  {PASS, 20 * S},
	  {EXPECT, 0}}},
	{"set back in a run with contact", 0, {{CONTACT}, {PASS, H}, {SET_WALL, -9 * H}, {PASS, H}, {EXPECT, 0}}},
	{"set back in a run without contact", 0, {{PASS, H}, {SET_WALL, -9 * H}, {PASS, H}, {EXPECT, 0}}},
	{"set ahead in a run", 0, {{CONTACT}, {SET_WALL, 9 * H}, {PASS, H}, {EXPECT, 0}}},
	{"restart without contact: corrected as at the last one",
	 -5 * H,
	 {{CONTACT}, {PASS, H}, {EXPECT, 0}, {RESTART, 2 * H}, {EXPECT, 0}, {PASS, H}, {EXPECT, 0}, {NOT_SET_BACK}}},
	{"restart with contact", 3 * H, {{CONTACT}, {RESTART, H}, {EXPECT, 0}, {CONTACT}, {PASS, H}, {EXPECT, 0}}},
	{"set back over a restart: the estimate goes on from where it was, and it shows",
	 0,
	 {{CONTACT},
	  {PASS, H},
	  {EXPECT, 0},
	  {SET_WALL, -9 * H},
	  {RESTART, H},
	  {SET_BACK},
	  {EXPECT, -H},
	  {PASS, H},
	  {EXPECT, -H},
	  {CONTACT},
	  {EXPECT, 0}}},
	{"set back by seconds over a restart: not worth a word",
	 0,
	 {{CONTACT}, {PASS, H}, {EXPECT, 0}, {SET_WALL, -30 * S}, {RESTART, 0}, {NOT_SET_BACK}, {EXPECT, 0}}},
	{"set ahead over a restart, then contact",
	 0,
	 {{CONTACT}, {PASS, H}, {SET_WALL, 90 * H}, {RESTART, 0}, {EXPECT, 90 * H}, {CONTACT}, {EXPECT, 0}}},
	{"ahead in one run, right in the next: late until contact",
	 90 * H,
	 {{EXPECT, 90 * H}, {SET_WALL, -90 * H}, {RESTART, H}, {SET_BACK}, {EXPECT, 89 * H}, {CONTACT}, {EXPECT, 0}}},
	{"an answer that was long under way tells nothing",
	 0,
	 {{CONTACT}, {PASS, 50 * H}, {LATE_ENTRY, 48 * H}, {EXPECT, 0}, {RESTART, H}, {EXPECT, 0}}},
	{"one of some seconds costs some seconds until the next",
	 0,
	 {{CONTACT},
	  {PASS, H},
	  {EXPECT, 0},
	  {LATE_ENTRY, 5 * S},
	  {EXPECT, 0},
	  {PASS, 3 * S},
	  {EXPECT, -3 * S},
	  {CONTACT},
	  {EXPECT, 0}}},
};

struct world {
	uint64_t broker_ms;
	struct moment now;
	struct timekeeper timekeeper;
};

static void restart(struct world *world, uint64_t down_ms)
{
	uint8_t kept[TIMEKEEPER_SIZE];

	timekeeper_keep(&world->timekeeper, kept);
	world->broker_ms += down_ms;
	world->now.wall_ms += down_ms;
	world->now.steady_ms = 7; /* since the boot */
	assert_int_equal(timekeeper_load(SLICE_ARRAY(kept), world->now, &world->timekeeper), ERR_OK);
}

static void play(struct world *world, const struct step *step, const char *name)
{
	int64_t off;

	switch (step->what) {
	case PASS:
		world->broker_ms += (uint64_t)step->ms;
		world->now.wall_ms += (uint64_t)step->ms;
		world->now.steady_ms += (uint64_t)step->ms;
		break;
	case CONTACT:
		timekeeper_contact(&world->timekeeper, world->broker_ms, world->now);
		break;
	case LATE_ENTRY:
		timekeeper_contact(&world->timekeeper, world->broker_ms - (uint64_t)step->ms, world->now);
		break;
	case SET_WALL:
		world->now.wall_ms += (uint64_t)step->ms;
		break;
	case RESTART:
		restart(world, (uint64_t)step->ms);
		break;
	case EXPECT:
		off = (int64_t)(timekeeper_now_ms(&world->timekeeper, world->now) - world->broker_ms);
		if (off != step->ms)
			fail_msg("%s: off by %lld ms instead of %lld", name, (long long)off, (long long)step->ms);
		break;
	case SET_BACK:
	case NOT_SET_BACK:
		if (world->timekeeper.is_set_back != (step->what == SET_BACK))
			fail_msg("%s: is_set_back is %d", name, world->timekeeper.is_set_back);
		break;
	}
}

static void test_what_happens_to_clocks(void **state)
{
	static const struct step end = {PASS, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world world = {.broker_ms = T,
				      .now = {.wall_ms = T + (uint64_t)rows[i].wall_error_ms, .steady_ms = 1000}};
		assert_int_equal(timekeeper_load(SLICE_EMPTY, world.now, &world.timekeeper), ERR_OK);
		for (size_t j = 0; j < STEPS_MAX && memcmp(&rows[i].steps[j], &end, sizeof(end)) != 0; j++)
			play(&world, &rows[i].steps[j], rows[i].name);
	}
}

static void test_keep_and_load(void **state)
{
	struct timekeeper timekeeper = {.has_contact = true, .offset_ms = -5 * (int64_t)H, .latest_ms = T};
	struct timekeeper loaded = {0};
	uint8_t kept[TIMEKEEPER_SIZE + 1] = {0};
	struct moment now = {.wall_ms = T + 6 * (uint64_t)H, .steady_ms = 44};

	(void)state;
	timekeeper_keep(&timekeeper, kept);
	assert_int_equal(timekeeper_load(SLICE(kept, TIMEKEEPER_SIZE), now, &loaded), ERR_OK);
	assert_true(loaded.has_contact);
	assert_int_equal(loaded.offset_ms, -5 * (int64_t)H);
	assert_int_equal(timekeeper_now_ms(&loaded, now), T + H);
	assert_int_equal(timekeeper_load(SLICE(kept, TIMEKEEPER_SIZE + 1), now, &loaded), ERR_CORRUPT);
	assert_int_equal(timekeeper_load(SLICE(kept, TIMEKEEPER_SIZE - 1), now, &loaded), ERR_CORRUPT);
	kept[0] = 2;
	assert_int_equal(timekeeper_load(SLICE(kept, TIMEKEEPER_SIZE), now, &loaded), ERR_CORRUPT);
}

/* A boot clock that is read behind an earlier reading (another core, a buggy host) does not turn time back. */
static void test_boot_clock_behind(void **state)
{
	struct timekeeper timekeeper;
	struct moment now = {.wall_ms = T, .steady_ms = 5000}, before = {.wall_ms = T, .steady_ms = 4990};

	(void)state;
	assert_int_equal(timekeeper_load(SLICE_EMPTY, now, &timekeeper), ERR_OK);
	timekeeper_contact(&timekeeper, T + H, now);
	assert_int_equal(timekeeper_now_ms(&timekeeper, before), T + H);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_happens_to_clocks),
		cmocka_unit_test(test_keep_and_load),
		cmocka_unit_test(test_boot_clock_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
