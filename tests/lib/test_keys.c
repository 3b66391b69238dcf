#include "test_keys.h"

#include <stdlib.h>
#include <string.h>

struct secret_key test_seed_key(const char *name, uint8_t byte)
{
	uint8_t seed[KEY_SIZE];
	struct secret_key key;

	memset(seed, byte, sizeof(seed));
	if (keys_init() != ERR_OK || secret_key_from_seed(slice_text(name), seed, &key) != ERR_OK)
		abort();
	return key;
}
