/*
 * A whole franchise in one thread, driven by a seed: the broker's core on a
 * simulated disk, head office, stores with their lanes and copies, an auditor,
 * and a network that loses, repeats, delays and reorders.
 *
 *     work.c ─▶ client.c ─▶ queue ─▶ broker.c (prepare, wait, commit) ─▶ answers ─▶ client.c
 *                                        │ entries
 *                                        ▼
 *                                    model.c: facts and rules of its own, checked at each entry
 *                                    check.c: tables, copies, checkpoints, the auditor, at intervals and at the end
 *
 * Each step of a run is one event, chosen by the seed. A broken invariant ends
 * the program with its name, the seed and the step.
 */
#ifndef KLUIS_SIM_SIM_H
#define KLUIS_SIM_SIM_H

#include "core/core.h"
#include "franchise.h"
#include "key_shelf.h"
#include "kluis/invitation.h"
#include "kluis/session.h"
#include "model.h"
#include "replica.h"
#include "seeds.h"
#include "store_memory.h"
#include "sync.h"

#define STORES MODEL_STORES
#define STORE_LANES 3 /* tills, a second till, sync */
#define LANE_SYNC 2
#define OFFICE_LANES 6
#define CLIENTS (OFFICE_LANES + STORES * STORE_LANES + 1)
#define QUEUE_MAX 128
#define WAITING_MAX 24

struct sim;
struct client;

/* Who signs: head office, a store, the auditor. */
struct actor {
	struct secret_key key;
	uint32_t store; /* of a store */
	uint8_t sealing[KEY_SIZE];
	bool has_copy;
	struct replica copy; /* of a store */
	struct key_shelf shelf;
	char copy_folder[32];
	bool is_invited; /* and has not sent its join yet */
	uint8_t code[INVITATION_CODE_SIZE];
	const struct agreement_spec *agreement; /* that it last acted under */
};

/* One lane of an actor. */
struct client {
	struct sim *sim;
	struct actor *actor;
	uint32_t lane;
	struct session session;
	bool is_open;
	struct bytes disk; /* what the lane remembers */
	bool has_disk;
	unsigned save_fails; /* 1: the next save is lost, 2: it is kept but said to have failed */
	uint64_t ticket;     /* of the last message sent: answers to earlier ones are thrown away */
	bool has_inbox, is_feeding;
	struct bytes inbox;
	bool is_sync;	     /* what is pending was sent by sync_page */
	const char *purpose; /* of the page */
	bool has_page;	     /* a page was taken; outcome is its */
	struct sync_outcome outcome;
	unsigned out_of_order; /* answers of ERR_SEQUENCE in a row */
};

struct message {
	uint8_t *data;
	size_t length;
	size_t client;
	uint64_t ticket;
};

struct waiting {
	struct prepared *prepared;
	struct message message;
};

/* What was answered with an entry: it must be there for ever. */
struct received {
	uint64_t index;
	struct hash leaf;
};

struct sim {
	struct run run;
	uint64_t now_ms, begin_ms;
	int64_t skew_ms;	/* of the broker's clock */
	bool has_windows;	/* scopes that time alone changes */
	bool has_other_charter; /* one with another rule of ownership */
	/* the broker */
	struct franchise franchise; /* for the actions of tests/lib; its core is the broker's */
	bool is_full;
	uint64_t durable; /* entries before the last event */
	/* the network */
	struct message queue[QUEUE_MAX];
	size_t queue_count;
	struct message answers[QUEUE_MAX];
	size_t answer_count;
	struct waiting waiting[WAITING_MAX];
	size_t waiting_count;
	uint64_t tickets;
	bool is_calm; /* nothing is lost, nobody crashes: the end of a run */
	/* who takes part */
	struct actor office, auditor, stores[STORES];
	struct client clients[CLIENTS];
	LIST(struct received) received;
	struct model *model;
	uint64_t counts[3]; /* COUNT_* */
};

enum { COUNT_CRASHES, COUNT_AGAIN, COUNT_LATE };

/* ---- sim.c ---- */
uint64_t draw(struct sim *sim, uint64_t bound);
bool chance(struct sim *sim, unsigned percent);
/* One run; the root of the log at its end. */
void sim_run(const struct seeds_run *run, struct hash *ret_root);

/* ---- broker.c ---- */
void broker_new(struct sim *sim);
void broker_close(struct sim *sim);
uint64_t broker_now(const struct sim *sim);
/* The machine dies and comes up again. */
void broker_crash(struct sim *sim);
/* One message that is on its way is prepared; is_calm: the oldest. */
void broker_prepare(struct sim *sim);
/* All that waits, in any order, in one commit; then perhaps a checkpoint. */
void broker_commit(struct sim *sim);
void broker_checkpoint(struct sim *sim);
/* Commits while the disk fails or the machine dies. */
void broker_commit_and_die(struct sim *sim);
void message_free(struct message *message);

/* ---- client.c ---- */
void clients_new(struct sim *sim);
void clients_free(struct sim *sim);
struct client *client_of(struct sim *sim, const struct actor *actor, uint32_t lane);
/* Sends actions as one request. */
void client_send(struct client *client, const struct action *actions, size_t count, struct slice agreement,
		 struct slice employee);
void client_sync(struct client *client, const char *purpose);
/* The answer in the inbox, or nothing but time, for what is pending. */
void client_take(struct client *client);
void client_again(struct client *client);
void client_crash(struct client *client);
/* Until nothing is pending; only while calm. */
void client_settle(struct client *client);
/* Hands the answer at place i to its client, unless that has asked again since. */
void client_deliver(struct sim *sim, size_t i);
/* All lanes of an actor begin with a new key, or with the same one and new memories. */
void client_rekey(struct sim *sim, struct actor *actor, bool is_new_key);
/* Under which the actor acts now: what is in force or, sometimes, what was. NULL: none. */
const struct agreement_spec *client_agreement(struct sim *sim, struct actor *actor);
size_t store_place(const struct sim *sim, const struct actor *actor);

/* ---- work.c ---- */
/* Head office's first entry, stores, agreements. */
void work_begin(struct sim *sim);
/* A request of any kind by a client with nothing pending. */
void work_any(struct client *client);

/* ---- check.c ---- */
/* I1 and I8: what clients were told is in the log; I10: tables are what the log says. */
void check_now(struct sim *sim);
/* I11: every store that may synchronise does, and then holds what the model says. */
void check_copies(struct sim *sim);
/* I2 to I5, and I4 once more: the auditor's own verification and recomputation. */
void check_auditor(struct sim *sim);

#endif
