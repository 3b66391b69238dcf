/*
 * How a store stands, as JSON: for GET /v1/status, for kluis-agent status. Nothing personal, no secret.
 *
 * Threads: any; takes the shop's locks.
 */
#ifndef KLUIS_AGENT_RUN_STATUS_H
#define KLUIS_AGENT_RUN_STATUS_H

#include <jansson.h>

#include "run/keeper.h"

/* What the shop does not know. */
struct status_facts {
	const char *principal, *broker;
	uint32_t key_id;
	bool is_running; /* the next are there */
	bool is_online;
	unsigned connections;
	uint64_t online_since_ms; /* by the broker's clock; 0: is not online */
	struct keeper_progress progress;
};
/* A new reference; NULL when memory is short. */
json_t *status_json(struct shop *shop, const struct status_facts *facts);

#endif
