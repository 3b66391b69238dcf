/*
 * Shops that run themselves, in one thread, driven by a seed: the broker's core on a simulated disk, head office, and
 * three shops made of the agent's own parts (desk, journal, outbox, copy, keeper, courier, timekeeper), each on a
 * simulated disk and under a clock of its own, with a network between them that loses, repeats and splits.
 *
 *     branch_work.c   ─▶ desk            keeper_step, courier_step ─▶ branch_net.c ─▶ core_prepare, core_commit
 *     (tills, office)     │ journal, outbox, copy        │
 *                         └──────── branch_shop.c: one machine; dies at any commit, save or change of a key
 *
 * A machine that dies keeps what was synced and nothing else: what was under way is lost or kept as the seed says,
 * and whoever waited for it hears of neither. What must hold, step by step and at the end:
 *
 *     branch_check.c    the log against what tills were told: each item once, in order for each customer; records
 *     branch_shown.c    what tills were shown against what their shop could know
 *     branch_model.c    each copy against the model (model.h), which knows the franchise's history
 *     branch_witness.c  one history for all, and who is shown another one notices
 *     branch_found.c    no findings, alarms or debts of honest shops
 *     branch_keys.c, branch_rotate.c, branch_trust.c   keys that follow others, of the broker, the stores, the log
 *
 * A broken invariant ends the program with its name, the seed and the step.
 */
#ifndef KLUIS_SIM_BRANCH_H
#define KLUIS_SIM_BRANCH_H

#include "desk/desk.h"
#include "franchise.h"
#include "home.h"
#include "key_action.h"
#include "key_shelf.h"
#include "model.h"
#include "run.h"
#include "run/courier.h"
#include "run/keeper.h"
#include "run/line.h"
#include "seeds.h"
#include "store_memory.h"

#define BRANCHES 3
#define BRANCH_LANES 5 /* enum agent_lane, LANE_UPLOAD and the one on which keys are replaced */
#define BRANCH_LANE_KEY 4
#define BRANCH_SIGNERS 32
#define BRANCH_STAFF 2
#define BRANCH_EVIDENCE 2 /* notes: the older, the newer */
#define BRANCH_LATE_MAX 16

struct branches;

/* One that is in the outbox, or was; which operation it is, by its bytes. */
struct branch_item {
	uint64_t number;
	uint8_t hash[HASH_SIZE];
	bool is_done; /* branch_check found it in the log */
	bool has_customer;
	uint8_t customer[PSEUDONYM_SIZE]; /* whom it names */
};
/* What a till was shown from the copy. */
struct branch_shown {
	uint64_t record;
	uint8_t customer[PSEUDONYM_SIZE];
	uint32_t version;
};

/* What the broker did for a shop, by its log. */
struct branch_done {
	uint8_t hash[HASH_SIZE];
	uint64_t index;
	uint8_t customer[PSEUDONYM_SIZE];
	bool is_by_value; /* a receipt for a card that was not in the copy: the shop did not know whose it is */
	uint64_t number;  /* the item that it was; 0: not known yet */
};
struct branch_record {
	uint64_t number;
	uint8_t customer[PSEUDONYM_SIZE];
	uint32_t version, code;
};

/* What a copy was sealed under when somebody in it was erased. */
struct branch_old_key {
	unsigned purpose;
	uint8_t key[KEY_SIZE];
};

/* What is written to a disk beside the store, and may be interrupted. */
struct branch_file {
	struct bytes bytes;
	bool is_there;
};

/* What a shop could be allowed to show of a customer, by all that it may know (branch_shown.c): bits of fields, of
 * those without a mask, and the version that it has at least. */
struct branch_may {
	uint64_t fields[SPEC_PURPOSES], open[SPEC_PURPOSES];
	size_t version;
};

