#include "seeds.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kluis/keys.h"
#include "seeded.h"

struct options {
	uint64_t from, to;
	bool is_twice;
	struct seeds_run run;
};

static volatile uint64_t seed_now;

static void usage(const struct seeds_program *program)
{
	fprintf(stderr,
		"usage: %s [--seed N | --seeds FROM-TO] [--steps N] [--twice] [-v]\n"
		"  --seed N          one run\n"
		"  --seeds FROM-TO   several; thousands take some minutes\n"
		"  --steps N         events in a run (%llu)\n"
		"  --twice           runs each seed twice and compares the logs\n"
		"  -v                what happens\n",
		program->name, (unsigned long long)program->steps);
}

static bool read_number(const char *text, uint64_t *ret_number, const char **ret_rest)
{
	char *rest;

	*ret_number = strtoull(text, &rest, 10);
	*ret_rest = rest;
	return rest != text;
}

static bool read_options(int count, char **words, struct options *options)
{
	static const struct option rows[] = {
		{"seed", required_argument, NULL, 's'},	 {"seeds", required_argument, NULL, 'r'},
		{"steps", required_argument, NULL, 'n'}, {"twice", no_argument, NULL, '2'},
		{"help", no_argument, NULL, 'h'},	 {NULL, 0, NULL, 0}};
	const char *rest = "";
	bool is_right = true;
	int option;

	while (is_right && (option = getopt_long(count, words, "v", rows, NULL)) != -1) {
		if (option == 's') {
			is_right = read_number(optarg, &options->from, &rest) && *rest == '\0';
			options->to = options->from;
		} else if (option == 'r') {
			is_right = read_number(optarg, &options->from, &rest) && *rest == '-' &&
				   read_number(rest + 1, &options->to, &rest) && *rest == '\0';
		} else if (option == 'n') {
			is_right = read_number(optarg, &options->run.steps, &rest) && *rest == '\0';
		} else if (option == '2') {
			options->is_twice = true;
		} else if (option == 'v') {
			options->run.is_verbose = true;
		} else {
			is_right = false;
		}
	}
	return is_right && optind == count;
}

/* A failed assertion says which run it was. */
static void on_abort(int number)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "seed %llu: aborted\n", (unsigned long long)seed_now);

	if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(1);
	signal(number, SIG_DFL);
	raise(number);
}

static bool run_seed(const struct seeds_program *program, const struct options *options, uint64_t seed)
{
	struct seeds_run run = options->run;
	struct hash root, again;

	seed_now = run.seed = seed;
	program->run(&run, &root);
	if (!options->is_twice)
		return true;
	run.is_verbose = false;
	program->run(&run, &again);
	if (memcmp(&root, &again, sizeof(root)) == 0)
		return true;
	fprintf(stderr, "seed %llu: does not repeat\n", (unsigned long long)seed);
	return false;
}

int seeds_main(const struct seeds_program *program, int count, char **words)
{
	struct options options = {.from = 1, .to = 100, .run.steps = program->steps};

	if (!read_options(count, words, &options)) {
		usage(program);
		return 2;
	}
	signal(SIGABRT, on_abort);
	seeded_install();
	if (keys_init() != ERR_OK)
		return 1;
	for (uint64_t seed = options.from; seed <= options.to; seed++)
		if (!run_seed(program, &options, seed))
			return 1;
	printf("%llu runs of %llu steps: every invariant held\n", (unsigned long long)(options.to - options.from + 1),
	       (unsigned long long)options.run.steps);
	return 0;
}
