#include "kluis/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* One call of a command while argp reads it. */
struct call {
	const struct program *program;
	const struct command *command;
	struct command_arguments arguments;
	struct fault fault;
	enum err err;
};

const char *argp_program_version = NULL;

/* True for "agreement draft" if first is "agreement"; for every row if first is NULL. */
static bool begins_with(const struct command *row, const char *first)
{
	return first == NULL || (strncmp(row->words, first, strlen(first)) == 0 && row->words[strlen(first)] == ' ');
}

/* Those that begin with the word, all if it is NULL. */
static void print_commands(const struct program *program, const char *first, FILE *file)
{
	int width = 0;

	for (size_t i = 0; i < program->command_count; i++) {
		const struct command *row = &program->commands[i];
		if (!begins_with(row, first))
			continue;
		int length = snprintf(NULL, 0, "%s %s", row->words, row->arguments == NULL ? "" : row->arguments);
		width = length > width ? length : width;
	}
	for (size_t i = 0; i < program->command_count; i++) {
		const struct command *row = &program->commands[i];
		char left[128];
		if (!begins_with(row, first))
			continue;
		snprintf(left, sizeof left, "%s %s", row->words, row->arguments == NULL ? "" : row->arguments);
		fprintf(file, "  %-*s  %s\n", width, left, row->summary);
	}
}

static void print_help(const struct program *program, FILE *file)
{
	fprintf(file, "%s\n\nUsage: %s COMMAND [OPTION...]\n\n", program->summary, program->name);
	print_commands(program, NULL, file);
	fprintf(file, "\n  %s COMMAND --help  says more of one; the manual is %s.\n", program->name, program->manual);
}

/* Words of the command line that the row's words match, 0 if they do not. */
static int words_matched(const char *words, int argc, char **argv)
{
	int count = 0;

	while (*words != '\0') {
		size_t length = strcspn(words, " ");
		if (count >= argc || strlen(argv[count]) != length || strncmp(words, argv[count], length) != 0)
			return 0;
		count++;
		words += length;
		words += *words == ' ';
	}
	return count;
}

static const struct command *find(const struct program *program, int argc, char **argv, int *ret_words)
{
	const struct command *best = NULL;

	*ret_words = 0;
	for (size_t i = 0; i < program->command_count; i++) {
		int words = words_matched(program->commands[i].words, argc, argv);
		if (words > *ret_words) {
			best = &program->commands[i];
			*ret_words = words;
		}
	}
	return best;
}

static error_t take(int key, char *value, struct argp_state *state)
{
	struct call *call = state->input;

	if (key == ARGP_KEY_ARG) {
		if (call->arguments.count == call->command->arguments_max)
			argp_error(state, "too many arguments, from '%s' on", value);
		else
			call->arguments.items[call->arguments.count++] = value;
		return 0;
	}
	if (key == ARGP_KEY_END) {
		if (call->arguments.count < call->command->arguments_min)
			argp_error(state, "missing argument: %s", call->command->arguments);
		return 0;
	}
	if (key < 0x1000000 && key > 0 && call->program->take != NULL) {
		call->err = call->program->take(call->program->settings, key, value, &call->fault);
		if (call->err != ERR_OK)
			argp_error(state, "%s", call->fault.text);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int report(const struct program *program, const struct command *command, enum err err, const struct fault *fault)
{
	if (err != ERR_OK)
		fprintf(stderr, "%s: %s: %s\n", program->name, command->words,
			fault->text[0] != '\0' ? fault->text : error_text(err));
	return error_exit_status(err);
}

static int run(const struct program *program, const struct command *command, int argc, char **argv)
{
	struct call call = {.program = program, .command = command};
	char name[128], doc[2048];

	snprintf(name, sizeof name, "%s %s", program->name, command->words);
	snprintf(doc, sizeof doc, "%s\v%s", command->summary, command->text == NULL ? "" : command->text);
	argv[0] = name;
	const struct argp argp = {.options = command->options,
				  .parser = take,
				  .args_doc = command->arguments == NULL ? "" : command->arguments,
				  .doc = doc};
	argp_err_exit_status = error_exit_status(ERR_USAGE);
	if (argp_parse(&argp, argc, argv, 0, NULL, &call) != 0)
		return error_exit_status(ERR_USAGE);
	enum err err = command->run(program->settings, &call.arguments, &call.fault);
	if (fflush(stdout) != 0 && err == ERR_OK)
		err = fault_set(&call.fault, ERR_IO, "standard output: %s", strerror(errno));
	return report(program, command, err, &call.fault);
}

/* Keys and plaintext are in these processes: no core dump, no debugger of another of the user's processes. Leak
 * checking needs to look into its own process, so sanitizer builds stay open. */
static void keep_memory_private(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Of 0, 1 and 2 a shell may have closed some (">&-"). The next file that is opened would be that one, and what is meant
 * for standard error would be written over the database. What takes their place fails at once when it is read or
 * written. */
static bool fill_standard_descriptors(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int i = 0; i <= STDERR_FILENO; i++) {
		if (fcntl(i, F_GETFD) < 0 && open("/dev/null", flags[i]) != i)
			return false;
	}
	return true;
}

/* No row fits: what was typed is half a command, or none. */
static int refuse_words(const struct program *program, int argc, char **argv)
{
	bool is_half = false;

	for (size_t i = 0; argc >= 2 && i < program->command_count; i++)
		is_half = is_half || begins_with(&program->commands[i], argv[1]);
	if (is_half) {
		fprintf(stderr, "%s: '%s' is half a command; say which:\n\n", program->name, argv[1]);
		print_commands(program, argv[1], stderr);
		return error_exit_status(ERR_USAGE);
	}
	if (argc >= 2)
		fprintf(stderr, "%s: unknown command '%s'\n\n", program->name, argv[1]);
	print_help(program, stderr);
	return error_exit_status(ERR_USAGE);
}

int command_main(const struct program *program, int argc, char **argv)
{
	int words;

	keep_memory_private();
	if (!fill_standard_descriptors())
		return error_exit_status(ERR_IO);
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		print_help(program, stdout);
		return 0;
	}
	if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		printf("%s %s\n", program->name, KLUIS_VERSION);
		return 0;
	}
	const struct command *command = find(program, argc - 1, argv + 1, &words);
	if (command == NULL)
		return refuse_words(program, argc, argv);
	return run(program, command, argc - words, argv + words);
}

enum err command_number(const char *option, const char *value, uint64_t minimum, uint64_t maximum, uint64_t *ret_number,
			struct fault *fault)
{
	char *end;

	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	bool is_argument = option[0] >= 'A' && option[0] <= 'Z';
	bool is_number = value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
	if (!is_number || number < minimum || number > maximum)
		return fault_set(fault, ERR_USAGE, "%s%s: '%.32s' is not a whole number from %llu to %llu",
				 is_argument ? "" : "--", option, value, (unsigned long long)minimum,
				 (unsigned long long)maximum);
	*ret_number = number;
	return ERR_OK;
}
