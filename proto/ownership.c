#include "kluis/ownership.h"

/* Is a before b in the order of days, and on one day of store numbers? */
static bool is_before(uint32_t store, int32_t day, const struct store_day *other)
{
	return day < other->day || (day == other->day && store < other->store);
}

/* Is it the later day, or on one day the lower store number? */
static bool is_later(uint32_t store, int32_t day, const struct store_day *other)
{
	return day > other->day || (day == other->day && store < other->store);
}

bool history_add_receipt(struct history *history, uint32_t store, int32_t day)
{
	struct store_day receipt = {.is_known = true, .store = store, .day = day};
	bool is_first = !history->first.is_known || is_before(store, day, &history->first);
	bool is_latest = !history->latest.is_known || is_later(store, day, &history->latest);

	if (is_first)
		history->first = receipt;
	if (is_latest)
		history->latest = receipt;
	return is_first || is_latest;
}

bool ownership_owner(const struct charter *charter, const struct history *history, int32_t today, uint32_t *ret_store)
{
	const struct store_day *latest = &history->latest;
	const struct store_day *earliest = history->registered.is_known ? &history->registered : &history->first;
	bool is_in_window =
		charter->ownership_window_days == 0 || (int64_t)today - latest->day <= charter->ownership_window_days;
	bool is_by_latest = charter->ownership == OWNERSHIP_LATEST_TRANSACTION && latest->is_known && is_in_window;
	const struct store_day *owner = is_by_latest ? latest : earliest;

	if (!owner->is_known)
		return false;
	*ret_store = owner->store;
	return true;
}
