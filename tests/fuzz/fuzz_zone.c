/*
 * Zone rules: what is taken gives a local time for every second, that runs on but for the changes.
 */
#include <assert.h>
#include <string.h>

#include "kluis/zone.h"

static int64_t local_minute(const struct zone *zone, uint64_t time_s)
{
	struct local_time local;

	zone_local(zone, time_s, &local);
	assert(local.minute >= 0 && local.minute < 1440 && local.weekday < 7);
	/* 1970-01-01 was a Thursday */
	assert(((local.day % 7 + 7) % 7 + 3) % 7 == local.weekday);
	return (int64_t)local.day * 1440 + local.minute;
}

static void check_time(const struct zone *zone, uint64_t time_s)
{
	int64_t utc = (int64_t)time_s;
	int64_t local = local_minute(zone, time_s) * 60;

	/* one of the two offsets, seconds of the minute aside */
	assert((local <= utc + zone->offset && local > utc + zone->offset - 60) ||
	       (local <= utc + zone->summer_offset && local > utc + zone->summer_offset - 60));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char rule[200] = "";
	struct zone zone;
	struct fault fault = {.text = ""};

	if (size >= sizeof(rule))
		return 0;
	if (size > 0)
		memcpy(rule, data, size);
	if (zone_parse(rule, &zone, &fault) != ERR_OK) {
		assert(fault.text[0] != '\0');
		return 0;
	}
	assert(zone.offset >= -25 * 3600 && zone.offset <= 25 * 3600);
	for (uint64_t time_s = 0; time_s < UINT64_C(4000000000); time_s += 1234567)
		check_time(&zone, time_s);
	check_time(&zone, UINT64_C(253370764799));
	local_minute(&zone, UINT64_MAX);
	return 0;
}
