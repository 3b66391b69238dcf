#include "version.h"

#include <stdlib.h>
#include <string.h>

void *allocate(size_t count, size_t size)
{
	void *place = calloc(count > 0 ? count : 1, size);
	if (!place)
		abort();
	return place;
}

struct row *row_new(struct slice key, struct slice value)
{
	struct row *row = allocate(1, sizeof(*row) + key.length + value.length);
	*row = (struct row){.references = 1, .key_length = key.length, .value_length = value.length};
	memcpy(row->bytes, key.data, key.length);
	if (value.length > 0)
		memcpy(row->bytes + key.length, value.data, value.length);
	return row;
}

void row_drop(struct row *row)
{
	if (--row->references == 0)
		free(row);
}

struct slice row_key(const struct row *row)
{
	return SLICE(row->bytes, row->key_length);
}

struct slice row_value(const struct row *row)
{
	return SLICE(row->bytes + row->key_length, row->value_length);
}

void version_drop(struct version *version)
{
	if (--version->references > 0)
		return;
	for (size_t i = 0; i < version->count; i++)
		row_drop(version->rows[i]);
	free(version->rows);
	free(version);
}

struct version *version_hold(struct version *version)
{
	version->references++;
	return version;
}

struct version *version_new(void)
{
	struct version *version = allocate(1, sizeof(*version));
	version->references = 1;
	return version;
}

struct version *version_copy(const struct version *version)
{
	struct version *copy = version_new();
	copy->count = version->count;
	copy->capacity = version->count + version->count / 8 + 8;
	copy->rows = allocate(copy->capacity, sizeof(struct row *));
	for (size_t i = 0; i < version->count; i++) {
		copy->rows[i] = version->rows[i];
		copy->rows[i]->references++;
	}
	return copy;
}

/* The first row whose key is not less. */
size_t version_find(const struct version *version, struct slice key)
{
	size_t low = 0, high = version->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (slice_compare(row_key(version->rows[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool version_has(const struct version *version, size_t at, struct slice key)
{
	return at < version->count && slice_equal(row_key(version->rows[at]), key);
}

void version_insert(struct version *version, size_t at, struct row *row)
{
	if (version->count == version->capacity) {
		version->capacity = version->capacity * 2 + 8;
		version->rows = realloc(version->rows, version->capacity * sizeof(struct row *));
		if (!version->rows)
			abort();
	}
	memmove(&version->rows[at + 1], &version->rows[at], (version->count - at) * sizeof(struct row *));
	version->rows[at] = row;
	version->count++;
}
