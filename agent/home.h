/*
 * The agent's folder:
 *
 *     agent.ini       who it is, where its broker is, the keys that it trusts
 *     store.key       its signing key, made here        seal.key   seals the copy
 *     broker.crt      the broker's certificates, pinned       trust.note  names them, once there is one (anchor.h)
 *     retired.vkeys   keys that the store had before (rotate.h)
 *     agreement.note  in force, with both signatures    charter.note
 *     lanes/          sessions                          db/        the copy, the roster
 *     leases/         keys of the copy (keyring.h)
 *
 * Threads: main thread only.
 */
#ifndef KLUIS_AGENT_HOME_H
#define KLUIS_AGENT_HOME_H

#include "kluis/invitation.h"
#include "kluis/link.h"
#include "kluis/trust.h"
#include "replica.h"

#define HOME_PATH_MAX 512

enum err home_path(const char *folder, const char *name, char ret_path[static HOME_PATH_MAX],
		   struct fault *fault) MUST_USE;

/* What agent.ini says; texts live in the arena that it was read into. */
struct membership {
	const char *origin;
	const char *principal;
	const char *address;
	struct public_key log; /* the invitation's */
	struct public_key controller;
	const struct public_key *logs; /* in force: the trust note's, without one the invitation's */
	size_t log_count;
	uint32_t trust_version; /* 0: the invitation */
};
enum err membership_read(const char *folder, struct arena *arena, struct membership *ret_membership,
			 struct fault *fault) MUST_USE;
enum err membership_write(const char *folder, const struct invitation *invitation, struct fault *fault) MUST_USE;

/* Makes the folder with keys, membership and certificate, whole or not at all; of one that is there, whose agent
 * has not joined yet, it renews membership and certificate and keeps the keys. */
enum err home_create(const char *folder, const struct invitation *invitation, struct fault *fault) MUST_USE;

/* Lanes of a store's key: what waits in one does not hold up the others. */
enum agent_lane { LANE_ADMIN, LANE_TILL, LANE_SYNC };

/* An agent's folder opened, and on demand its store, session and papers. */
struct agent {
	const char *folder;
	int lock;
	struct arena arena; /* what lives as long as the agent: membership, papers */
	struct membership membership;
	struct secret_key key;
	uint8_t *seal_key;
	struct store *store;
	struct replica replica;
	struct link *link;
	struct session session;
	char lanes[HOME_PATH_MAX], leases[HOME_PATH_MAX];
	struct charter *charter;     /* NULL without an agreement */
	struct agreement *agreement; /* as signed here; NULL if none is */
};

/* Opens folder and store. ERR_NOT_FOUND with advice before join, ERR_IN_USE. */
enum err agent_open(struct agent *ret_agent, const char *folder, struct fault *fault) MUST_USE;
/* The same without waiting for another that works in the folder: ERR_IN_USE at once. */
enum err agent_open_at_once(struct agent *ret_agent, const char *folder, struct fault *fault) MUST_USE;
void agent_close(struct agent *agent);
/* Connects, without a lane. */
enum err agent_connect_only(struct agent *agent, struct fault *fault) MUST_USE;
/* Connects and opens a lane. */
enum err agent_connect(struct agent *agent, enum agent_lane lane, struct fault *fault) MUST_USE;
/* Reads agreement.note and charter.note: ERR_NO_AGREEMENT with advice if there is none. */
enum err agent_load_agreement(struct agent *agent, struct fault *fault) MUST_USE;

/* Sends operations under the agreement (if loaded) and gives the checked answer; what the lane had pending from a
 * killed command is sent again first. ERR_OK: an entry was made; a refusal of the whole request is handed up. */
struct agent_call {
	Kluis__Operation *operation;
	Kluis__Part *part;	   /* or NULL */
	struct slice employee;	   /* 16 bytes or empty */
	bool is_outside_agreement; /* join, staff, papers: name no agreement */
};
enum err agent_send(struct agent *agent, const struct agent_call *call, struct arena *arena,
		    struct session_answer *ret_answer, struct fault *fault) MUST_USE;
/* The verdict on the first operation, with its clause in the fault. */
enum err agent_verdict(const struct session_answer *answer, struct fault *fault) MUST_USE;

#endif
