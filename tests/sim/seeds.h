/*
 * The programs that run a simulation from seeds:
 *
 *     kluis-sim --seeds 1-150             as continuous integration does
 *     kluis-sim --seeds 1-20000           some thousands more
 *     kluis-sim --seed 4711 -v            what happened in one of them
 *     kluis-sim --seeds 1-5 --twice       each seed twice: a run must repeat exactly
 */
#ifndef KLUIS_SIM_SEEDS_H
#define KLUIS_SIM_SEEDS_H

#include "kluis/merkle.h"

struct seeds_run {
	uint64_t seed, steps;
	bool is_verbose;
};

struct seeds_program {
	const char *name;
	uint64_t steps; /* of a run, if no option says it */
	/* One run; the root of the log at its end. It ends the program when an invariant is broken. */
	void (*run)(const struct seeds_run *run, struct hash *ret_root);
};

/* The exit status of main. */
int seeds_main(const struct seeds_program *program, int count, char **words);

#endif
