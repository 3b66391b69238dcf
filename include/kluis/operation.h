/*
 * The table of operations: one row a kind in kluis.proto's Operation, saying who may
 * send it, whether it needs a grant, a part, a paper, and what its message may hold.
 * Adding an operation is a row here, a message in the schema and a handler.
 *
 * Threads: read-only.
 */
#ifndef KLUIS_OPERATION_H
#define KLUIS_OPERATION_H

#include "kluis/agreement.h"
#include "kluis/wire.h"

#define MAY_STORE (1u << PRINCIPAL_STORE)
#define MAY_CONTROLLER (1u << PRINCIPAL_CONTROLLER)
#define MAY_AUDITOR (1u << PRINCIPAL_AUDITOR)

struct operation_row {
	Kluis__Operation__KindCase kind;
	const char *name;      /* as in kluis.proto, "get_paper": for people, --json, replay */
	unsigned may;	       /* MAY_* bits */
	int granted;	       /* enum operation that a store needs a grant for, or -1 */
	bool is_first_contact; /* Join: the principal's key is not known yet */
	bool answers_data;     /* takes one Data of the reply */
	bool takes_paper;      /* takes one of the envelope's papers (R42) */
	bool is_unlogged;      /* leaves no entry: alone, under sequence 0 (R120) */
	/* Lengths and bounds of its message; never whether its names exist. ERR_INPUT with a fault. */
	enum err (*check)(const Kluis__Operation *operation, struct fault *fault);
	/* Its commitment, empty where it is optional and absent; NULL: the kind has none. */
	struct slice (*commitment)(const Kluis__Operation *operation);
};

/* The row of a kind; NULL for one that is not set or not known. */
const struct operation_row *operation_row(Kluis__Operation__KindCase kind);
/* The purpose, that a kind is set, and the row's check. ERR_INPUT with a fault that names the operation and the field.
 */
enum err operation_check(const Kluis__Operation *operation, struct fault *fault) MUST_USE;
/* Every row, for tests and help. */
const struct operation_row *operation_rows(size_t *ret_count);

#endif
