/*
 * A store's agent on a folder of its own, as join leaves it, whose broker is a franchise's core in this process
 * (franchise.h): for tests of what commands and daemon do through an agent. What the network and the broker do to it is
 * told here.
 */
#ifndef TEST_STORE_AGENT_H
#define TEST_STORE_AGENT_H

#include "franchise.h"
#include "home.h"
#include "run/office.h"

struct store_agent {
	struct franchise *formula;
	struct party *party; /* the same key, on a lane of its own */
	char scratch[SCRATCH_MAX], folder[SCRATCH_MAX + 16];
	struct agent agent;
	struct shop shop;
	struct office office;
	struct sluice sluice; /* the office's */
	struct till_server_options served;
	struct till_server *server;
	bool is_cut;	    /* nothing arrives */
	bool is_reply_lost; /* executed, unanswered */
	unsigned sent;
	/* What a lying broker makes of its answer; NULL: nothing. What it puts there must live as long as the formula.
	 */
	void (*forge)(struct store_agent *here, Kluis__Reply *reply);
};

/* Store 12, in session on LANE_ADMIN. grants as in franchise_store; no paper lies in the folder yet. */
void store_agent_begin(struct store_agent *here, const char *grants);
void store_agent_end(struct store_agent *here);
/* Closed and opened again. */
void store_agent_restart(struct store_agent *here);
void store_agent_close(struct store_agent *here);

/* Opens its shop (daemon_shop.h), as the daemon does; closed with the agent. */
void store_agent_open_shop(struct store_agent *here);
/* The same with a desk that is offline, and an office. */
void store_agent_open_office(struct store_agent *here);
/* The same with the office's calls over the local API, so that commands on the folder take it for the daemon. */
void store_agent_serve(struct store_agent *here);

#endif
