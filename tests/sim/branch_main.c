/* kluis-branch-sim: shops that run themselves, from seeds; branch.h says how. */
#include "branch.h"
#include "seeds.h"

int main(int count, char **words)
{
	static const struct seeds_program program = {.name = "kluis-branch-sim", .steps = 600, .run = branches_run};

	return seeds_main(&program, count, words);
}
