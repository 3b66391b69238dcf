/*
 * Time zones as POSIX TZ rules ("CET-1CEST,M3.5.0,M10.5.0/3"). The charter
 * gives each zone's rule, so a decision can be recomputed from signed papers
 * alone: no zone database of some machine, of some year, takes part.
 *
 * Threads: pure.
 */
#ifndef KLUIS_ZONE_H
#define KLUIS_ZONE_H

#include <stdint.h>

#include "kluis/error.h"

struct zone_change {		      /* Mm.w.d/time, the only form accepted: Julian forms are refused */
	uint8_t month, week, weekday; /* 1-12, 1-5 (5 is last), 0-6 (0 is Sunday) */
	int32_t second;		      /* of that day, local time before the change; -167h to 167h */
};

struct zone {
	int32_t offset; /* seconds east of UTC, standard time */
	int32_t summer_offset;
	uint8_t has_summer;
	struct zone_change begin, end;
};

struct local_time {
	int32_t day;	 /* days since 1970-01-01, local */
	int32_t minute;	 /* of the day, 0 to 1439 */
	uint8_t weekday; /* 0 Monday to 6 Sunday */
};

/* POSIX TZ with numeric or quoted names, RFC 8536 hours up to 167. ERR_INPUT. */
enum err zone_parse(const char *rule, struct zone *ret_zone, struct fault *fault) MUST_USE;
/* The zone's clock at time_s, seconds since 1970 in UTC; a time after the year 9998 counts as its last second. */
void zone_local(const struct zone *zone, uint64_t time_s, struct local_time *ret_local);

#endif
