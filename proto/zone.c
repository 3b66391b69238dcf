#include "kluis/zone.h"

#include "kluis/clock.h"

#define DAY_S 86400
#define TIME_LAST 253370764799 /* end of the year 9998: the year after it has a date too */

struct cursor {
	const char *at;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool take(struct cursor *cursor, char c)
{
	if (*cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* A decimal of 1 to digits_max digits from minimum to maximum. */
static bool take_number(struct cursor *cursor, int digits_max, int minimum, int maximum, int *ret_number)
{
	int number = 0, digits = 0;

	for (; digits < digits_max && is_digit(*cursor->at); digits++, cursor->at++)
		number = number * 10 + (*cursor->at - '0');
	*ret_number = number;
	return digits > 0 && !is_digit(*cursor->at) && number >= minimum && number <= maximum;
}

/* "CET", or "<+03>": at least three characters. */
static bool take_name(struct cursor *cursor)
{
	size_t length = 0;

	if (take(cursor, '<')) {
		for (; is_letter(*cursor->at) || is_digit(*cursor->at) || *cursor->at == '+' || *cursor->at == '-';
		     cursor->at++)
			length++;
		return length >= 3 && take(cursor, '>');
	}
	for (; is_letter(*cursor->at); cursor->at++)
		length++;
	return length >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(struct cursor *cursor, int hours_max, int32_t *ret_seconds)
{
	int hours = 0, minutes = 0, seconds = 0;
	int sign = *cursor->at == '-' ? -1 : 1;

	if (*cursor->at == '-' || *cursor->at == '+')
		cursor->at++;
	if (!take_number(cursor, 3, 0, hours_max, &hours))
		return false;
	if (take(cursor, ':') && !take_number(cursor, 2, 0, 59, &minutes))
		return false;
	if (take(cursor, ':') && !take_number(cursor, 2, 0, 59, &seconds))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

/* ",Mm.w.d[/time]" */
static bool take_change(struct cursor *cursor, struct zone_change *ret_change)
{
	int month = 0, week = 0, weekday = 0;
	int32_t second = 2 * 3600;

	if (!take(cursor, ',') || !take(cursor, 'M') || !take_number(cursor, 2, 1, 12, &month) || !take(cursor, '.') ||
	    !take_number(cursor, 1, 1, 5, &week) || !take(cursor, '.') || !take_number(cursor, 1, 0, 6, &weekday))
		return false;
	if (take(cursor, '/') && !take_time(cursor, 167, &second))
		return false;
	*ret_change = (struct zone_change){
		.month = (uint8_t)month, .week = (uint8_t)week, .weekday = (uint8_t)weekday, .second = second};
	return true;
}

/* The rest of a rule with summer time: name, offset if not one hour more, and both changes. */
static bool take_summer(struct cursor *cursor, struct zone *zone)
{
	int32_t west = 0;

	if (!take_name(cursor))
		return false;
	zone->has_summer = 1;
	zone->summer_offset = zone->offset + 3600;
	if (*cursor->at != ',') {
		if (!take_time(cursor, 24, &west))
			return false;
		zone->summer_offset = -west;
	}
	return take_change(cursor, &zone->begin) && take_change(cursor, &zone->end);
}

enum err zone_parse(const char *rule, struct zone *ret_zone, struct fault *fault)
{
	struct cursor cursor = {rule};
	struct zone zone = {0};
	int32_t west = 0;
	/* POSIX counts westward */
	bool is_good = take_name(&cursor) && take_time(&cursor, 24, &west);

	zone.offset = zone.summer_offset = -west;
	if (is_good && *cursor.at != '\0')
		is_good = take_summer(&cursor, &zone);
	if (!is_good || *cursor.at != '\0')
		return fault_set(fault, ERR_INPUT,
				 "'%.60s' is not a POSIX time zone such as CET-1CEST,M3.5.0,M10.5.0/3", rule);
	*ret_zone = zone;
	return ERR_OK;
}

static int64_t divide_down(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

/* Second since 1970 of a change in a year; offset is the one before it. */
static int64_t change_time(const struct zone_change *change, int year, int32_t offset)
{
	int32_t first = date_join(year, change->month, 1);
	int32_t next = change->month == 12 ? date_join(year + 1, 1, 1) : date_join(year, change->month + 1, 1);
	/* days from the first to the first such weekday; ours begin with Monday, POSIX's with Sunday */
	int32_t day = first + (change->weekday + 6 - date_weekday(first) + 7) % 7 + 7 * (change->week - 1);

	if (day >= next)
		day -= 7; /* week 5 is the last, be it the fourth */
	return (int64_t)day * DAY_S + change->second - offset;
}

/* Summer if of all changes up to the time the latest is a beginning. A time of day up to 167 h either way may carry a
 * change over the year's edge, so three years are looked at. */
static bool is_summer(const struct zone *zone, int64_t time)
{
	int year = 0, month = 0, day = 0;
	int64_t latest = INT64_MIN;
	bool summer = false;

	date_split((int32_t)divide_down(time, DAY_S), &year, &month, &day);
	for (int y = year - 1; y <= year + 1; y++) {
		int64_t end = change_time(&zone->end, y, zone->summer_offset);
		int64_t begin = change_time(&zone->begin, y, zone->offset);
		if (end <= time && end > latest) {
			latest = end;
			summer = false;
		}
		if (begin <= time && begin >= latest) {
			latest = begin;
			summer = true;
		}
	}
	return summer;
}

void zone_local(const struct zone *zone, uint64_t time_s, struct local_time *ret_local)
{
	int64_t time = time_s < TIME_LAST ? (int64_t)time_s : TIME_LAST;

	time += zone->has_summer && is_summer(zone, time) ? zone->summer_offset : zone->offset;
	int64_t day = divide_down(time, DAY_S);
	ret_local->day = (int32_t)day;
	ret_local->minute = (int32_t)((time - day * DAY_S) / 60);
	ret_local->weekday = (uint8_t)date_weekday((int32_t)day);
}
