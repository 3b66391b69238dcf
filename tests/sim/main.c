/* kluis-sim: whole franchises from seeds; sim.h says how. */
#include "seeds.h"
#include "sim.h"

int main(int count, char **words)
{
	static const struct seeds_program program = {.name = "kluis-sim", .steps = 1500, .run = sim_run};

	return seeds_main(&program, count, words);
}
