/*
 * What the keeper's files share.
 *
 *     keeper.c         the step: what is pending, what is next, what a failure means
 *     keeper_watch.c   asking what is another than known
 *     keeper_papers.c  agreement and charter        keeper_roster.c  employees
 *     keeper_copy.c    leases and pages
 *
 * Each turn does one thing at most; turns are tried in order until one had something to do.
 */
#ifndef KLUIS_AGENT_KEEPER_INTERNAL_H
#define KLUIS_AGENT_KEEPER_INTERNAL_H

#include "keeper.h"

#define KEEPER_TRIES 2

/* A WatchRow as the keeper knows it, hashes zero where there is none. */
struct keeper_row {
	uint64_t change;
	enum agreement_state state;
	struct hash agreement, candidate, trust, roster;
	bool has_agreement, has_candidate, has_trust, has_roster;
};

/* One purpose's copy. */
struct keeper_copy {
	bool is_behind;	   /* pages may be waiting */
	bool is_begun;	   /* sync_begin was asked for this run of pages */
	uint64_t retry_ms; /* refused: not asked before that */
	int32_t day;	   /* UTC, of the last sync_begin */
};

struct keeper {
	struct keeper_options options;
	struct session session;
	struct arena arena;			 /* of one step */
	struct keeper_row seen;			 /* the last answer */
	struct keeper_row done;			 /* what of it was acted upon: asked from here on */
	bool is_row_new;			 /* seen may differ from done */
	struct hash doubted;			 /* a roster's hash that the rows once did not have */
	bool has_watched;			 /* since the start, or since a refusal */
	int pending_purpose;			 /* of the page whose answer is not known */
	struct keeper_copy copies[PURPOSES_MAX]; /* by the charter's purposes */
	pthread_mutex_t progress_lock;
	struct keeper_progress progress;
};

/* What a turn came to. */
enum keeper_turn {
	TURN_NOTHING, /* was not due: try the next one */
	TURN_DONE,
	TURN_REFUSED, /* by the broker, with reason; retried later */
	TURN_FAILED   /* *ret_err */
};

/* Sends one operation, under the agreement if told, and gives the checked answer with contact noted. Refusals of the
 * whole request are failures, with their code. */
enum err keeper_call(struct keeper *keeper, Kluis__Operation *operation, bool is_under_agreement,
		     struct session_answer *ret_answer, struct fault *fault) MUST_USE;
/* The verdict on the only operation. */
enum err keeper_verdict(const struct session_answer *answer, struct fault *fault) MUST_USE;
uint64_t keeper_now_ms(struct keeper *keeper);
/* The copy for which sync is granted, and may be asked for now. */
bool keeper_is_in_force(struct keeper *keeper);

typedef enum keeper_turn keeper_turn_fn(struct keeper *keeper, enum err *ret_err, struct fault *fault);
keeper_turn_fn keeper_turn_papers, keeper_turn_state, keeper_turn_roster, keeper_turn_trust, keeper_turn_lease,
	keeper_turn_page;

/* Waits for news, at most until something else is due. */
enum err keeper_watch(struct keeper *keeper, struct fault *fault) MUST_USE;
/* All copies may be behind; refused ones are asked for again. */
void keeper_mark_behind(struct keeper *keeper);
/* A page was disclosed and is not kept: what the broker counts as held (R129) is certified to be gone, if there is no
 * copy. */
enum err keeper_let_go(struct keeper *keeper, const char *purpose) MUST_USE;
/* When a lease or a refused purpose is due next, by the broker's clock. */
uint64_t keeper_copy_due_ms(struct keeper *keeper);

#endif
