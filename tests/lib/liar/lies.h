/*
 * What a broker can say that is not so: each lie has a name, the kind of request that it answers, and a function that
 * makes of the true reply another one, as consistent in itself as the lie needs to get past the checks before the one
 * that it is meant for.
 *
 * Threads: one lie at a time.
 */
#ifndef TEST_LIES_H
#define TEST_LIES_H

#include "kluis/entry.h"

/* A reply about to be sent, all of it in the arena. */
struct told {
	struct arena *arena;
	const struct secret_key *log; /* signs checkpoints */
	Kluis__Request *request;
	Kluis__Reply *reply;
	Kluis__Entry *entry; /* NULL without one; encoded into the reply again afterwards */
	struct slice raw;    /* if it has bytes, they are sent instead of the reply */
};

struct lie {
	const char *name;
	Kluis__Operation__KindCase kind; /* of the first operation; KLUIS__OPERATION__KIND__NOT_SET: any */
	bool (*tell)(struct told *told); /* false: this reply gives no occasion, it goes out as it is */
};

/* NULL: there is no lie of that name. */
const struct lie *lie_find(const char *name);

/* lie may be NULL: the truth is told, but what it was is remembered. Makes of a true reply to message what goes out,
 * appended to ret_bytes. False: the truth. */
bool lie_tell(const struct lie *lie, const struct secret_key *log, struct slice message, struct slice reply,
	      struct bytes *ret_bytes);

#endif
