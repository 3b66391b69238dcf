#include "kluis/principal.h"

#include <stdio.h>
#include <string.h>

#include "kluis/keys.h"

/* Cuts the last part between slashes off: "a/b/c" gives "c" and leaves "a/b". False if there is no slash. */
static bool cut_last_part(struct slice *name, struct slice *ret_part)
{
	const uint8_t *slash = name->length == 0 ? NULL : memrchr(name->data, '/', name->length);
	size_t before;

	if (slash == NULL)
		return false;
	before = (size_t)(slash - name->data);
	*ret_part = slice_part(*name, before + 1, name->length);
	*name = slice_part(*name, 0, before);
	return true;
}

static bool is_word(struct slice part, const char *word)
{
	return slice_equal(part, slice_text(word));
}

bool origin_is_valid(struct slice origin)
{
	struct slice last = origin, rest = origin;

	if (origin.length > ORIGIN_MAX || !key_name_is_valid(origin))
		return false;
	if (origin.data[0] == '/' || origin.data[origin.length - 1] == '/' ||
	    memmem(origin.data, origin.length, "//", 2) != NULL)
		return false;
	if (!cut_last_part(&rest, &last))
		last = origin;
	return !is_word(last, "store") && !is_word(last, "auditor") && !is_word(last, "witness");
}

/* Decimal without leading zeros below STORES_MAX. */
static bool store_number(struct slice digits, uint32_t *ret_store)
{
	uint32_t number = 0;

	if (digits.length == 0 || digits.length > 5 || (digits.data[0] == '0' && digits.length > 1))
		return false;
	for (size_t i = 0; i < digits.length; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		number = number * 10 + (digits.data[i] - (uint32_t)'0');
	}
	*ret_store = number;
	return number < STORES_MAX;
}

static bool is_auditor_name(struct slice name)
{
	if (name.length == 0 || name.length > NAME_MAX_ || name.data[0] < 'a' || name.data[0] > 'z')
		return false;
	for (size_t i = 0; i < name.length; i++) {
		if (memchr("abcdefghijklmnopqrstuvwxyz0123456789_-", name.data[i], 38) == NULL)
			return false;
	}
	return true;
}

/* The kinds of two parts are looked at first: ".../auditor/log" is an auditor who is called log. */
static bool find_kind(struct slice name, struct principal *principal)
{
	struct slice last, middle = SLICE_EMPTY;

	if (!cut_last_part(&name, &last))
		return false;
	principal->origin = name;
	if (cut_last_part(&name, &middle) && is_word(middle, "store")) {
		principal->kind = PRINCIPAL_STORE;
		principal->origin = name;
		return store_number(last, &principal->store);
	}
	if (is_word(middle, "auditor")) {
		principal->kind = PRINCIPAL_AUDITOR;
		principal->origin = name;
		principal->auditor = last;
		return is_auditor_name(last);
	}
	principal->kind = is_word(last, "log") ? PRINCIPAL_LOG : PRINCIPAL_CONTROLLER;
	return is_word(last, "log") || is_word(last, "controller");
}

enum err principal_parse(struct slice name, struct principal *ret_principal)
{
	struct principal principal = {0};

	if (name.length > PRINCIPAL_MAX || !find_kind(name, &principal) || !origin_is_valid(principal.origin))
		return ERR_INPUT;
	*ret_principal = principal;
	return ERR_OK;
}

static enum err print_name(struct slice origin, const char *kind, uint32_t store,
			   char ret_name[static PRINCIPAL_MAX + 1])
{
	if (!origin_is_valid(origin) || store >= STORES_MAX)
		return ERR_INPUT;
	snprintf(ret_name, PRINCIPAL_MAX + 1, "%.*s/%s/%u", (int)origin.length, (const char *)origin.data, kind, store);
	return ERR_OK;
}

enum err principal_store_name(struct slice origin, uint32_t store, char ret_name[static PRINCIPAL_MAX + 1])
{
	return print_name(origin, "store", store, ret_name);
}

enum err principal_witness_name(struct slice origin, uint32_t store, char ret_name[static PRINCIPAL_MAX + 1])
{
	return print_name(origin, "witness/store", store, ret_name);
}
