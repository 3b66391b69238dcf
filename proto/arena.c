#include "kluis/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kluis/hash.h"

/* Memory past filled is always zero: it comes from calloc, and what was used is wiped before it is used
 * again. So an allocation costs an addition. */
struct arena_block {
	struct arena_block *next;
	size_t capacity;
	size_t filled;
	_Alignas(max_align_t) uint8_t memory[];
};

#define ALIGNMENT _Alignof(max_align_t)
/* Blocks double from the first size, which holds a lookup, to the greatest. */
#define BLOCK_MIN (16 * (size_t)1024)
#define BLOCK_MAX (1024 * (size_t)1024)
/* A block that reset may keep: more would let one great request hold memory for ever. */
#define KEEP_MAX (256 * (size_t)1024)

void arena_init(struct arena *arena, size_t ceiling)
{
	*arena = (struct arena){.ceiling = ceiling};
}

static void block_free(struct arena_block *block)
{
	wipe(block->memory, block->filled);
	free(block);
}

/* Frees all blocks but keep, which may be NULL. */
static void free_blocks(struct arena *arena, const struct arena_block *keep)
{
	struct arena_block *block = arena->blocks;

	while (block != NULL) {
		struct arena_block *next = block->next;

		if (block != keep)
			block_free(block);
		block = next;
	}
}

void arena_fini(struct arena *arena)
{
	free_blocks(arena, NULL);
	arena_init(arena, arena->ceiling);
}

void arena_reset(struct arena *arena)
{
	struct arena_block *keep = NULL;

	for (struct arena_block *block = arena->blocks; block != NULL; block = block->next) {
		if (block->capacity <= KEEP_MAX && (keep == NULL || block->capacity > keep->capacity))
			keep = block;
	}
	free_blocks(arena, keep);
	if (keep != NULL) {
		wipe(keep->memory, keep->filled);
		keep->filled = 0;
		keep->next = NULL;
	}
	*arena = (struct arena){.blocks = keep, .ceiling = arena->ceiling};
}

static struct arena_block *block_new(struct arena *arena, size_t needed)
{
	size_t capacity = arena->blocks == NULL ? BLOCK_MIN : arena->blocks->capacity * 2;
	struct arena_block *block;

	if (capacity > BLOCK_MAX)
		capacity = BLOCK_MAX;
	if (capacity < needed)
		capacity = needed;
	block = calloc(1, sizeof(*block) + capacity);
	if (block == NULL)
		return NULL;
	block->capacity = capacity;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t count)
{
	struct arena_block *block = arena->blocks;
	size_t room = arena->ceiling - arena->used;
	size_t padded;

	if (count > room || room - count < ALIGNMENT - 1) {
		arena->is_full = true;
		return NULL;
	}
	padded = count == 0 ? ALIGNMENT : (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (block == NULL || padded > block->capacity - block->filled)
		block = block_new(arena, padded);
	if (block == NULL) {
		arena->is_full = true;
		return NULL;
	}
	block->filled += padded;
	arena->used += padded;
	return block->memory + block->filled - padded;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		arena->is_full = true;
		return NULL;
	}
	return arena_alloc(arena, count * size);
}

char *arena_text(struct arena *arena, struct slice slice)
{
	char *text;

	if (slice.length == SIZE_MAX)
		return NULL;
	text = arena_alloc(arena, slice.length + 1);
	if (text != NULL && slice.length > 0)
		memcpy(text, slice.data, slice.length);
	return text;
}

uint8_t *arena_copy(struct arena *arena, struct slice slice)
{
	uint8_t *copy = arena_alloc(arena, slice.length);

	if (copy != NULL && slice.length > 0)
		memcpy(copy, slice.data, slice.length);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)length + 1);
	if (text == NULL)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
