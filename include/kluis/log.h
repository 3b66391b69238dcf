/*
 * What a daemon says of itself, to standard error, where systemd keeps it:
 * one line a thing, and no more than LOG_BURST lines a minute of each
 * topic, so that a flood of bad messages is not a flood of lines. Only the
 * edges log (server, agent's daemon); no personal value, key or PIN, ever.
 *
 * Threads: any.
 */
#ifndef KLUIS_LOG_H
#define KLUIS_LOG_H

#include <stdint.h>

#include "kluis/error.h"

#define LOG_BURST 5
#define LOG_WINDOW_MS 60000

/* One kind of line; static, shared by all who log it. */
struct log_topic {
	const char *name;
	uint64_t window_began_ms;
	unsigned lines;	  /* written in this window */
	unsigned dropped; /* since the last one written */
};

#define LOG_TOPIC(text)                                                                                                \
	{                                                                                                              \
		.name = (text)                                                                                         \
	} /* an initializer */

/* Writes "topic: text" and a newline, control characters replaced by '?'; lower case, the subject quoted, the cause
 * last. Past the burst it counts only, and the next line says how many it stands for. */
void log_event(struct log_topic *topic, const char *format, ...) PRINTF_LIKE(2, 3);

/* The rule behind it at a given time: true if a line may be written, and how many were dropped before it. Not locked.
 */
bool log_admit(struct log_topic *topic, uint64_t now_ms, unsigned *ret_dropped);

#endif
