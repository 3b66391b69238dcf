/*
 * C2SP tlog-tiles: where tiles stand, and what is in a bundle of entries
 * (FORMAT.md R54-R55). No file is opened here.
 *
 * Threads: pure.
 */
#ifndef KLUIS_TILE_H
#define KLUIS_TILE_H

#include "kluis/bytes.h"
#include "kluis/limits.h"
#include "kluis/merkle.h"

#define TILE_WIDTH 256
#define TILE_BYTES (TILE_WIDTH * HASH_SIZE)
#define TILE_PATH_MAX 80
#define TILE_LEVELS 8 /* 256^8 > 2^63 */

struct tile {
	unsigned level;
	uint64_t index;
	unsigned width;	 /* 1 to 256; 256 is a full tile */
	bool is_entries; /* an entry bundle: level is 0 */
};

/* ret_path gets "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]", zero-terminated. */
void tile_path(const struct tile *tile, char ret_path[static TILE_PATH_MAX]);
/* ERR_INPUT unless path is exactly what tile_path prints for some tile. */
enum err tile_parse_path(const char *path, struct tile *ret_tile) MUST_USE;

/* Number of full tiles at a level for a tree of size, and the width of the partial one after them (0: none). */
void tile_extent(uint64_t size, unsigned level, uint64_t *ret_full, unsigned *ret_partial_width);

/* Root of a full tile, which is the hash one level up: MTH of its 256 hashes. width must be a power of two. */
void tile_root(const struct hash *hashes, unsigned width, struct hash *ret_root);

/* Entry bundle: appends u16 length || entry. ERR_TOO_LARGE over ENTRY_MAX or past the buffer. */
enum err bundle_append(struct bytes *bundle, struct slice entry) MUST_USE;
/* Takes the next entry; false at the end or (reader->is_short) at damage. */
bool bundle_next(struct reader *bundle, struct slice *ret_entry);

#endif