struct branch {
	struct branches *all;
	struct party *party; /* the store's key, and a lane for what its owner does by hand */
	uint8_t seal_key[KEY_SIZE];
	struct secret_key witness;
	char folder[32];
	/* the disk, beside the store on it */
	struct branch_file lanes[BRANCH_LANES], charter, agreement, evidence[BRANCH_EVIDENCE];
	struct key_shelf shelf;
	/* the last one that a lease was seen with: a copy may have been sealed under it */
	uint8_t used_keys[SPEC_PURPOSES][KEY_SIZE];
	/* this machine */
	struct shop shop;
	struct keeper *keeper;
	struct courier *courier;
	struct desk *desk;
	struct line *line;
	bool has_token[BRANCH_STAFF];
	uint8_t tokens[BRANCH_STAFF][DESK_TOKEN_SIZE];
	struct public_key signers[BRANCH_SIGNERS]; /* the key of now and those that were */
	size_t signer_count;
	unsigned rotations;
	bool is_unsure;				/* which key the broker takes: nothing is signed */
	struct public_key logs[TRUST_LOGS_MAX]; /* that it takes checkpoints from */
	size_t log_count;
	bool is_dead, is_full;
	unsigned dies_in; /* writes beside the store until it dies; 0: not planned */
	/* its clock */
	int64_t skew_ms;
	uint64_t boot_ms;
	uint64_t wrong_ms; /* how wrong its clock ever was: then leases may end that much later, and findings are right
			    */
	/* its network */
	bool is_split;
	/* what is true */
	LIST(struct branch_item) items;
	LIST(struct branch_shown) shown;
	LIST(struct branch_done) done;
	LIST(struct branch_record) records;
	LIST(struct branch_old_key) old_keys;
	uint64_t destroyed;		   /* items, by certificates of a purge */
	uint64_t leases_ms[SPEC_PURPOSES]; /* the latest end of a lease that the broker's log gives */
	LIST(struct branch_may) may;	   /* by the model's number of the customer */
	bool knows_gone[BRANCH_STAFF];	   /* the shop was told of whose removal */
	bool is_gone[BRANCH_STAFF];
	uint8_t employees[BRANCH_STAFF][PSEUDONYM_SIZE];
	bool is_suspended, is_terminated, is_revoked; /* at head office */
	bool is_lied_to, has_caught, is_alarmed;      /* about the log */
};

struct branch_late {
	uint8_t *data;
	size_t length;
};
struct branch_member {
	uint8_t customer[PSEUDONYM_SIZE];
	char card[32];
	bool is_erased;
};

/* Another history of the broker's, that it shows to one shop. */
struct fork {
	struct store *store;
	struct core *core; /* NULL: there is none */
	uint64_t size;	   /* entries */
	struct branch *victim;
	uint32_t key_id; /* of the victim: another one is unknown to the fork */
	bool is_shown;
};

/* What a run counts. */
enum {
	BRANCH_SHOWN,
	BRANCH_FROM_BROKER,
	BRANCH_ITEMS,
	BRANCH_CRASHES,
	BRANCH_BROKER_CRASHES,
	BRANCH_SPLITS,
	BRANCH_PURGES,
	BRANCH_REFUSED,
	BRANCH_RECORDS,
	BRANCH_CONFLICTS,
	BRANCH_FINDINGS,
	BRANCH_COSIGNED,
	BRANCH_FORKS,
	BRANCH_FULL,
	BRANCH_EPOCHS,
	BRANCH_ROTATIONS,
	BRANCH_ERASURES,
	BRANCH_COUNTS
};

struct branches {
	struct run run;
	bool is_calm;
	bool has_fork;	/* the broker may show another history */
	bool has_theft; /* and a store's key be revoked */
	struct arena arena;
	struct franchise *formula;
	struct model *model;
	struct fork fork;
	struct ring ring; /* the broker's keys */
	uint32_t epoch;	  /* of its master key */
	bool is_rewrapping, is_rewrapped;
	const struct trust *trust; /* in force; NULL: none yet */
	size_t trust_count;
	struct branch shops[BRANCHES];
	LIST(struct branch_member) members;
	unsigned next_card;
	struct branch_late late[BRANCH_LATE_MAX]; /* copies of messages that are still on their way */
	size_t late_count;
	uint64_t size; /* entries that branch_check has seen */
	uint64_t counts[BRANCH_COUNTS];
};
/* ---- branch.c ---- */
#define branch_fail(all, ...) run_fail(&(all)->run, __VA_ARGS__)
#define branch_must(all, err, what) run_must(&(all)->run, err, what)
#define branch_trace(all, ...) run_trace(&(all)->run, __VA_ARGS__)
uint64_t branch_draw(struct branches *all, uint64_t bound);
bool branch_chance(struct branches *all, unsigned percent);
void branches_run(const struct seeds_run *run, struct hash *ret_root);

/* ---- branch_erased.c ---- */
/* Anybody, also those whom shops that are split change. */
void branch_erase_member(struct branches *all);
/* I7: nobody owes a certificate but who cannot give it, and no key is left that opens an older image of a copy. */
void branch_check_erasures(struct branches *all);

/* ---- branch_net.c ---- */
struct exchange branch_exchange(struct branch *branch);
void branch_broker_restart(struct branches *all);
/* Its disk has what it has, and nobody has it open, in between. */
void branch_broker_stop(struct branches *all);
void branch_broker_start(struct branches *all);
/* A copy of a message that was under way comes in after all. */
void branch_net_late(struct branches *all);
void branch_net_free(struct branches *all);

