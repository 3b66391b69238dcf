#include "timekeeper.h"

#include "kluis/limits.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* time + offset, not below 0. */
static uint64_t shifted(uint64_t time_ms, int64_t offset_ms)
{
	if (offset_ms >= 0)
		return time_ms + (uint64_t)offset_ms;
	uint64_t back_ms = (uint64_t)0 - (uint64_t)offset_ms;
	return time_ms > back_ms ? time_ms - back_ms : 0;
}

/* kept: u8 has_contact || u64 offset || u64 latest */
static enum err read_kept(struct slice kept, struct timekeeper *ret_timekeeper)
{
	struct reader reader = reader_of(kept);
	uint8_t has_contact = reader_u8(&reader);

	if (kept.length != TIMEKEEPER_SIZE || has_contact > 1)
		return ERR_CORRUPT;
	ret_timekeeper->has_contact = has_contact == 1;
	ret_timekeeper->offset_ms = (int64_t)reader_u64(&reader);
	ret_timekeeper->latest_ms = reader_u64(&reader);
	return ERR_OK;
}

enum err timekeeper_load(struct slice kept, struct moment now, struct timekeeper *ret_timekeeper)
{
	struct timekeeper timekeeper = {.start_steady_ms = now.steady_ms};

	if (kept.length > 0)
		TRY(read_kept(kept, &timekeeper));
	uint64_t by_wall_ms = shifted(now.wall_ms, timekeeper.offset_ms);
	timekeeper.is_set_back = by_wall_ms + JOURNAL_TOLERANCE_MS < timekeeper.latest_ms;
	timekeeper.start_ms = later(by_wall_ms, timekeeper.latest_ms);
	*ret_timekeeper = timekeeper;
	return ERR_OK;
}

void timekeeper_keep(const struct timekeeper *timekeeper, uint8_t ret_kept[static TIMEKEEPER_SIZE])
{
	ret_kept[0] = timekeeper->has_contact;
	put_u64(ret_kept + 1, (uint64_t)timekeeper->offset_ms);
	put_u64(ret_kept + 9, timekeeper->latest_ms);
}

/* By the clock that only runs forward, from the last point that is certain. */
static uint64_t estimate(const struct timekeeper *timekeeper, struct moment now)
{
	bool has_contact = timekeeper->contact_ms != 0;
	uint64_t from_ms = has_contact ? timekeeper->contact_ms : timekeeper->start_ms;
	uint64_t then_ms = has_contact ? timekeeper->contact_steady_ms : timekeeper->start_steady_ms;

	return now.steady_ms > then_ms ? from_ms + (now.steady_ms - then_ms) : from_ms;
}

void timekeeper_contact(struct timekeeper *timekeeper, uint64_t entry_ms, struct moment now)
{
	bool is_first = timekeeper->contact_ms == 0;

	if (!is_first && entry_ms + JOURNAL_TOLERANCE_MS < estimate(timekeeper, now))
		return;
	if (is_first && entry_ms + JOURNAL_TOLERANCE_MS < timekeeper->latest_ms)
		timekeeper->latest_ms = entry_ms;
	timekeeper->has_contact = true;
	timekeeper->offset_ms = (int64_t)(entry_ms - now.wall_ms);
	timekeeper->contact_ms = entry_ms;
	timekeeper->contact_steady_ms = now.steady_ms;
}

uint64_t timekeeper_now_ms(struct timekeeper *timekeeper, struct moment now)
{
	timekeeper->latest_ms = later(timekeeper->latest_ms, estimate(timekeeper, now));
	return timekeeper->latest_ms;
}
