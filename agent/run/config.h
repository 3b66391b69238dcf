/*
 * The daemon's one configuration file, <folder>/run.ini, which may be absent: kluis-agent-run.ini(5).
 *
 * Threads: pure.
 */
#ifndef KLUIS_AGENT_RUN_CONFIG_H
#define KLUIS_AGENT_RUN_CONFIG_H

#include "kluis/arena.h"

#define RUN_ADDRESS_MAX 16

struct run_config {
	/* [till] */
	bool is_till_served;		    /* listen = none: it is not */
	char till_address[RUN_ADDRESS_MAX]; /* 127.0.0.1 or ::1 */
	unsigned till_port;
	uint64_t till_idle_ms; /* an employee is signed out after that without a request */
	/* [sync] */
	uint32_t wait_ms; /* of a long poll */
	/* [witness] */
	bool is_witness;
	uint64_t witness_every_ms;
};
/* The defaults: what holds without a file. */
void run_config_init(struct run_config *ret_config);
/* The whole text of such a file. */
enum err run_config_parse(struct slice text, const char *name, struct run_config *ret_config,
			  struct fault *fault) MUST_USE;
/* <folder>/run.ini; the defaults if it is not there. */
enum err run_config_read(const char *folder, struct run_config *ret_config, struct fault *fault) MUST_USE;

#endif
