#include "random.h"

uint64_t random_next(struct random *random)
{
	uint64_t mixed = (random->state += 0x9e3779b97f4a7c15U);
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
	return mixed ^ (mixed >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

void random_fill(struct random *random, uint8_t *ret_bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ret_bytes[i] = (uint8_t)random_next(random);
}
