#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kluis/command.h"

static void prompt(const char *what)
{
	if (!isatty(STDIN_FILENO))
		return;
	fprintf(stderr, "%s: ", what);
	fflush(stderr);
}

/* A zero byte would end the text before its end, unseen. */
static enum err take_line(const char *what, char *ret_line, size_t size, size_t *ret_length, struct fault *fault)
{
	size_t length = 0;
	int byte;

	while ((byte = getc(stdin)) != EOF && byte != '\n') {
		if (byte == '\0')
			return fault_set(fault, ERR_INPUT, "standard input: the %s has a zero byte in it", what);
		if (length == size - 1)
			return fault_set(fault, ERR_TOO_LARGE, "the %s is longer than %zu bytes", what, size - 1);
		ret_line[length++] = (char)byte;
	}
	if (byte == EOF && length == 0)
		return fault_set(fault, ERR_USAGE, "give the %s as one line on standard input", what);
	*ret_length = length;
	return ERR_OK;
}

enum err command_read_line(const char *what, char *ret_line, size_t size, struct fault *fault)
{
	size_t length = 0;

	prompt(what);
	TRY(take_line(what, ret_line, size, &length, fault));
	if (length > 0 && ret_line[length - 1] == '\r')
		length--;
	ret_line[length] = '\0';
	return ERR_OK;
}
