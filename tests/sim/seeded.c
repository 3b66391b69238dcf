#include "seeded.h"

#include <sodium.h>
#include <string.h>

static uint64_t seed_now, drawn;

static const char *name(void)
{
	return "seeded";
}

static void fill(void *const place, const size_t count)
{
	uint8_t seed[randombytes_SEEDBYTES] = {0};

	memcpy(seed, &seed_now, sizeof(seed_now));
	memcpy(seed + sizeof(seed_now), &drawn, sizeof(drawn));
	drawn++;
	randombytes_buf_deterministic(place, count, seed);
}

static uint32_t number(void)
{
	uint32_t value;

	fill(&value, sizeof(value));
	return value;
}

static struct randombytes_implementation implementation = {.implementation_name = name, .random = number, .buf = fill};

void seeded_install(void)
{
	randombytes_set_implementation(&implementation);
}

void seeded_start(uint64_t seed)
{
	seed_now = seed;
	drawn = 0;
}
