/*
 * The tills' line to the broker: a desk's lookups of customers who are not in the copy. While one envelope is under
 * way, lookups that arrive wait and go together in the next, under one signature; when none is, one goes at once, so
 * nothing is delayed when the line is idle.
 *
 *     till a ─▶ leads: sends [a] ──────────▶ answer ─▶ hands the lead to b
 *     till b ─▶ waits ────────────┐                    b leads: sends [b, c] ─▶ answers to b and c
 *     till c ─▶ waits ────────────┘
 *
 * No thread of its own: the first who waits sends for all. An envelope names one employee, so those of another
 * employee go in the next one.
 *
 * Threads: any; free when nobody is inside.
 */
#ifndef KLUIS_AGENT_LINE_H
#define KLUIS_AGENT_LINE_H

#include "desk/desk.h"
#include "kluis/session.h"

#define LINE_BATCH_MAX 64

struct line;

struct line_options {
	struct shop *shop;
	struct exchange exchange;
	struct session_memory memory; /* of LANE_TILL */
	/* Whether the broker can be reached at all: else nothing is signed and kept for nothing. NULL: always tried. */
	bool (*is_up)(void *context);
	void *context;
};
/* ERR_CORRUPT when the lane's memory does not open. */
enum err line_new(const struct line_options *options, struct line **ret_line, struct fault *fault) MUST_USE;
void line_free(struct line **line);
/* As a desk uses it; the line must outlive it. */
struct desk_line line_of_desk(struct line *line);
/* Gets the answer that an earlier lookup did not wait for, if there is one, and keeps the lane's memory: afterwards the
 * store's key may be replaced. Only while nobody is inside. */
enum err line_settle(struct line *line, struct fault *fault) MUST_USE;
/* Envelopes sent and lookups in them, for status and benches. */
void line_counts(struct line *line, uint64_t *ret_envelopes, uint64_t *ret_lookups);

#endif
