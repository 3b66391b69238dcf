/*
 * One run of a simulation: its seed, the step it is at, what it draws, and how it ends when an invariant is broken.
 */
#ifndef KLUIS_SIM_RUN_H
#define KLUIS_SIM_RUN_H

#include "kluis/error.h"
#include "random.h"

struct run {
	uint64_t seed, step;
	bool is_verbose;
	const uint64_t *now_ms; /* its clock, for what is printed */
	struct random random;
};

/* Ends the program: the invariant's name, seed, step and words. */
void run_fail(const struct run *run, const char *invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void run_must(const struct run *run, enum err err, const char *what);
void run_trace(const struct run *run, const char *format, ...) PRINTF_LIKE(2, 3);
uint64_t run_draw(struct run *run, uint64_t bound);
bool run_chance(struct run *run, unsigned percent);

/* calloc and realloc that cannot fail. */
void *run_take(size_t size);
void *run_grow(void *items, size_t count, size_t *capacity, size_t size);
#define LIST(type)                                                                                                     \
	struct {                                                                                                       \
		type *items;                                                                                           \
		size_t count, capacity;                                                                                \
	}
#define LIST_ADD(list)                                                                                                 \
	((list)->items = run_grow((list)->items, (list)->count, &(list)->capacity, sizeof(*(list)->items)),            \
	 &(list)->items[(list)->count++])

#endif
