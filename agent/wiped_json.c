#include "wiped_json.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "kluis/hash.h"

static void *take(size_t size)
{
	return calloc(1, size);
}

static void give_back(void *place)
{
	if (place == NULL)
		return;
	wipe(place, malloc_usable_size(place));
	free(place);
}

void wiped_json_begin(void)
{
	json_set_alloc_funcs(take, give_back);
}
