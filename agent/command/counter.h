/*
 * Commands of employees while the daemon runs: they go through its local API as a till does, in a session that the
 * employee's PIN opens. The PIN is typed at the terminal and not shown, or is the first line of --pin-file.
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_AGENT_COUNTER_H
#define KLUIS_AGENT_COUNTER_H

#include <jansson.h>

#include "command/options.h"
#include "kluis/arena.h"

#define COUNTER_PIN_SIZE 72 /* STAFF_PIN_MAX and a line's end, so that a longer line is seen to be longer */

struct counter {
	const char *folder, *handle;
	char pin[COUNTER_PIN_SIZE];
};

/* Reads the PIN; asks nobody yet. ERR_USAGE without --employee, or without a terminal to type a PIN at; ERR_STATE if no
 * daemon runs. */
enum err counter_open(struct counter *counter, const struct agent_options *settings, struct fault *fault) MUST_USE;
/* Wipes the PIN. */
void counter_close(struct counter *counter);
/* POST path with body (stolen; NULL: an argument was not UTF-8) in a session of its own. *ret_answer: a new reference.
 */
enum err counter_call(const struct counter *counter, const char *path, json_t *body, json_t **ret_answer,
		      struct fault *fault) MUST_USE;
/* The same for what goes into the outbox; prints "<done>; number 7 in the outbox", and the new member's id if the
 * answer has one. */
enum err counter_hand_in(const struct counter *counter, const char *path, json_t *body, const char *done,
			 struct fault *fault) MUST_USE;

/* One line of standard input, without its newline, in the arena; asked for at a terminal. ERR_USAGE when empty. */
enum err counter_read_line(const char *what, struct arena *arena, char **ret_line, struct fault *fault) MUST_USE;
/* All of standard input without the last newlines, in the arena. ERR_USAGE when empty, ERR_TOO_LARGE. */
enum err counter_read_words(const char *what, struct arena *arena, char **ret_words, struct fault *fault) MUST_USE;
/* Lines "field=value" of standard input as the API has them: [{"field": ..., "value": ...}]; a new reference. */
enum err counter_read_values(struct arena *arena, json_t **ret_values, struct fault *fault) MUST_USE;

#endif
