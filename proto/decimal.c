#include "kluis/decimal.h"

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

enum err decimal_parse(struct slice text, int64_t *ret_value)
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
	*ret_value = (int64_t)(is_negative ? 0 - number : number);
	return ERR_OK;
}
