/* Where the ledger's rows stand; shared by appending and reading. */
#ifndef KLUIS_LEDGER_KEY_H
#define KLUIS_LEDGER_KEY_H

#include "kluis/bytes.h"

#define ENTRY_KEY_SIZE 8 /* u64 index */
#define TILE_KEY_SIZE 9	 /* u8 level, u64 index */
#define FRONTIER_KEY "ledger/frontier"
#define CHECKPOINT_KEY "ledger/checkpoint"

static inline struct slice entry_key(uint64_t index, uint8_t place[static ENTRY_KEY_SIZE])
{
	put_u64(place, index);
	return SLICE(place, ENTRY_KEY_SIZE);
}

static inline struct slice tile_key(unsigned level, uint64_t index, uint8_t place[static TILE_KEY_SIZE])
{
	place[0] = (uint8_t)level;
	put_u64(place + 1, index);
	return SLICE(place, TILE_KEY_SIZE);
}

#endif
