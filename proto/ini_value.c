/* What the values of ini texts are made of: numbers, yes and no, durations, lists, names. */
#include <string.h>

#include "kluis/ini.h"
#include "kluis/limits.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes digits at *text into *ret_number and moves past them; false without any, or over 2^64. */
static bool take_number(const char **text, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *at = *text;

	if (!is_digit(*at))
		return false;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return false;
	*text = at;
	*ret_number = number;
	return true;
}

enum err ini_u64(const char *value, uint64_t minimum, uint64_t maximum, uint64_t *ret_number, struct fault *fault)
{
	uint64_t number = 0;
	const char *rest = value;

	/* one number has one form: no leading zero */
	if (!take_number(&rest, &number) || *rest != '\0' || (value[0] == '0' && value[1] != '\0'))
		return fault_set(fault, ERR_INPUT, "'%s' is not a whole number", value);
	if (number < minimum || number > maximum)
		return fault_set(fault, ERR_INPUT, "'%s' is not from %llu to %llu", value, (unsigned long long)minimum,
				 (unsigned long long)maximum);
	*ret_number = number;
	return ERR_OK;
}

enum err ini_bool(const char *value, bool *ret_bool, struct fault *fault)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return fault_set(fault, ERR_INPUT, "'%s' is neither yes nor no", value);
	*ret_bool = value[0] == 'y';
	return ERR_OK;
}

enum err ini_duration(const char *value, uint64_t *ret_seconds, struct fault *fault)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	const char *rest = value;
	uint64_t number = 0;

	if (take_number(&rest, &number) && rest[0] != '\0' && rest[1] == '\0')
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (units[i].unit == rest[0] && !__builtin_mul_overflow(number, units[i].seconds, &number)) {
				*ret_seconds = number;
				return ERR_OK;
			}
	return fault_set(fault, ERR_INPUT, "'%s' is not a duration such as 72h, 30d, 15m or 10s", value);
}

/* One item without the blanks and newlines around it. */
static struct slice trim_item(const char *text, size_t length)
{
	while (length > 0 && (*text == ' ' || *text == '\n')) {
		text++;
		length--;
	}
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\n'))
		length--;
	return SLICE(text, length);
}

enum err ini_list(const char *value, size_t maximum, struct arena *arena, char ***ret_items, size_t *ret_count,
		  struct fault *fault)
{
	size_t count = 1, filled = 0;

	for (const char *at = value; *at; at++)
		count += *at == ',';
	if (count > maximum)
		return fault_set(fault, ERR_INPUT, "list of %zu items; at most %zu may stand", count, maximum);
	char **items = arena_array(arena, count, sizeof(*items));
	if (!items)
		return ERR_MEMORY;
	for (const char *at = value; filled < count; filled++) {
		size_t length = strcspn(at, ",");
		struct slice item = trim_item(at, length);
		if (item.length == 0)
			return fault_set(fault, ERR_INPUT, "empty item in the list '%s'", value);
		items[filled] = arena_text(arena, item);
		if (!items[filled])
			return ERR_MEMORY;
		at += length + 1;
	}
	*ret_items = items;
	*ret_count = count;
	return ERR_OK;
}

bool ini_is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strspn(text, allowed);

	return length > 0 && length <= NAME_MAX_ && text[length] == '\0' && text[0] >= 'a' && text[0] <= 'z';
}

enum err ini_print_lines(const char *key, const char *lines, struct bytes *ret_text)
{
	struct reader reader = reader_of(slice_text(lines));

	TRY(bytes_printf(ret_text, "%s = ", key));
	for (const char *before = ""; reader.rest.length > 0; before = "    ") {
		struct slice line = reader_line(&reader);

		if (reader.is_short)
			return ERR_INPUT;
		TRY(bytes_printf(ret_text, "%s%.*s\n", before, (int)line.length, (const char *)line.data));
	}
	return ERR_OK;
}