/* ---- branch_shop.c ---- */
void branch_new(struct branches *all, struct branch *branch, struct party *party, const char *name);
void branch_free(struct branch *branch);
/* Plans that the machine dies in one of its next writes. */
void branch_plan_death(struct branch *branch);
bool branch_is_dead(const struct branch *branch);
/* Before a write: is it to be lost, or the machine to die after it? */
enum branch_fate { FATE_WRITTEN, FATE_LOST, FATE_UNHEARD };
enum branch_fate branch_fate(struct branch *branch);
/* As durable as this machine is. */
enum err branch_write(struct branch *branch, struct branch_file *file, struct slice content) MUST_USE;
/* Nothing can be written to its disk, until there is room again. */
void branch_fill(struct branch *branch, bool is_full);
/* What is in memory is gone; it comes up again on what the disk has. */
void branch_restart(struct branch *branch);
uint64_t branch_true_ms(const struct branch *branch);
/* What daemon_tick does once a second, and what it keeps now and then. */
void branch_sweep(struct branch *branch);
void branch_keep(struct branch *branch);

/* ---- branch_work.c ---- */
void branch_till(struct branch *branch);
void branch_keeper(struct branch *branch);
void branch_courier(struct branch *branch);
void branch_office(struct branches *all);
void branch_register_members(struct branches *all, unsigned count);

/* ---- branch_witness.c ---- */
void branch_witness_new(struct branch *branch);
void branch_witness_free(struct branch *branch);
/* The broker begins another history for one of the shops; once a run. After that it shows the shop this or that. */
void branch_fork(struct branches *all);
void branch_fork_free(struct branches *all);
/* Which of its histories the broker answers this message by. */
struct core *branch_core_for(struct branch *branch, struct slice message);
/* The shop asks for the round of cosigning. */
void branch_witness(struct branch *branch);
/* I3: who was shown two histories has noticed and kept the proof; nobody else has; what they cosigned is what head
 * office gives out. */
void branch_check_witnesses(struct branches *all);

/* ---- branch_keys.c ---- */
/* One step of the way from one master key to the next. */
void branch_master_key(struct branches *all);
/* The store's key was stolen, head office hears of it. */
void branch_revoke(struct branch *branch);

/* ---- branch_rotate.c ---- */
/* Another key for the store, or on with what was begun. */
void branch_rotate(struct branch *branch);
/* At the start, before anything is signed: the key, and what a rotation that was cut off left to do. */
void branch_rotate_reopen(struct branch *branch);

/* From now on names given to files are this branch's writes; NULL: nobody's. */
void branch_writes(struct branch *branch);

/* ---- branch_trust.c ---- */
/* The next version of who the log is. */
void branch_trust(struct branches *all);
/* At the start: the log's keys as the shop's disk has them. */
void branch_trust_reopen(struct branch *branch);
enum err branch_take_trust(void *context, struct session *session, struct slice hash, uint64_t time_ms,
			   struct fault *fault) MUST_USE;
/* Does the shop believe the keys that are in force? */
bool branch_trusts(const struct branch *branch);

/* ---- branch_model.c ---- */
/* A broker with a charter, whose messages the model hears from then on. */
void branch_model_begin(struct branches *all);
void branch_model_end(struct branches *all);
/* Another agreement for a shop. supersedes: hash or NULL; is_open: as spec_lasting. */
void branch_agree(struct branch *branch, const uint8_t *supersedes, bool is_open);
/* I11: each copy is what the model says, or nothing. */
void branch_check_copies(struct branch *branch);

/* ---- branch_shown.c ---- */
/* The shop is current: it knows the log as it is. */
void branch_knows(struct branch *branch);
/* The log says more: the shop may know it. */
void branch_may_know(struct branch *branch);
/* I4, I6, at the moment at which a member is shown from the copy. */
void branch_check_shown(struct branch *branch, const struct desk_member *member, unsigned purpose, size_t employee);

/* ---- branch_check.c ---- */
/* An item is in the outbox under a number: what it is. */
void branch_note_items(struct branch *branch);
/* I8: the till was just told that its item has this number. */
void branch_check_taken(struct branch *branch, uint64_t number);
/* After all is drained. */
void branch_check_end(struct branches *all, struct hash *ret_root);
/* The latest end of a lease, from what the log has now. */
void branch_follow_log(struct branches *all);

/* ---- branch_found.c ---- */
/* Bits of enum finding, about a shop. */
void branch_check_findings(struct branch *branch, uint32_t findings);
/* At the end: head office's lists, the auditor. */
void branch_check_found(struct branches *all);

#endif
