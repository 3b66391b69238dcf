/*
 * Another process for a test: a program, or a function of this one that may exit. What it says is kept.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#define CHILD_TEXT_MAX (256 * 1024)

struct child {
	pid_t pid;
	int status; /* exit status; 128 + signal if one ended it */
	int output, error;
	char out[CHILD_TEXT_MAX], err[CHILD_TEXT_MAX];
};

/* Runs a program (its path, then arguments, then NULL) to its end, with input on standard input (NULL: nothing). */
void child_run(struct child *ret_child, const char *const *arguments, const char *input);
/* Runs a function in a process of its own; what it returns is the status. */
void child_call(struct child *ret_child, int (*function)(void *context), void *context);

/* The same for one that goes on: begins it, waits until its standard error has a text (60 s), ends it by SIGTERM. */
void child_begin(struct child *ret_child, const char *const *arguments);
void child_await(struct child *child, const char *text);
void child_end(struct child *child);

#endif
