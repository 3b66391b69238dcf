#include "kluis/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"

/* First allocation of a buffer, bytes: most keys, names and replies fit. */
#define CAPACITY_MIN 64
/* bytes_printf builds up to this many bytes on the stack. */
#define PRINTF_SMALL 512

struct slice slice_text(const char *text)
{
	return SLICE(text, strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.length < b.length ? a.length : b.length;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	if (order != 0)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

struct slice slice_part(struct slice slice, size_t from, size_t count)
{
	if (from >= slice.length)
		return SLICE_EMPTY;
	if (count > slice.length - from)
		count = slice.length - from;
	return SLICE(slice.data + from, count);
}

/* Forms of UTF-8 by their first byte (RFC 3629 section 4): how many bytes follow and which range the
 * second one has; it shuts out overlong forms, surrogates and what is over U+10FFFF. */
struct utf8_form {
	uint8_t first_min, first_max;
	uint8_t following;
	uint8_t second_min, second_max;
};

static const struct utf8_form utf8_forms[] = {
	{0xC2, 0xDF, 1, 0x80, 0xBF}, {0xE0, 0xE0, 2, 0xA0, 0xBF}, {0xE1, 0xEC, 2, 0x80, 0xBF},
	{0xED, 0xED, 2, 0x80, 0x9F}, {0xEE, 0xEF, 2, 0x80, 0xBF}, {0xF0, 0xF0, 3, 0x90, 0xBF},
	{0xF1, 0xF3, 3, 0x80, 0xBF}, {0xF4, 0xF4, 3, 0x80, 0x8F},
};

static const struct utf8_form *utf8_form_of(uint8_t first)
{
	for (size_t i = 0; i < sizeof(utf8_forms) / sizeof(utf8_forms[0]); i++) {
		if (first >= utf8_forms[i].first_min && first <= utf8_forms[i].first_max)
			return &utf8_forms[i];
	}
	return NULL;
}

/* Bytes of the character at the slice's front if it is more than ASCII and allowed, else 0. */
static size_t wide_character(struct slice rest)
{
	const struct utf8_form *form = utf8_form_of(rest.data[0]);

	if (form == NULL || rest.length <= form->following)
		return 0;
	if (rest.data[1] < form->second_min || rest.data[1] > form->second_max)
		return 0;
	for (size_t i = 2; i <= form->following; i++) {
		if ((rest.data[i] & 0xC0) != 0x80)
			return 0;
	}
	/* U+0080 to U+009F are the C1 control characters */
	if (rest.data[0] == 0xC2 && rest.data[1] < 0xA0)
		return 0;
	return form->following + 1u;
}

bool slice_is_text(struct slice slice, bool newline_allowed)
{
	size_t i = 0;

	while (i < slice.length) {
		uint8_t byte = slice.data[i];
		size_t step = 1;

		if (byte >= 0x80)
			step = wide_character(slice_part(slice, i, slice.length));
		else if (byte == 0x7F || (byte < 0x20 && !(byte == '\n' && newline_allowed)))
			step = 0;
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

void bytes_init(struct bytes *bytes, size_t maximum)
{
	*bytes = (struct bytes){.maximum = maximum};
}

void bytes_init_secret(struct bytes *bytes, size_t maximum)
{
	*bytes = (struct bytes){.maximum = maximum, .is_secret = true};
}

void bytes_fini(struct bytes *bytes)
{
	if (bytes->is_secret && bytes->data != NULL)
		wipe(bytes->data, bytes->capacity);
	free(bytes->data);
	*bytes = (struct bytes){.maximum = bytes->maximum, .is_secret = bytes->is_secret};
}

void bytes_clear(struct bytes *bytes)
{
	if (bytes->is_secret && bytes->data != NULL)
		wipe(bytes->data, bytes->capacity);
	bytes->length = 0;
}

/* realloc would leave a copy of a secret behind. */
static uint8_t *reallocate(struct bytes *bytes, size_t capacity)
{
	uint8_t *place;

	if (!bytes->is_secret)
		return realloc(bytes->data, capacity);
	place = malloc(capacity);
	if (place == NULL)
		return NULL;
	if (bytes->data != NULL) {
		memcpy(place, bytes->data, bytes->length);
		wipe(bytes->data, bytes->capacity);
		free(bytes->data);
	}
	return place;
}

static enum err grow(struct bytes *bytes, size_t needed)
{
	size_t capacity = bytes->capacity < CAPACITY_MIN ? CAPACITY_MIN : bytes->capacity;
	uint8_t *place;

	while (capacity < needed)
		capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
	if (capacity > bytes->maximum)
		capacity = bytes->maximum;
	place = reallocate(bytes, capacity);
	if (place == NULL)
		return ERR_MEMORY;
	bytes->data = place;
	bytes->capacity = capacity;
	return ERR_OK;
}

enum err bytes_reserve(struct bytes *bytes, size_t count, uint8_t **ret_place)
{
	assert(bytes->length <= bytes->maximum);
	if (count > bytes->maximum - bytes->length)
		return ERR_TOO_LARGE;
	if (bytes->data == NULL || count > bytes->capacity - bytes->length)
		TRY(grow(bytes, bytes->length + count));
	*ret_place = bytes->data + bytes->length;
	return ERR_OK;
}

enum err bytes_append(struct bytes *bytes, struct slice slice)
{
	uint8_t *place;

	if (slice.length == 0)
		return ERR_OK;
	TRY(bytes_reserve(bytes, slice.length, &place));
	memcpy(place, slice.data, slice.length);
	bytes->length += slice.length;
	return ERR_OK;
}

enum err bytes_append_u8(struct bytes *bytes, uint8_t value)
{
	return bytes_append(bytes, SLICE(&value, 1));
}

enum err bytes_append_u16(struct bytes *bytes, uint16_t value)
{
	uint8_t place[2];

	put_u16(place, value);
	return bytes_append(bytes, SLICE_ARRAY(place));
}

enum err bytes_append_u32(struct bytes *bytes, uint32_t value)
{
	uint8_t place[4];

	put_u32(place, value);
	return bytes_append(bytes, SLICE_ARRAY(place));
}

enum err bytes_append_u64(struct bytes *bytes, uint64_t value)
{
	uint8_t place[8];

	put_u64(place, value);
	return bytes_append(bytes, SLICE_ARRAY(place));
}

/* Text that is longer than the stack buffer: printed into memory with room for the zero that vsnprintf adds. */
PRINTF_LIKE(3, 0)
static enum err append_long(struct bytes *bytes, size_t length, const char *format, va_list arguments)
{
	struct bytes text CLEANUP(bytes_fini) = {0};
	uint8_t *place;

	bytes_init_secret(&text, length + 1);
	TRY(bytes_reserve(&text, length + 1, &place));
	vsnprintf((char *)place, length + 1, format, arguments);
	return bytes_append(bytes, SLICE(place, length));
}

enum err bytes_printf(struct bytes *bytes, const char *format, ...)
{
	char small[PRINTF_SMALL];
	va_list arguments;
	int length;
	enum err err;

	va_start(arguments, format);
	length = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	assert(length >= 0);
	if ((size_t)length < sizeof(small)) {
		err = bytes_append(bytes, SLICE(small, (size_t)length));
	} else {
		va_start(arguments, format);
		err = append_long(bytes, (size_t)length, format, arguments);
		va_end(arguments);
	}
	if (bytes->is_secret)
		wipe(small, sizeof(small));
	return err;
}

struct slice bytes_slice(const struct bytes *bytes)
{
	return SLICE(bytes->data, bytes->length);
}

void put_u16(uint8_t *place, uint16_t value)
{
	place[0] = (uint8_t)(value >> 8);
	place[1] = (uint8_t)value;
}

void put_u32(uint8_t *place, uint32_t value)
{
	put_u16(place, (uint16_t)(value >> 16));
	put_u16(place + 2, (uint16_t)value);
}

void put_u64(uint8_t *place, uint64_t value)
{
	put_u32(place, (uint32_t)(value >> 32));
	put_u32(place + 4, (uint32_t)value);
}

uint16_t get_u16(const uint8_t *place)
{
	return (uint16_t)((unsigned)place[0] << 8 | place[1]);
}

uint32_t get_u32(const uint8_t *place)
{
	return (uint32_t)get_u16(place) << 16 | get_u16(place + 2);
}

uint64_t get_u64(const uint8_t *place)
{
	return (uint64_t)get_u32(place) << 32 | get_u32(place + 4);
}

struct reader reader_of(struct slice slice)
{
	return (struct reader){.rest = slice};
}

struct slice reader_take(struct reader *reader, size_t count)
{
	struct slice taken;

	if (reader->is_short || count > reader->rest.length) {
		reader->is_short = true;
		return SLICE_EMPTY;
	}
	if (count == 0)
		return SLICE_EMPTY;
	taken = SLICE(reader->rest.data, count);
	reader->rest = SLICE(reader->rest.data + count, reader->rest.length - count);
	return taken;
}

uint8_t reader_u8(struct reader *reader)
{
	struct slice taken = reader_take(reader, 1);

	return taken.length == 0 ? 0 : taken.data[0];
}

uint16_t reader_u16(struct reader *reader)
{
	struct slice taken = reader_take(reader, 2);

	return taken.length == 0 ? 0 : get_u16(taken.data);
}

uint32_t reader_u32(struct reader *reader)
{
	struct slice taken = reader_take(reader, 4);

	return taken.length == 0 ? 0 : get_u32(taken.data);
}

uint64_t reader_u64(struct reader *reader)
{
	struct slice taken = reader_take(reader, 8);

	return taken.length == 0 ? 0 : get_u64(taken.data);
}

struct slice reader_line(struct reader *reader)
{
	const uint8_t *end = NULL;
	struct slice line;

	if (!reader->is_short && reader->rest.length > 0)
		end = memchr(reader->rest.data, '\n', reader->rest.length);
	if (end == NULL) {
		reader->is_short = true;
		return SLICE_EMPTY;
	}
	line = reader_take(reader, (size_t)(end - reader->rest.data) + 1);
	return SLICE(line.data, line.length - 1);
}
