#include "kluis/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kluis/bytes.h"

#define MS_PER_S 1000u
#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u
#define S_PER_DAY 86400u
#define MS_PER_DAY ((uint64_t)S_PER_DAY * MS_PER_S)

/* The Gregorian calendar repeats after 400 years; days are counted from 0000-03-01, so that the leap day is a
 * year's last. */
#define DAYS_PER_ERA 146097
#define DAYS_TO_1970 719468

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ms(void)
{
	return now_ns(CLOCK_REALTIME) / NS_PER_MS;
}

uint64_t clock_steady_ms(void)
{
	return clock_steady_ns() / NS_PER_MS;
}

uint64_t clock_steady_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boot_ms(void)
{
	return now_ns(CLOCK_BOOTTIME) / NS_PER_MS;
}

uint64_t clock_cpu_ns(void)
{
	return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void clock_sleep_ms(uint64_t duration_ms)
{
	struct timespec rest = {
		.tv_sec = (time_t)(duration_ms / MS_PER_S),
		.tv_nsec = (long)(duration_ms % MS_PER_S * NS_PER_MS),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}

int32_t date_join(int year, int month, int day_of_month)
{
	int shifted = month > 2 ? year : year - 1; /* years that begin in March */
	int era = (shifted >= 0 ? shifted : shifted - 399) / 400;
	int year_of_era = shifted - era * 400;
	int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day_of_month - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

void date_split(int32_t day, int *ret_year, int *ret_month, int *ret_day_of_month)
{
	int64_t shifted = (int64_t)day + DAYS_TO_1970;
	int era = (int)((shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA);
	int day_of_era = (int)(shifted - (int64_t)era * DAYS_PER_ERA);
	int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (5 * day_of_year + 2) / 153; /* 0 is March */

	*ret_day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

int date_weekday(int32_t day)
{
	/* 1970-01-01 was a Thursday */
	return (int)((((int64_t)day + 3) % 7 + 7) % 7);
}

/* Takes count digits from the front. */
static bool take_number(const char **text, int count, int *ret_number)
{
	int number = 0;

	for (int i = 0; i < count; i++) {
		char digit = (*text)[i];

		if (digit < '0' || digit > '9')
			return false;
		number = number * 10 + (digit - '0');
	}
	*text += count;
	*ret_number = number;
	return true;
}

static bool take_mark(const char **text, char mark)
{
	if (**text != mark)
		return false;
	(*text)++;
	return true;
}

static bool take_date(const char **text, int32_t *ret_day)
{
	int year, month, day_of_month, year_back, month_back, day_back;

	if (!take_number(text, 4, &year) || !take_mark(text, '-') || !take_number(text, 2, &month) ||
	    !take_mark(text, '-') || !take_number(text, 2, &day_of_month))
		return false;
	if (year < 1 || month < 1 || month > 12 || day_of_month < 1 || day_of_month > 31)
		return false;
	*ret_day = date_join(year, month, day_of_month);
	/* 30 February would come back as 1 or 2 March */
	date_split(*ret_day, &year_back, &month_back, &day_back);
	return year_back == year && month_back == month && day_back == day_of_month;
}

enum err date_from_text(const char *text, int32_t *ret_day)
{
	int32_t day;

	if (!take_date(&text, &day) || *text != '\0')
		return ERR_INPUT;
	*ret_day = day;
	return ERR_OK;
}

void date_print(int32_t day, char ret_text[static 11])
{
	int year, month, day_of_month;
	char text[48];

	date_split(day, &year, &month, &day_of_month);
	snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day_of_month);
	memcpy(ret_text, text, 10);
	ret_text[10] = '\0';
}

void time_print(uint64_t time_ms, char ret_text[static 25])
{
	uint64_t last_ms = (uint64_t)(date_join(9999, 12, 31) + 1) * MS_PER_DAY - 1;
	unsigned of_day;
	char text[64];

	/* the form has four digits for a year */
	if (time_ms > last_ms)
		time_ms = last_ms;
	date_print((int32_t)(time_ms / MS_PER_DAY), ret_text);
	of_day = (unsigned)(time_ms % MS_PER_DAY);
	snprintf(text, sizeof(text), "T%02u:%02u:%02u.%03uZ", of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60,
		 of_day % 1000);
	memcpy(ret_text + 10, text, 14);
	ret_text[24] = '\0';
}

/* "Thh:mm[:ss]Z" in seconds of the day. */
static bool take_time(const char **text, unsigned *ret_second)
{
	int hour, minute, second = 0;

	if (!take_mark(text, 'T') || !take_number(text, 2, &hour) || !take_mark(text, ':') ||
	    !take_number(text, 2, &minute))
		return false;
	if (take_mark(text, ':') && !take_number(text, 2, &second))
		return false;
	if (!take_mark(text, 'Z') || hour > 23 || minute > 59 || second > 59)
		return false;
	*ret_second = (unsigned)(hour * 3600 + minute * 60 + second);
	return true;
}

enum err time_from_text(const char *text, uint64_t *ret_time_ms)
{
	unsigned second = 0;
	int32_t day;

	if (!take_date(&text, &day) || day < 0)
		return ERR_INPUT;
	if (*text != '\0' && !take_time(&text, &second))
		return ERR_INPUT;
	if (*text != '\0')
		return ERR_INPUT;
	*ret_time_ms = (uint64_t)day * MS_PER_DAY + (uint64_t)second * MS_PER_S;
	return ERR_OK;
}
