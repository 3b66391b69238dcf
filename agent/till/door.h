/*
 * What is refused before anybody looks at what it asks: everything that a page in a browser, or a name that somebody
 * else's DNS points at this machine, would send.
 *
 * Threads: pure.
 */
#ifndef KLUIS_AGENT_TILL_DOOR_H
#define KLUIS_AGENT_TILL_DOOR_H

#include "till/till_api.h"

/* The HTTP status to refuse with, and why; 0: let it pass. */
unsigned door_judge(const struct till_request *request, unsigned port, const char **ret_why);

#endif
