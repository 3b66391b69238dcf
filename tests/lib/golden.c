#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void golden_read(const char *name, struct bytes *ret_bytes)
{
	char path[256];
	unsigned byte;
	FILE *file;

	snprintf(path, sizeof path, "%s/golden_%s.hex", TEST_VECTORS, name);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fscanf(file, " %2x", &byte) == 1)
		assert_int_equal(bytes_append_u8(ret_bytes, (uint8_t)byte), ERR_OK);
	assert_true(feof(file));
	assert_int_equal(fclose(file), 0);
	assert_true(ret_bytes->length > 0);
}

void golden_key(const char *name, uint8_t seed, struct secret_key *ret_key)
{
	uint8_t bytes[KEY_SIZE];

	memset(bytes, seed, sizeof bytes);
	assert_int_equal(secret_key_from_seed(slice_text(name), bytes, ret_key), ERR_OK);
}

void golden_leaves(struct hash ret_leaves[static GOLDEN_SIZE])
{
	struct bytes entry CLEANUP(bytes_fini);

	bytes_init(&entry, GOLDEN_MAX);
	golden_read("entry", &entry);
	merkle_leaf(slice_text("kluis golden leaf 0"), &ret_leaves[0]);
	merkle_leaf(bytes_slice(&entry), &ret_leaves[1]);
	merkle_leaf(slice_text("kluis golden leaf 2"), &ret_leaves[2]);
}
