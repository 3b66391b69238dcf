/*
 * A decision made again, from the log's facts alone, by the same decide() that broker and agent use
 * (FORMAT.md section 9, "data operations").
 *
 * Threads: one.
 */
#ifndef AUDIT_GATE_H
#define AUDIT_GATE_H

#include "state.h"

struct gate {
	bool is_controller; /* R94: no grant needed */
	struct decide_input input;
	struct verdict verdict;
	struct customer_facts facts;
	enum err code;		     /* what the log gives */
	char clause[CLAUSE_MAX + 1]; /* empty: none decided */
};

/* Without a customer: R80 to R87, and that the request names the agreement in force. */
void gate_standing(const struct state *state, const struct step *step, enum operation operation, struct gate *ret_gate);
/* With one, after a standing that let it pass. */
void gate_over(const struct state *state, const struct step *step, const struct customer_fact *customer,
	       struct gate *gate);
/* The same by facts that are not a customer's alone: a receipt is itself a visit, a registration has only what it says.
 */
void gate_over_facts(struct gate *gate, const struct customer_facts *facts);

/* The log's facts of a customer for the step's store and purpose. */
void gate_facts(const struct state *state, const struct step *step, const struct customer_fact *customer,
		struct customer_facts *ret_facts);
struct slice step_purpose(const struct step *step);

#endif
