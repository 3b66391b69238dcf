/* Numbers and days of CSV cells. Text from outside: nothing is guessed, nothing is rounded. */
#include <string.h>

#include "command/import_value.h"
#include "kluis/clock.h"
#include "kluis/limits.h"

#define DECIMALS 4

/* Takes the digits at the front of *text into *number, counting them. False when it passes 2^64. */
static bool take_digits(struct slice *text, uint64_t *number, size_t *ret_count)
{
	size_t count = 0;

	while (text->length > 0 && text->data[0] >= '0' && text->data[0] <= '9') {
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(text->data[0] - '0'), number))
			return false;
		*text = slice_part(*text, 1, text->length);
		count++;
	}
	*ret_count = count;
	return true;
}

enum err import_decimal(struct slice text, int64_t *ret_units)
{
	uint64_t number = 0;
	size_t whole = 0, decimals = 0;
	bool is_negative = text.length > 0 && text.data[0] == '-';
	uint64_t most = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);

	if (is_negative)
		text = slice_part(text, 1, text.length);
	if (!take_digits(&text, &number, &whole) || whole == 0)
		return ERR_VALUE;
	if (text.length > 0 && text.data[0] == '.') {
		text = slice_part(text, 1, text.length);
		if (!take_digits(&text, &number, &decimals) || decimals == 0)
			return ERR_VALUE;
	}
	if (text.length > 0 || decimals > DECIMALS)
		return ERR_VALUE;
	for (; decimals < DECIMALS; decimals++)
		if (__builtin_mul_overflow(number, 10, &number))
			return ERR_VALUE;
	if (number > most)
		return ERR_VALUE;
	/* two's complement: also right for the most negative number */
	*ret_units = (int64_t)(is_negative ? 0 - number : number);
	return ERR_OK;
}

enum err import_day(struct slice text, int32_t *ret_day)
{
	static const char *const midnights[] = {"", " 00:00:00", " 00:00:00.0", "T00:00:00"};
	struct slice rest = slice_part(text, 10, text.length);
	char date[11];

	if (text.length < 10)
		return ERR_VALUE;
	memcpy(date, text.data, 10);
	date[10] = '\0';
	for (size_t i = 0; i < sizeof(midnights) / sizeof(midnights[0]); i++)
		if (slice_equal(rest, slice_text(midnights[i])))
			return date_from_text(date, ret_day) == ERR_OK ? ERR_OK : ERR_VALUE;
	return ERR_VALUE;
}

enum err import_store(struct slice text, uint32_t *ret_store)
{
	uint64_t number = 0;
	size_t digits = 0;

	if (!take_digits(&text, &number, &digits) || digits == 0 || text.length > 0 || number >= STORES_MAX)
		return ERR_VALUE;
	*ret_store = (uint32_t)number;
	return ERR_OK;
}
