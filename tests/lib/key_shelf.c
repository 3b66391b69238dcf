#include "key_shelf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "kluis/hash.h"

static size_t place_of(struct key_shelf *shelf, const char *purpose)
{
	for (size_t i = 0; i < KEY_SHELF_PLACES; i++) {
		if (shelf->places[i].purpose[0] == '\0')
			snprintf(shelf->places[i].purpose, sizeof shelf->places[i].purpose, "%s", purpose);
		if (strcmp(shelf->places[i].purpose, purpose) == 0)
			return i;
	}
	assert(!"more purposes than a shelf has places");
	return 0;
}

static enum err load(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	struct key_shelf *shelf = context;
	size_t place = place_of(shelf, purpose);

	if (!shelf->places[place].is_there)
		return ERR_NOT_FOUND;
	memcpy(ret_key, shelf->places[place].key, KEY_SIZE);
	return ERR_OK;
}

static enum err make(void *context, const char *purpose, uint8_t ret_key[static KEY_SIZE])
{
	struct key_shelf *shelf = context;
	size_t place = place_of(shelf, purpose);

	if (shelf->code != ERR_OK)
		return shelf->code;
	random_bytes(shelf->places[place].key, KEY_SIZE);
	shelf->places[place].is_there = true;
	shelf->made++;
	memcpy(ret_key, shelf->places[place].key, KEY_SIZE);
	return ERR_OK;
}

static enum err destroy(void *context, const char *purpose)
{
	struct key_shelf *shelf = context;
	size_t place = place_of(shelf, purpose);

	if (shelf->code != ERR_OK)
		return shelf->code;
	shelf->destroyed += shelf->places[place].is_there;
	shelf->places[place].is_there = false;
	wipe(shelf->places[place].key, KEY_SIZE);
	return ERR_OK;
}

struct key_memory key_shelf_memory(struct key_shelf *shelf)
{
	return (struct key_memory){.context = shelf, .load = load, .make = make, .destroy = destroy};
}

bool key_shelf_has(struct key_shelf *shelf, const char *purpose)
{
	return shelf->places[place_of(shelf, purpose)].is_there;
}
