#include "kluis/error.h"

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error_row {
	unsigned number;
	int exit_status;
	const char *name;
	const char *text;
};

static const struct error_row rows[] = {
#define ERR_ROW(name, number, status, text) {number, status, #name, text},
	ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* Exit status of a code that is not in the list: something in the world is broken. */
#define UNKNOWN_EXIT_STATUS 1

#define NAME_SIZE 32
static char names[ROW_COUNT][NAME_SIZE];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static const struct error_row *row_of(unsigned number)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].number == number)
			return &rows[i];
	}
	return NULL;
}

const char *error_text(enum err code)
{
	const struct error_row *row = row_of((unsigned)code);

	return row != NULL ? row->text : "unknown error";
}

/* The list has the names once, in the form of the enum. */
static void make_names(void)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *name = rows[i].name + strlen("ERR_");

		for (size_t j = 0; j < NAME_SIZE - 1 && name[j] != '\0'; j++)
			names[i][j] = (char)tolower((unsigned char)name[j]);
	}
}

const char *error_name(enum err code)
{
	const struct error_row *row = row_of((unsigned)code);

	if (row == NULL)
		return "unknown";
	pthread_once(&names_once, make_names);
	return names[row - rows];
}

bool error_is_known(unsigned number)
{
	return row_of(number) != NULL;
}

int error_exit_status(enum err code)
{
	const struct error_row *row = row_of((unsigned)code);

	return row != NULL ? row->exit_status : UNKNOWN_EXIT_STATUS;
}

enum err fault_set(struct fault *fault, enum err code, const char *format, ...)
{
	va_list arguments;

	if (fault == NULL || fault->text[0] != '\0')
		return code;
	va_start(arguments, format);
	vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	return code;
}

void fault_prefix(struct fault *fault, const char *prefix)
{
	struct fault old;

	if (fault == NULL)
		return;
	old = *fault;
	if (snprintf(fault->text, sizeof(fault->text), "%s: %s", prefix, old.text) < 0)
		*fault = old;
}
