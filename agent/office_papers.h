/*
 * The agreement that head office offers: found, opened, signed. By commands on the folder and by the running daemon
 * alike (run/office.h). The agent's session is on LANE_ADMIN; what is found lives in the arena.
 *
 * Threads: the agent's.
 */
#ifndef KLUIS_AGENT_OFFICE_PAPERS_H
#define KLUIS_AGENT_OFFICE_PAPERS_H

#include "home.h"

/* What the broker has for this store, opened and checked. */
struct office_offer {
	Kluis__AgreementRow *row;
	struct slice note;
	struct slice charter_note;
	struct charter *charter;
	struct agreement *agreement;
};

/* The store's agreement in the wanted state; with AGREEMENT_NONE any but a draft, an offered one before the current.
 * ERR_NOT_FOUND. */
enum err office_find_row(struct agent *agent, enum agreement_state wanted, struct arena *arena,
			 Kluis__AgreementRow **ret_row, struct fault *fault) MUST_USE;
enum err office_get_paper(struct agent *agent, struct slice hash, struct arena *arena, struct slice *ret_note,
			  struct fault *fault) MUST_USE;
/* Finds and opens the offered one: controller's signature, this store, its charter. ERR_NOT_FOUND without one. */
enum err office_find_offer(struct agent *agent, struct arena *arena, struct office_offer *ret_offer,
			   struct fault *fault) MUST_USE;
/* Signs it with the store's key and keeps both papers in the folder. */
enum err office_sign(struct agent *agent, const struct office_offer *offer, struct arena *arena,
		     struct fault *fault) MUST_USE;
/* The one that is active, signed before but not kept here. */
enum err office_recover(struct agent *agent, struct arena *arena, struct fault *fault) MUST_USE;

#endif
