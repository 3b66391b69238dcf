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

char *text_of_man_example(struct arena *arena, const char *path)
{
	const char *text = text_of_file(arena, path);
	const char *examples = strstr(text, "\n.Sh EXAMPLES\n");
	const char *start = examples ? strstr(examples, "\n.Bd -literal") : NULL;
	const char *end = start ? strstr(start, "\n.Ed\n") : NULL;

	assert(end != NULL);
	start = strchr(start + 1, '\n') + 1;
	return arena_text(arena, SLICE(start, (size_t)(end + 1 - start)));
}

/* Does a line that begins with ".It Cm" have the word? */
static bool is_key_of(const char *man, const char *word, size_t length)
{
	for (const char *at = strstr(man, "\n.It Cm "); at; at = strstr(at + 1, "\n.It Cm ")) {
		const char *end = strchr(at + 1, '\n');
		for (const char *place = at + 8; place + length <= end; place++)
			if (strncmp(place, word, length) == 0 && place[-1] == ' ' &&
			    (place[length] == ' ' || place[length] == '\n'))
				return true;
	}
	return false;
}

const char *text_missing_key(struct arena *arena, const char *path, const char *list)
{
	const char *man = text_of_file(arena, path);

	for (const char *word = list; *word;) {
		size_t length = strcspn(word, ", ;");
		if (!is_key_of(man, word, length))
			return word;
		word += length;
		word += strspn(word, ", ");
		if (*word == ';')
			break;
	}
	return NULL;
}
