/* A path that parses is the one that the tile prints. */
#include <stdlib.h>
#include <string.h>

#include "kluis/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[4 * TILE_PATH_MAX], printed[TILE_PATH_MAX];
	struct tile tile;

	if (size >= sizeof path)
		return 0;
	memcpy(path, data, size);
	path[size] = '\0';
	if (tile_parse_path(path, &tile) != ERR_OK)
		return 0;
	if (tile.width == 0 || tile.width > TILE_WIDTH || tile.level > 63)
		abort();
	tile_path(&tile, printed);
	if (strcmp(path, printed) != 0)
		abort();
	return 0;
}
