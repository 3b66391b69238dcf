/*
 * What the folder's owner has the running daemon do, on LANE_ADMIN: what the commands do on a folder whose daemon does
 * not run, by the same functions (office_staff.h, office_papers.h).
 *
 * Threads: any; its own lock, one call at a time.
 */
#ifndef KLUIS_AGENT_RUN_OFFICE_H
#define KLUIS_AGENT_RUN_OFFICE_H

#include "desk/desk.h"
#include "home.h"
#include "run/sluice.h"
#include "till/till_server.h"

struct office {
	pthread_mutex_t mutex;
	struct agent *agent; /* with a session on LANE_ADMIN */
	struct shop *shop;
	struct desk *desk;
	struct sluice *sluice; /* whoever signs with the store's key is inside */
	/* Replaces that key; gives the id of the new one. Not from inside. */
	enum err (*rotate)(void *context, uint32_t *ret_key_id, struct fault *fault);
	void *rotate_context;
};
/* The last three are the caller's to set. */
void office_init(struct office *office, struct agent *agent, struct shop *shop, struct desk *desk);
void office_fini(struct office *office);

/* Registers the key that the store cosigns with (R144). */
enum err office_witness(struct office *office, const struct secret_key *witness, struct fault *fault) MUST_USE;

/* For the tills' server; context: the office (office_calls.c). */
extern const struct till_office_call office_calls[];
extern const size_t office_call_count;

#endif
