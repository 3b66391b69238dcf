/* Numbers and days of CSV cells. Text from outside: nothing is guessed, nothing is rounded. */
#include <string.h>

#include "command/import_value.h"
#include "kluis/clock.h"
#include "kluis/limits.h"

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
	uint32_t number = 0;

	if (text.length == 0)
		return ERR_VALUE;
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return ERR_VALUE;
		number = number * 10 + (uint32_t)(text.data[i] - '0');
		if (number >= STORES_MAX)
			return ERR_VALUE;
	}
	*ret_store = number;
	return ERR_OK;
}
