/*
 * Subcommands of the three programs: a table of rows, argp for the options of
 * each, one way to fail.
 *
 *     kluis-broker agreement draft --template FILE --all
 *     [program]    [words]         [options]
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_COMMAND_H
#define KLUIS_COMMAND_H

#include <argp.h>
#include <stdint.h>

#include "kluis/error.h"

#define COMMAND_ARGUMENTS_MAX 16

/* Positional arguments of a command, in order. */
struct command_arguments {
	const char *items[COMMAND_ARGUMENTS_MAX];
	int count;
};

struct command {
	const char *words;     /* "agreement draft" */
	const char *arguments; /* "FILE", "STORE [REASON]"; NULL for none */
	int arguments_min, arguments_max;
	const char *summary;		   /* one line for the list */
	const char *text;		   /* more for --help: what it does, an example; may be NULL */
	const struct argp_option *options; /* ends with a row of zeros */
	enum err (*run)(void *settings, const struct command_arguments *arguments, struct fault *fault);
};

struct program {
	const char *name;    /* "kluis-broker" */
	const char *summary; /* first line of --help */
	const char *manual;  /* "kluis-broker(8)" */
	const struct command *commands;
	size_t command_count;
	void *settings; /* the program's own struct, filled in by take */
	/* Takes an option; ERR_USAGE with a fault for a value that cannot be. */
	enum err (*take)(void *settings, int key, const char *value, struct fault *fault);
};

/* Finds the command, reads its options, runs it, prints "<program>: <what>: <fault>" to standard
 * error when it fails, and gives the exit status (error_exit_status). Handles --help and --version. */
int command_main(const struct program *program, int argc, char **argv);

/* A whole number within bounds from the value of an option ("days") or an argument ("STORE"); ERR_USAGE with a fault
 * that names it. */
enum err command_number(const char *option, const char *value, uint64_t minimum, uint64_t maximum, uint64_t *ret_number,
			struct fault *fault) MUST_USE;

/* One line of standard input, without its end, into ret_line of size bytes; on a terminal it is asked for by "what: ".
 * ERR_USAGE without a line, ERR_INPUT for a zero byte, ERR_TOO_LARGE; the fault names what. Then ret_line holds what
 * was read, so a secret's is wiped all the same. */
enum err command_read_line(const char *what, char *ret_line, size_t size, struct fault *fault) MUST_USE;

#endif
