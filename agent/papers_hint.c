#include "papers_hint.h"

#include <string.h>

#include "kluis/keys.h"

bool papers_charter_hash(struct slice note, uint8_t ret_hash[static HASH_SIZE])
{
	static const char key[] = "charter";
	const char *at = (const char *)note.data, *end = at + note.length;

	for (; at != NULL && (size_t)(end - at) > 2 * HASH_SIZE + sizeof key;
	     at = memchr(at, '\n', (size_t)(end - at))) {
		at += *at == '\n';
		if ((size_t)(end - at) < 2 * HASH_SIZE + sizeof key || memcmp(at, key, sizeof key - 1) != 0)
			continue;
		const char *value = at + sizeof key - 1;
		while (value < end && (*value == ' ' || *value == '='))
			value++;
		if ((size_t)(end - value) >= 2 * HASH_SIZE)
			return hex_parse(SLICE(value, 2 * HASH_SIZE), ret_hash, HASH_SIZE) == ERR_OK;
	}
	return false;
}
