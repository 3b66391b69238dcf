#include "kluis/tile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEVEL_MAX 63 /* C2SP tlog-tiles */
#define GROUP 1000   /* an index is written in groups of three digits */

/* ---- paths (R54) ---- */

/* "x001/x234/067" for 1234067. */
static int print_index(uint64_t index, char *place, size_t room)
{
	unsigned groups[7]; /* 1000^7 > 2^64 */
	int count = 0, length = 0;

	do {
		groups[count++] = (unsigned)(index % GROUP);
		index /= GROUP;
	} while (index > 0);
	while (count-- > 0)
		length += snprintf(place + length, room - (size_t)length, count > 0 ? "x%03u/" : "%03u", groups[count]);
	return length;
}

void tile_path(const struct tile *tile, char ret_path[static TILE_PATH_MAX])
{
	int length;

	assert(tile->level <= LEVEL_MAX && tile->width >= 1 && tile->width <= TILE_WIDTH);
	if (tile->is_entries)
		length = snprintf(ret_path, TILE_PATH_MAX, "tile/entries/");
	else
		length = snprintf(ret_path, TILE_PATH_MAX, "tile/%u/", tile->level);
	length += print_index(tile->index, ret_path + length, TILE_PATH_MAX - (size_t)length);
	if (tile->width < TILE_WIDTH)
		length += snprintf(ret_path + length, TILE_PATH_MAX - (size_t)length, ".p/%u", tile->width);
	assert(length < TILE_PATH_MAX);
}

/* Skips prefix if the path begins with it. */
static bool skip(const char **path, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncmp(*path, prefix, length) != 0)
		return false;
	*path += length;
	return true;
}

/* Takes up to digits digits as a number; how many there were. */
static unsigned take_digits(const char **path, unsigned digits, unsigned *ret_number)
{
	unsigned count = 0, number = 0;

	for (; count < digits && **path >= '0' && **path <= '9'; count++, (*path)++)
		number = number * 10 + (unsigned)(**path - '0');
	*ret_number = number;
	return count;
}

/* Groups until one without "x"; too many of them wrap, which the comparison in tile_parse_path finds. */
static bool take_index(const char **path, uint64_t *ret_index)
{
	uint64_t index = 0;
	unsigned group;
	bool has_more;

	do {
		has_more = skip(path, "x");
		if (take_digits(path, 3, &group) != 3 || (has_more && !skip(path, "/")))
			return false;
		index = index * GROUP + group;
	} while (has_more);
	*ret_index = index;
	return true;
}

enum err tile_parse_path(const char *path, struct tile *ret_tile)
{
	struct tile tile = {.width = TILE_WIDTH};
	char canonical[TILE_PATH_MAX];
	const char *rest = path;

	tile.is_entries = skip(&rest, "tile/entries/");
	if (!tile.is_entries && (!skip(&rest, "tile/") || take_digits(&rest, 2, &tile.level) == 0 || !skip(&rest, "/")))
		return ERR_INPUT;
	if (tile.level > LEVEL_MAX || !take_index(&rest, &tile.index))
		return ERR_INPUT;
	if (skip(&rest, ".p/") &&
	    (take_digits(&rest, 3, &tile.width) == 0 || tile.width == 0 || tile.width >= TILE_WIDTH))
		return ERR_INPUT;
	/* One tile has one path: leading zeros and groups too many are caught here. */
	tile_path(&tile, canonical);
	if (strcmp(path, canonical) != 0)
		return ERR_INPUT;
	*ret_tile = tile;
	return ERR_OK;
}

/* ---- extents and roots ---- */

void tile_extent(uint64_t size, unsigned level, uint64_t *ret_full, unsigned *ret_partial_width)
{
	uint64_t hashes = level < TILE_LEVELS ? size >> (8 * level) : 0;

	*ret_full = hashes / TILE_WIDTH;
	*ret_partial_width = (unsigned)(hashes % TILE_WIDTH);
}

void tile_root(const struct hash *hashes, unsigned width, struct hash *ret_root)
{
	struct hash waiting[9]; /* by level: a left subtree whose right sibling is still to come; 2^8 is TILE_WIDTH */
	struct hash carry;

	assert(width >= 1 && width <= TILE_WIDTH && (width & (width - 1)) == 0);
	for (unsigned i = 0; i < width; i++) {
		unsigned level = 0;

		carry = hashes[i];
		for (; (i >> level & 1) != 0; level++)
			merkle_node(&waiting[level], &carry, &carry);
		waiting[level] = carry;
	}
	*ret_root = carry; /* the last leaf of a full subtree has joined everything before it */
}

/* ---- bundles (R55) ---- */

enum err bundle_append(struct bytes *bundle, struct slice entry)
{
	uint8_t *place;

	if (entry.length > ENTRY_MAX)
		return ERR_TOO_LARGE;
	TRY(bytes_reserve(bundle, sizeof(uint16_t) + entry.length, &place));
	put_u16(place, (uint16_t)entry.length);
	if (entry.length > 0)
		memcpy(place + sizeof(uint16_t), entry.data, entry.length);
	bundle->length += sizeof(uint16_t) + entry.length;
	return ERR_OK;
}

bool bundle_next(struct reader *bundle, struct slice *ret_entry)
{
	uint16_t length;
	struct slice entry;

	if (bundle->rest.length == 0)
		return false;
	length = reader_u16(bundle);
	entry = reader_take(bundle, length);
	if (bundle->is_short)
		return false;
	*ret_entry = entry;
	return true;
}
