#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void run_fail(const struct run *run, const char *invariant, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "seed %llu step %llu: %s: ", (unsigned long long)run->seed, (unsigned long long)run->step,
		invariant);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	exit(1);
}

void run_must(const struct run *run, enum err err, const char *what)
{
	if (err != ERR_OK)
		run_fail(run, "sim", "%s: %s", what, error_text(err));
}

void run_trace(const struct run *run, const char *format, ...)
{
	va_list arguments;

	if (!run->is_verbose)
		return;
	printf("%6llu %llu ", (unsigned long long)run->step,
	       run->now_ms == NULL ? 0 : (unsigned long long)*run->now_ms);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

uint64_t run_draw(struct run *run, uint64_t bound)
{
	return random_below(&run->random, bound);
}

bool run_chance(struct run *run, unsigned percent)
{
	return run_draw(run, 100) < percent;
}

void *run_take(size_t size)
{
	void *place = calloc(1, size);

	if (place == NULL)
		abort();
	return place;
}

void *run_grow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity == 0 ? 16 : *capacity * 2;
	items = realloc(items, *capacity * size);
	if (items == NULL)
		abort();
	return items;
}
