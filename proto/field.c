/* Values of the dictionary's fields: their types, the form in which they are looked up, and what a mask leaves. */
#include <string.h>

#include "kluis/charter.h"
#include "kluis/clock.h"

#define BULLET "\xe2\x80\xa2" /* U+2022 */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct slice trim(struct slice slice)
{
	while (slice.length > 0 && slice.data[0] == ' ')
		slice = slice_part(slice, 1, slice.length - 1);
	while (slice.length > 0 && slice.data[slice.length - 1] == ' ')
		slice.length--;
	return slice;
}

static size_t count_digits(struct slice value)
{
	size_t count = 0;

	for (size_t i = 0; i < value.length; i++)
		count += is_digit(value.data[i]);
	return count;
}

static bool is_any_text(struct slice value)
{
	(void)value;
	return true;
}

/* 4 to 32 of letters, digits, blanks and hyphens, of which 4 or more are letters or digits. */
static bool is_card(struct slice value)
{
	size_t count = 0;

	for (size_t i = 0; i < value.length; i++) {
		uint8_t c = value.data[i];
		if (!is_digit(c) && !is_letter(c) && c != ' ' && c != '-')
			return false;
		count += c != ' ' && c != '-';
	}
	return count >= 4 && value.length <= 32;
}

/* 5 to 20 digits with blanks, hyphens, brackets; a plus only in front. */
static bool is_phone(struct slice value)
{
	size_t digits = count_digits(value);

	for (size_t i = 0; i < value.length; i++) {
		uint8_t c = value.data[i];
		if (!is_digit(c) && !(c != 0 && strchr(" -()", c)) && !(c == '+' && i == 0))
			return false;
	}
	return digits >= 5 && digits <= 20 && value.length <= 40;
}

static bool is_email(struct slice value)
{
	const uint8_t *at = memchr(value.data, '@', value.length);

	if (!at || at == value.data || memchr(value.data, ' ', value.length))
		return false;
	size_t after = value.length - (size_t)(at - value.data) - 1;
	return after > 0 && !memchr(at + 1, '@', after) && value.length <= 254;
}

static bool is_date(struct slice value)
{
	char text[11] = "";
	int32_t day = 0;

	if (value.length != 10)
		return false;
	memcpy(text, value.data, 10);
	return date_from_text(text, &day) == ERR_OK;
}

/* Decimal with an optional sign and fraction. */
static bool is_number(struct slice value)
{
	bool has_sign = value.data[0] == '-' || value.data[0] == '+';
	struct slice digits = slice_part(value, has_sign, value.length);
	const uint8_t *point = digits.length ? memchr(digits.data, '.', digits.length) : NULL;
	size_t wanted = digits.length - (point != NULL);

	/* one digit or more on each side of a point */
	if (point && (point == digits.data || point == digits.data + digits.length - 1))
		return false;
	return wanted > 0 && wanted <= 32 && count_digits(digits) == wanted;
}

static bool is_choice(struct slice value)
{
	return value.length <= 64;
}

enum err field_check_value(const struct charter_field *field, struct slice value)
{
	static bool (*const checks[])(struct slice) = {
		[FIELD_TEXT] = is_any_text, [FIELD_NAME] = is_any_text, [FIELD_CARD] = is_card,
		[FIELD_PHONE] = is_phone,   [FIELD_EMAIL] = is_email,	[FIELD_DATE] = is_date,
		[FIELD_NUMBER] = is_number, [FIELD_CHOICE] = is_choice,
	};

	if (value.length == 0 || value.length > VALUE_MAX || !slice_is_text(value, false))
		return ERR_VALUE;
	/* what can be looked up has a normalised form */
	if (field->is_lookup && trim(value).length == 0)
		return ERR_VALUE;
	return checks[field->type](value) ? ERR_OK : ERR_VALUE;
}

static bool is_kept_in_card(uint8_t c, size_t place)
{
	(void)place;
	return c != ' ' && c != '-';
}

static bool is_kept_in_phone(uint8_t c, size_t place)
{
	return is_digit(c) || (c == '+' && place == 0);
}

static bool is_kept(uint8_t c, size_t place)
{
	(void)c;
	(void)place;
	return true;
}

static uint8_t to_upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static uint8_t to_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static uint8_t to_same(uint8_t c)
{
	return c;
}

enum err field_normalise(const struct charter_field *field, struct slice value, struct bytes *ret_value)
{
	bool (*keep)(uint8_t, size_t) = field->type == FIELD_CARD    ? is_kept_in_card
					: field->type == FIELD_PHONE ? is_kept_in_phone
								     : is_kept;
	uint8_t (*to)(uint8_t) = field->type == FIELD_CARD ? to_upper : field->type == FIELD_EMAIL ? to_lower : to_same;
	uint8_t normal[VALUE_MAX];
	size_t length = 0;

	value = trim(value);
	TRY(field_check_value(field, value));
	for (size_t i = 0; i < value.length; i++)
		if (keep(value.data[i], i))
			normal[length++] = to(value.data[i]);
	enum err code = bytes_append(ret_value, SLICE(normal, length));
	explicit_bzero(normal, sizeof(normal));
	return code;
}

/* UTF-8: every byte but 10xxxxxx begins a character. */
static bool begins_character(uint8_t c)
{
	return (c & 0xc0) != 0x80;
}

enum err mask_apply(const struct charter_mask *mask, struct slice value, struct bytes *ret_value)
{
	size_t characters = 0, place = 0;
	size_t kept = mask->kind == MASK_HIDE ? 0 : mask->kind == MASK_YEAR ? 4 : mask->count;

	for (size_t i = 0; i < value.length; i++)
		characters += begins_character(value.data[i]);
	/* a mask always hides something: R45 */
	if (kept == 0 || characters <= kept)
		return bytes_append(ret_value, slice_text(BULLET BULLET BULLET));
	size_t first = mask->kind == MASK_LAST ? characters - kept : 0;
	for (size_t i = 0; i < value.length; i++) {
		bool begins = begins_character(value.data[i]);
		place += begins;
		/* place counts from 1 here */
		if (place > first && place <= first + kept)
			TRY(bytes_append_u8(ret_value, value.data[i]));
		else if (begins)
			TRY(bytes_append(ret_value, slice_text(BULLET)));
	}
	return ERR_OK;
}
