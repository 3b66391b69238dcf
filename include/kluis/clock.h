/*
 * Time, seen here only. Everything else is handed a time, so that a simulation
 * can be its own clock.
 */
#ifndef KLUIS_CLOCK_H
#define KLUIS_CLOCK_H

#include <stdint.h>

#include "kluis/error.h"

/* Milliseconds since 1970-01-01 UTC by the system's clock. */
uint64_t clock_now_ms(void);

/* Milliseconds that never go back, from an arbitrary start: for durations. */
uint64_t clock_steady_ms(void);
uint64_t clock_steady_ns(void);

/* Milliseconds since this machine was started, also while it was suspended; they never go back. */
uint64_t clock_boot_ms(void);

/* CPU time that this process has used, in nanoseconds. */
uint64_t clock_cpu_ns(void);

/* Waits for at least duration_ms. */
void clock_sleep_ms(uint64_t duration_ms);

/* Days since 1970-01-01 of a Gregorian date, and back (any year 1 to 9999).
 * date_from_text takes exactly "YYYY-MM-DD" and refuses impossible dates with
 * ERR_INPUT. Pure. */
enum err date_from_text(const char *text, int32_t *ret_day) MUST_USE;
/* ret_text gets "YYYY-MM-DD" and a zero. */
void date_print(int32_t day, char ret_text[static 11]);
void date_split(int32_t day, int *ret_year, int *ret_month, int *ret_day_of_month);
int32_t date_join(int year, int month, int day_of_month);
/* 0 Monday to 6 Sunday. */
int date_weekday(int32_t day);

/* ret_text gets RFC 3339 in UTC with milliseconds: "2026-11-22T16:13:32.123Z". */
void time_print(uint64_t time_ms, char ret_text[static 25]);
/* Takes "YYYY-MM-DD" (start of that day, UTC) or "YYYY-MM-DDThh:mm[:ss]Z". */
enum err time_from_text(const char *text, uint64_t *ret_time_ms) MUST_USE;

#endif
