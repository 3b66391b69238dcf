#include "text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

char *text_of_file(struct arena *arena, const char *path)
{
	char whole[512];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", TEST_SOURCE_ROOT, path);
	file = fopen(whole, "r");
	assert(file != NULL);
	char *text = arena_alloc(arena, 1 << 17);
	assert(text != NULL);
	size_t length = fread(text, 1, (1 << 17) - 1, file);
	assert(length < (1 << 17) - 1);
	fclose(file);
	return text;
}

char *text_replace(struct arena *arena, const char *text, const char *from, const char *to)
{
	const char *place = strstr(text, from);

	assert(place != NULL);
	char *changed = arena_printf(arena, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
	assert(changed != NULL);
	return changed;
}
