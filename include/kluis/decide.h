/*
 * May it? One pure function, the same in broker, agent and auditor
 * (FORMAT.md section 8, rules R80-R95). Whoever wants to know why an answer was
 * given or refused reads decide.c beside that section.
 *
 * Threads: pure.
 */
#ifndef KLUIS_DECIDE_H
#define KLUIS_DECIDE_H

#include "kluis/agreement.h"

/* What is known of one customer and one store; all of it from the log. */
struct customer_facts {
	bool is_registered_here; /* registration store is this store */
	bool has_visited;	 /* ever bought here */
	int32_t last_visit_day;	 /* with has_visited: day of the latest receipt here */
	bool has_owner;
	uint32_t owner;	    /* store, by ownership_owner() */
	bool is_restricted; /* art. 18 */
	bool has_consented; /* to the purpose asked for: given or renewed */
};

/* Per-day use of one grant, by the day of the grant's zone. */
struct use_facts {
	uint32_t customers; /* distinct customers so far that day */
	bool is_counted;    /* this customer is one of them */
};

struct decide_input {
	const struct charter *charter;
	const struct agreement *agreement; /* in force for the store, or NULL */
	enum agreement_state state;	   /* of that agreement */
	enum operation operation;
	struct slice purpose;
	bool has_employee; /* named, and on the store's roster */
	uint32_t role;	   /* index in the charter's roles, with has_employee */
	uint64_t time_s;
	const struct customer_facts *customer; /* NULL: only what does not depend on a customer */
	struct use_facts use[GRANTS_MAX];      /* for grants with per_day; ignored without customer */
};

struct verdict {
	enum err code;	 /* ERR_OK or the reason */
	uint32_t grant;	 /* ordinal of the grant that decided, with has_grant */
	bool has_grant;	 /* false: the agreement itself decided, or the lack of one */
	uint64_t fields; /* allowed, with ERR_OK */
};

/*
 * Decides. Checks in this order: an agreement there, suspended, terminated, not begun, expired; a grant
 * with the purpose, with the operation; then for each such grant in the text's
 * order its validity, role, territory, hours, scope, restriction, consent and per-day use. The first grant that lets
 * everything pass decides; if none does, the reason is that of the grant that
 * got furthest, the first of these on a tie. Cannot fail.
 */
void decide(const struct decide_input *input, struct verdict *ret_verdict);

/* "grant service-at-till", "grant service-at-till: hours", "agreement: until",
 * "no grant for purpose marketing": the clause that decided, for entries and
 * people. ret_clause gets at most CLAUSE_MAX bytes and a zero. */
void verdict_clause(const struct decide_input *input, const struct verdict *verdict,
		    char ret_clause[static CLAUSE_MAX + 1]);

/* Local day on which a grant counts its customers. */
int32_t grant_day(const struct grant *grant, uint64_t time_s);
/* True if per-day counts apply to the operation: what a person asks for by name (lookup). */
bool operation_is_counted(enum operation operation);

#endif
