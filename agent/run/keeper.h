/*
 * Who holds the copy: one step at a time, without a thread or a clock of its own, so that the daemon and the
 * simulation run the same code.
 *
 *     watch ─▶ papers, roster, trust when they are others ─▶ lease when due ─▶ pages while there are more ─▶ sweep
 *
 * Threads: one keeper, one thread.
 */
#ifndef KLUIS_AGENT_KEEPER_H
#define KLUIS_AGENT_KEEPER_H

#include "kluis/session.h"
#include "shop.h"

struct keeper;

struct keeper_options {
	struct shop *shop;
	struct exchange exchange;	     /* for watching and asking, on LANE_SYNC */
	struct session_memory memory;	     /* of LANE_SYNC */
	uint32_t wait_ms;		     /* of a watch; the simulation's is 0 */
	const struct public_key *controller; /* who signs papers; with the store: one of these, what it was signed by */
	const struct public_key *signers;    /* the store's own key and those that it had before */
	size_t signer_count;
	/* A changed agreement or charter was verified: write it where it is found at the next start, as agreement.note,
	 * charter.note, the charter first. NULL: nowhere. */
	enum err (*keep_paper)(void *context, const char *name, struct slice note);
	/* Another trust note is in force, with this hash: fetch it on the session, verify and keep it (anchor.h). NULL:
	 * nobody cares. */
	enum err (*take_trust)(void *context, struct session *session, struct slice hash, uint64_t time_ms,
			       struct fault *fault);
	/* The roster changed at head office: sessions of who is gone end (desk_roster_changed). May be NULL. */
	void (*roster_changed)(void *context);
	void *context;
};
enum err keeper_new(const struct keeper_options *options, struct keeper **ret_keeper, struct fault *fault) MUST_USE;
void keeper_free(struct keeper **keeper);

/* What a step came to. */
enum keeper_result {
	KEEPER_CURRENT, /* nothing to do now: the copy is what the broker would give */
	KEEPER_MORE,	/* something was done, there may be more: call again at once */
	KEEPER_AWAY,	/* the broker did not answer: call again after a pause */
	KEEPER_REFUSED, /* the broker refuses this store (no key, no agreement, suspended): watch on, slowly */
	KEEPER_ALARM	/* something is wrong and was raised (alarm.h): call again after a pause */
};
/* One request at most is under way in it. Always sweeps (shop_sweep) before it waits. */
enum keeper_result keeper_step(struct keeper *keeper, struct fault *fault);

/* Gets the answer that is waited for, if one is, and keeps the lane's memory: afterwards the store's key may be
 * replaced. */
enum err keeper_settle(struct keeper *keeper, struct fault *fault) MUST_USE;
/* After it was replaced: the keys that an agreement may be signed by now; they must outlive the keeper. */
void keeper_set_signers(struct keeper *keeper, const struct public_key *signers, size_t count);

/* For status; any thread. */
struct keeper_progress {
	char purpose[NAME_MAX_ + 1]; /* being copied; empty: none */
	uint64_t customers;	     /* so far in this copy */
	bool is_first_copy;
};
void keeper_progress(struct keeper *keeper, struct keeper_progress *ret_progress);

#endif
