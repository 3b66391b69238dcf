/*
 * JSON texts that are wiped when they are freed: PINs, tokens and what a person said pass through jansson's buffers.
 *
 * Threads: once, before the first JSON value is made.
 */
#ifndef KLUIS_AGENT_WIPED_JSON_H
#define KLUIS_AGENT_WIPED_JSON_H

/* What json_dumps gives is freed with free() as before. */
void wiped_json_begin(void);

#endif
