/* vkeys, principals, base64 and hex from outside: each has one form, so what is read prints as the same bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/keys.h"

#define INPUT_MAX 4096

static void try_vkey(struct slice input, struct bytes *printed)
{
	struct fault fault = {0};
	struct public_key key;

	if (public_key_parse(input, &key, &fault) != ERR_OK) {
		assert(fault.text[0] != '\0');
		return;
	}
	bytes_clear(printed);
	assert(key_name_is_valid(slice_text(key.name)));
	if (public_key_print(&key, printed) != ERR_OK)
		abort();
	assert(slice_equal(bytes_slice(printed), input));
}

static void try_principal(struct slice input)
{
	char name[PRINCIPAL_MAX + 1];
	struct principal principal;

	if (principal_parse(input, &principal) != ERR_OK)
		return;
	assert(key_name_is_valid(input) && origin_is_valid(principal.origin));
	assert(slice_equal(slice_part(input, 0, principal.origin.length), principal.origin));
	if (principal.kind != PRINCIPAL_STORE)
		return;
	if (principal_store_name(principal.origin, principal.store, name) != ERR_OK)
		abort();
	assert(slice_equal(slice_text(name), input));
}

static void try_base64(struct slice input, struct bytes *decoded, struct bytes *printed)
{
	bytes_clear(decoded);
	bytes_clear(printed);
	if (base64_decode(input, decoded) != ERR_OK)
		return;
	if (base64_append(bytes_slice(decoded), printed) != ERR_OK)
		abort();
	assert(slice_equal(bytes_slice(printed), input));
}

static void try_hex(struct slice input)
{
	uint8_t parsed[INPUT_MAX / 2];
	char text[INPUT_MAX / 4 + 1];

	if (input.length >= sizeof(text) || hex_parse(input, parsed, input.length / 2) != ERR_OK)
		return;
	hex_print(SLICE(parsed, input.length / 2), text);
	assert(slice_equal(slice_text(text), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes decoded CLEANUP(bytes_fini);
	struct bytes printed CLEANUP(bytes_fini);

	bytes_init(&decoded, INPUT_MAX);
	bytes_init(&printed, INPUT_MAX);
	if (keys_init() != ERR_OK)
		abort();
	if (size > INPUT_MAX)
		return 0;
	try_vkey(SLICE(data, size), &printed);
	try_principal(SLICE(data, size));
	try_base64(SLICE(data, size), &decoded, &printed);
	try_hex(SLICE(data, size));
	return 0;
}
