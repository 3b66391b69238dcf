/*
 * One region of memory a request: everything that is unpacked or built for it
 * comes from here and is dropped at once when the reply is sent. It has a
 * ceiling, so a hostile message cannot make the program grow.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef KLUIS_ARENA_H
#define KLUIS_ARENA_H

#include "kluis/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;	/* bytes handed out, with padding */
	size_t ceiling; /* used never passes it */
	bool is_full;	/* an allocation was refused: the ceiling or the system */
};

/* An empty arena that hands out at most ceiling bytes. */
void arena_init(struct arena *arena, size_t ceiling);
/* Wipes and frees everything handed out. Usable with CLEANUP. */
void arena_fini(struct arena *arena);
/* Drops everything handed out, keeps one block for the next request. */
void arena_reset(struct arena *arena);

/* count zeroed bytes aligned for any type, valid until fini or reset; NULL at
 * the ceiling or when the system has none (arena->is_full is then true). */
void *arena_alloc(struct arena *arena, size_t count);
/* An array of count elements of size bytes; NULL also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Copies that live as long as the arena; NULL as above. */
char *arena_text(struct arena *arena, struct slice slice); /* zero-terminated */
uint8_t *arena_copy(struct arena *arena, struct slice slice);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
