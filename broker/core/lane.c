#include <string.h>

#include "core/request.h"
#include "kluis/hash.h"

struct slice lane_key(const Kluis__Request *request, uint32_t lane, uint8_t place[static LANE_KEY_MAX])
{
	struct slice name = slice_text(request->principal);

	place[0] = (uint8_t)lane;
	memcpy(place + 1, name.data, name.length);
	return SLICE(place, name.length + 1);
}

void lane_encode(const struct lane *lane, uint8_t ret_row[static LANE_ROW_SIZE])
{
	put_u64(ret_row, lane->sequence);
	memcpy(ret_row + 8, lane->request.bytes, HASH_SIZE);
	put_u64(ret_row + 8 + HASH_SIZE, lane->index);
	memcpy(ret_row + 16 + HASH_SIZE, lane->leaf.bytes, HASH_SIZE);
}

enum err lane_decode(struct slice row, struct lane *ret_lane)
{
	if (row.length != LANE_ROW_SIZE)
		return ERR_CORRUPT;
	ret_lane->sequence = get_u64(row.data);
	memcpy(ret_lane->request.bytes, row.data + 8, HASH_SIZE);
	ret_lane->index = get_u64(row.data + 8 + HASH_SIZE);
	memcpy(ret_lane->leaf.bytes, row.data + 16 + HASH_SIZE, HASH_SIZE);
	return ERR_OK;
}

void lane_hash(struct slice request, struct hash *ret_hash)
{
	blake2b(SLICE_EMPTY, "", request, ret_hash->bytes);
}
