/* What the kinds of import have in common. */
#include "command/import_source.h"

void import_source_free(struct import_source *source)
{
	if (source->context)
		source->free(source->context);
	source->context = NULL;
}

enum err import_item_reject(struct arena *arena, uint64_t line, const char *reason, struct import_item *ret_item)
{
	uint64_t *lines = arena_alloc(arena, sizeof(*lines));

	if (!lines)
		return ERR_MEMORY;
	*lines = line;
	*ret_item = (struct import_item){.row_count = 1, .lines = lines, .reason = reason};
	return ERR_OK;
}
