/*
 * What a result must say, held against what it says.
 *
 * An outcome is either certain (a verdict of section 8, a state of R28) or one of a few reasons, because what was
 * wrong with a value, or whom a value led to, is not for the log to hold.
 *
 * Threads: one.
 */
#ifndef AUDIT_EXPECT_H
#define AUDIT_EXPECT_H

#include "gate.h"

#define REASONS_MAX 16

/* Reasons to refuse that the log gives, and those that it cannot exclude. */
struct reasons {
	enum err codes[REASONS_MAX];
	size_t count;
	enum err certain; /* the first one that the log gives: it cannot have been permitted; ERR_OK: none */
};

/* The log gives this reason, if holds. */
void reasons_certain(struct reasons *reasons, bool holds, enum err code);
/* The log cannot exclude these (ends with ERR_OK). */
void reasons_possible(struct reasons *reasons, const enum err *codes);

/* A finding unless the result's code is one of the reasons, or 0 where none of them is certain. If permitted, or if a
 * field is not in the grant, its clause must be clause (NULL: none), else none. True if it was rightly permitted. */
bool expect_reasons(const struct state *state, const struct step *step, const struct reasons *reasons,
		    const char *clause);
/* A finding unless the result has exactly the gate's code and, when refused, its clause. True if the gate lets pass
 * and what follows decides. */
bool expect_gate(const struct state *state, const struct step *step, const struct gate *gate);
/* A finding unless the code is exactly this one, with this clause. */
void expect_code(const struct state *state, const struct step *step, enum err code, const char *clause);

#endif
