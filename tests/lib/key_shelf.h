/*
 * Keys of purposes in memory, durable like a disk's: for tests and simulations of the copy.
 */
#ifndef TEST_KEY_SHELF_H
#define TEST_KEY_SHELF_H

#include "keyring.h"

#define KEY_SHELF_PLACES 16

struct key_shelf {
	struct {
		char purpose[NAME_MAX_ + 1];
		uint8_t key[KEY_SIZE];
		bool is_there;
	} places[KEY_SHELF_PLACES];
	unsigned made, destroyed; /* how often */
	enum err code;		  /* of the next makes and destroys, which then do nothing; ERR_OK: they work */
};

/* The shelf must outlive it. */
struct key_memory key_shelf_memory(struct key_shelf *shelf);
bool key_shelf_has(struct key_shelf *shelf, const char *purpose);

#endif
