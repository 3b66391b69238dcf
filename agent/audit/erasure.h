/*
 * Erased customers, and what is outstanding of each: the copies that ever had them and have not certified, and the
 * master keys of then (FORMAT.md R150 to R154).
 *
 * Threads: one.
 */
#ifndef AUDIT_ERASURE_H
#define AUDIT_ERASURE_H

#include "state.h"

/* A store's copy for a purpose that a customer came into. */
struct received_fact {
	uint32_t store;
	const char *purpose;
	uint64_t since_ms;     /* of the copy: one begun later is another */
	uint64_t certified_ms; /* 0: not */
	struct received_fact *next;
};

/* The step's page discloses these customers to a copy that is held since copy->since_ms. */
enum err erasure_receive(struct state *state, const struct step *step, const struct copy_fact *copy) MUST_USE;
/* The copy that had the customer and has not certified, if the store still holds it; NULL if there is none. */
struct received_fact *erasure_owed(const struct store_fact *store, const struct customer_fact *customer,
				   const char *purpose);
/* What a Purge with a customer says. */
enum err erasure_certify(struct state *state, const struct step *step) MUST_USE;

/* A record of the step's journal that shows a customer long after the store had certified that they are gone: when it
 * did; 0: it had not. */
uint64_t erasure_certified_ms(const struct state *state, const struct step *step, struct slice customer,
			      const char *purpose);

/* How the erasures of the log stand at its end. */
struct erasure_counts {
	uint64_t erased, complete;
	uint64_t owed;	  /* certificates */
	uint64_t overdue; /* of these, of copies whose lease is over */
};
/* report, if it is not NULL, takes a line for each certificate that is owed. */
void erasure_count(const struct state *state, uint64_t now_ms, void (*report)(const char *line),
		   struct erasure_counts *ret_counts);

#endif
