/*
 * Which charter an agreement needs, before it can be opened.
 *
 * Threads: pure.
 */
#ifndef KLUIS_AGENT_PAPERS_HINT_H
#define KLUIS_AGENT_PAPERS_HINT_H

#include "kluis/bytes.h"
#include "kluis/limits.h"

/* What stands behind "charter =" in an agreement's text: a hint which charter to ask for, checked when the agreement is
 * opened against it. False if there is none. */
bool papers_charter_hash(struct slice note, uint8_t ret_hash[static HASH_SIZE]);

#endif
